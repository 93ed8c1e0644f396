// probe(): the whole way of a shard's start, walked by a child that does nothing else.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/limits.h"
#include "loop/loop.h"
#include "sandbox/sandbox.h"

namespace skep::sandbox {

namespace {

constexpr int kExitDone = 0;
constexpr int kExitFailed = 1;  // the text on the pipe is the error
constexpr size_t kReportBytes = 8192;

Result<> make_ring() {
  SKEP_TRY_ASSIGN(auto ring, loop::Loop::create({.entries = 8,
                                                 .fixed_files = 8,
                                                 .recv_buffer_bytes = 4096,
                                                 .recv_buffer_count = 8,
                                                 .restricted = true}));
  return ring->restrict_and_enable();
}

Result<> walk_through(Sandbox& sandbox) {
  SKEP_TRY(sandbox.enter_filesystem());
  SKEP_TRY(sandbox.apply_limits({}));
  SKEP_TRY(sandbox.note(Piece::ring, make_ring()));
  SKEP_TRY(sandbox.drop_privileges());
  return sandbox.apply_seccomp({});
}

// One line a missing piece: its number, a space, the reason. Plain writes: the sandbox is closed.
int report(Sandbox& sandbox, int pipe) {
  const Result<> walked = walk_through(sandbox);
  std::string text;
  if (walked) {
    for (const Missing& entry : sandbox.missing()) {
      text += std::to_string(static_cast<int>(entry.piece)) + ' ' + entry.reason + '\n';
    }
  } else {
    text = walked.error().message;
  }
  if (text.size() > kReportBytes) text.resize(kReportBytes);
  if (write(pipe, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return kExitFailed;
  return walked ? kExitDone : kExitFailed;
}

std::string read_all(int pipe) {
  std::string text;
  char block[1024];
  while (text.size() <= kReportBytes) {
    const ssize_t got = read(pipe, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(block, static_cast<size_t>(got));
  }
  return text;
}

std::vector<Missing> parse(std::string_view text) {
  std::vector<Missing> missing;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) break;
    const int piece = std::stoi(std::string(line.substr(0, space)));
    missing.push_back({static_cast<Piece>(piece), std::string(line.substr(space + 1))});
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return missing;
}

}  // namespace

Result<std::vector<Missing>> probe(uid_t uid, gid_t gid) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno("cannot make a pipe", errno);
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const int keep[] = {theirs.get()};
  SKEP_TRY_ASSIGN(const Child child,
                  spawn({.level = Level::reduced, .uid = uid, .gid = gid, .keep_fds = keep},
                        [&](Sandbox& sandbox) { return report(sandbox, theirs.get()); }));
  theirs.reset();
  const std::string text = read_all(ours.get());
  int status = 0;
  while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == kExitDone) return parse(text);
  if (!text.empty()) return fail(text);
  return fail(WIFSIGNALED(status)
                  ? "the sandbox's own steps are forbidden in it: signal " +
                        std::to_string(WTERMSIG(status))
                  : "the sandbox can't be tried: status " + std::to_string(WEXITSTATUS(status)));
}

}  // namespace skep::sandbox
