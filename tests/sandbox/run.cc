// One attempt, one process: made, judged, counted.
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "attempts.h"
#include "walls.h"

namespace skep::attempts {

namespace {

// What an attempt says over its pipe; nothing, when it was killed.
struct Answer {
  long result;
  int error;
};

struct Outcome {
  bool answered = false;
  Answer answer{};
  int status = 0;  // of waitpid
};

std::string describe(const Outcome& outcome) {
  if (outcome.answered) {
    return outcome.answer.result >= 0 ? "succeeded" : strerrorname_np(outcome.answer.error);
  }
  if (WIFSIGNALED(outcome.status)) {
    return std::string("killed by SIG") + sigabbrev_np(WTERMSIG(outcome.status));
  }
  return "ended with status " + std::to_string(WEXITSTATUS(outcome.status));
}

int act_and_answer(const Attempt& attempt, const Given& given, int pipe) {
  errno = 0;
  Answer answer{};
  answer.result = attempt.act(given);
  answer.error = errno;
  return write(pipe, &answer, sizeof answer) == sizeof answer ? 0 : 1;
}

Outcome run_one(const Attempt& attempt, const Given& given, Walls walls) {
  int ends[2];
  if (pipe(ends) != 0) abort();
  const int keep[] = {ends[1],    given.listener, given.connected,
                      given.file, given.folder,   given.mounts};
  const pid_t pid = start(walls, keep, [&] { return act_and_answer(attempt, given, ends[1]); });
  close(ends[1]);
  Outcome outcome;
  outcome.answered = read(ends[0], &outcome.answer, sizeof outcome.answer) == sizeof outcome.answer;
  close(ends[0]);
  waitpid(pid, &outcome.status, 0);
  return outcome;
}

bool killed(const Outcome& outcome) {
  return !outcome.answered && WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGSYS;
}

void judge(Report& report, const Attempt& attempt, const Outcome& outcome, Walls walls) {
  std::string name(attempt.name);
  const bool failed_with_errno = outcome.answered && outcome.answer.result < 0;
  if (walls == Walls::none) {
    const bool done = outcome.answered && outcome.answer.result >= 0;
    name += " (no walls)";
    if (done) return report.pass(name, "succeeds where it may");
    return report.fail(name, describe(outcome) + ", but nothing forbids it here");
  }
  const int expected = walls == Walls::without_seccomp ? attempt.refusal_by_walls : attempt.refusal;
  if (walls == Walls::without_seccomp) name += " (without seccomp)";
  const bool refused =
      expected == kKilled ? killed(outcome) : failed_with_errno && outcome.answer.error == expected;
  if (refused) return report.pass(name, describe(outcome));
  report.fail(name, describe(outcome) + ", expected " +
                        (expected == kKilled ? "killed by SIGSYS" : strerrorname_np(expected)));
}

bool applies(const Attempt& attempt, Walls walls) {
  if (walls == Walls::none) return attempt.harmless;
  return walls == Walls::all || attempt.refusal_by_walls != 0;
}

}  // namespace

void Report::pass(std::string_view name, std::string_view how) {
  ++passed_;
  printf("PASS %.*s: %.*s\n", static_cast<int>(name.size()), name.data(),
         static_cast<int>(how.size()), how.data());
}

void Report::fail(std::string_view name, std::string_view how) {
  ++failed_;
  printf("FAIL %.*s: %.*s\n", static_cast<int>(name.size()), name.data(),
         static_cast<int>(how.size()), how.data());
}

void run_attempts(Report& report, const Given& given, std::span<const Attempt> attempts,
                  Walls walls) {
  for (const Attempt& attempt : attempts) {
    if (applies(attempt, walls)) {
      judge(report, attempt, run_one(attempt, given, walls), walls);
    }
  }
}

}  // namespace skep::attempts
