// io_uring goes round seccomp, so its own list must hold: every operation of the kernel is
// attempted through the loop's ring, and those that would be worth an escape with arguments that
// would work.
#include <fcntl.h>
#include <liburing.h>
#include <netinet/in.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "attempts.h"
#include "walls.h"

namespace skep::attempts {

namespace {

// Beyond the last operation of today's kernels; unknown ones are EINVAL.
constexpr int kOperations = 80;

// What the loop uses. An operation more here is a decision: can it open, connect or run anything?
constexpr std::array kAllowed = {
    IORING_OP_ACCEPT,       IORING_OP_RECV,  IORING_OP_SEND,         IORING_OP_SENDMSG,
    IORING_OP_RECVMSG,      IORING_OP_CLOSE, IORING_OP_TIMEOUT,      IORING_OP_LINK_TIMEOUT,
    IORING_OP_ASYNC_CANCEL, IORING_OP_NOP,   IORING_OP_FILES_UPDATE, IORING_OP_SHUTDOWN,
    IORING_OP_SPLICE,       IORING_OP_READ,  IORING_OP_WRITE,        IORING_OP_MSG_RING,
    IORING_OP_POLL_ADD,
};

class Result final : public loop::Completion {
 public:
  void complete(int32_t result, uint32_t, bool) override {
    result_ = result;
    done_ = true;
  }
  bool done() const { return done_; }
  int32_t value() const { return result_; }

 private:
  int32_t result_ = 0;
  bool done_ = false;
};

int32_t submit(loop::Loop& loop, const io_uring_sqe& wanted) {
  Result result;
  io_uring_sqe* sqe = loop.prepare(&result);
  const uint64_t user_data = sqe->user_data;
  *sqe = wanted;
  sqe->user_data = user_data;
  while (!result.done()) {
    if (!loop.turn(true)) return -EIO;
  }
  return result.value();
}

io_uring_sqe empty(int operation) {
  io_uring_sqe sqe{};
  sqe.opcode = static_cast<uint8_t>(operation);
  sqe.fd = -1;
  return sqe;
}

io_uring_sqe open_file() {
  io_uring_sqe sqe = empty(IORING_OP_OPENAT);
  sqe.fd = AT_FDCWD;
  sqe.addr = reinterpret_cast<uint64_t>("/etc/passwd");
  sqe.open_flags = O_RDONLY;
  return sqe;
}

io_uring_sqe make_socket() {
  io_uring_sqe sqe = empty(IORING_OP_SOCKET);
  sqe.fd = AF_INET;
  sqe.off = SOCK_STREAM;
  return sqe;
}

io_uring_sqe drained_nop() {
  io_uring_sqe sqe = empty(IORING_OP_NOP);
  sqe.flags = IOSQE_IO_DRAIN;
  return sqe;
}

struct RingAttempt {
  const char* name;
  io_uring_sqe (*sqe)();
};
constexpr size_t kHarmless = 2;  // so many from the front are
constexpr std::array kNamed = {
    RingAttempt{"ring openat", open_file},
    RingAttempt{"ring socket", make_socket},
    // The last, and not for the self-check: the kernel notes the wish to drain before it refuses
    // it, and then all that follows waits for the loop's own reads.
    RingAttempt{"ring drain flag", drained_nop},
};

// What the child sends: a result for each named attempt, then one for each operation.
struct Results {
  std::array<int32_t, kNamed.size()> named;
  std::array<int32_t, kOperations> operations;
};

int attempt_all(loop::Loop& loop, int pipe, bool behind) {
  Results results{};
  for (int i = 0; behind && i < kOperations; ++i) {
    results.operations[static_cast<size_t>(i)] = submit(loop, empty(i));
  }
  for (size_t i = 0; i < (behind ? kNamed.size() : kHarmless); ++i) {
    results.named[i] = submit(loop, kNamed[i].sqe());
  }
  return write(pipe, &results, sizeof results) == sizeof results ? 0 : 1;
}

std::string as_text(int32_t result) {
  return result >= 0 ? "succeeded" : strerrorname_np(-result);
}

void judge_operations(Report& report, const Results& results) {
  for (int i = 0; i < kOperations; ++i) {
    const int32_t result = results.operations[static_cast<size_t>(i)];
    const std::string name = "ring operation " + std::to_string(i);
    const bool allowed = std::ranges::find(kAllowed, i) != kAllowed.end();
    const bool refused = result == -EACCES || (i >= IORING_OP_LAST && result == -EINVAL);
    if (allowed != refused) {
      report.pass(name, allowed ? "allowed" : as_text(result));
    } else {
      report.fail(name,
                  as_text(result) + (allowed ? ", but the loop needs it" : ", must be EACCES"));
    }
  }
}

}  // namespace

void run_ring_attempts(Report& report, Walls walls) {
  int ends[2];
  if (pipe(ends) != 0) abort();
  const int keep[] = {ends[1]};
  const bool behind = walls != Walls::none;
  const pid_t pid = start_with_loop(
      walls, keep, [&](loop::Loop& loop) { return attempt_all(loop, ends[1], behind); });
  close(ends[1]);
  Results results{};
  const bool complete = read(ends[0], &results, sizeof results) == sizeof results;
  close(ends[0]);
  waitpid(pid, nullptr, 0);
  if (!complete) return report.fail("ring", "the attempts did not run to their end");

  for (size_t i = 0; i < (behind ? kNamed.size() : kHarmless); ++i) {
    const int32_t result = results.named[i];
    const std::string name = std::string(kNamed[i].name) + (behind ? "" : " (no walls)");
    if (behind ? result == -EACCES : result >= 0) {
      report.pass(name, as_text(result));
    } else {
      report.fail(name, as_text(result) + (behind ? ", expected EACCES" : ", nothing forbids it"));
    }
  }
  if (behind) judge_operations(report, results);
}

}  // namespace skep::attempts
