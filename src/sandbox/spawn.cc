// spawn(): from the zygote to a process in namespaces of its own.
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/assert.h"
#include "sandbox/kernel_settings.h"
#include "sandbox/sandbox.h"

namespace skep::sandbox {

namespace {

struct Namespace {
  uint64_t flag;
  Piece piece;
};

// No cgroup namespace: it hides the names of cgroups in /proc and /sys, and a shard sees neither.
constexpr std::array kNamespaces = {
    Namespace{CLONE_NEWUSER, Piece::user_namespace}, Namespace{CLONE_NEWNS, Piece::mount_namespace},
    Namespace{CLONE_NEWPID, Piece::pid_namespace},   Namespace{CLONE_NEWNET, Piece::net_namespace},
    Namespace{CLONE_NEWIPC, Piece::ipc_namespace},   Namespace{CLONE_NEWUTS, Piece::uts_namespace},
};

// Exit statuses that are not child_main's.
constexpr int kExitAborted = 128 + SIGABRT;
constexpr int kExitNotSettled = 120;

// Where glibc keeps the thread id of the calling thread. fork() renews it in the child; clone3()
// called directly does not, and then everything that names the main thread by that id (its CPU
// clock, signals to it) would miss. The kernel writes the new id there when told the place, so it
// is looked for: it holds our id, and pthread_getcpuclockid() answers from it.
pid_t* find_thread_id_cell() {
  const pid_t id = gettid();
  auto* begin = reinterpret_cast<pid_t*>(pthread_self());
  constexpr size_t kSearchedBytes = 1024;
  for (pid_t* cell = begin; cell != begin + kSearchedBytes / sizeof(pid_t); ++cell) {
    auto* live = static_cast<volatile pid_t*>(cell);
    if (*live != id) continue;
    clockid_t before = 0;
    clockid_t after = 0;
    const bool asked_before = pthread_getcpuclockid(pthread_self(), &before) == 0;
    *live = id + 1;
    const bool asked_after = pthread_getcpuclockid(pthread_self(), &after) == 0;
    *live = id;
    if (asked_before && asked_after && before != after) return cell;
  }
  return nullptr;
}

// As fork(), in new namespaces. -1 and errno on failure.
pid_t clone_process(uint64_t flags, int* pidfd, pid_t* thread_id_cell) {
  clone_args args{};
  args.flags = flags;
  args.exit_signal = SIGCHLD;
  if (pidfd != nullptr) {
    args.flags |= CLONE_PIDFD;
    args.pidfd = reinterpret_cast<uint64_t>(pidfd);
  }
  if (thread_id_cell != nullptr) {
    args.flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
    args.child_tid = reinterpret_cast<uint64_t>(thread_id_cell);
  }
  return static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof args));
}

void reap(pid_t pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// 0, or the errno of making a process in these namespaces.
int try_namespaces(uint64_t flags) {
  const pid_t pid = clone_process(flags, nullptr, nullptr);
  if (pid < 0) return errno;
  if (pid == 0) _exit(0);
  reap(pid);
  return 0;
}

struct Plan {
  uint64_t flags = 0;
  std::vector<Missing> missing;
};

// Which namespaces can be had, found one by one. A user namespace gives the right to the others.
Plan plan_namespaces() {
  Plan plan;
  for (const Namespace& wanted : kNamespaces) {
    const int error = try_namespaces((plan.flags & CLONE_NEWUSER) | wanted.flag);
    if (error == 0) {
      plan.flags |= wanted.flag;
    } else {
      plan.missing.push_back({wanted.piece, explain(wanted.piece, std::strerror(error))});
    }
  }
  return plan;
}

uint64_t all_namespaces() {
  uint64_t flags = 0;
  for (const Namespace& wanted : kNamespaces) flags |= wanted.flag;
  return flags;
}

Result<> write_map(pid_t pid, const char* file, std::string_view text) {
  const std::string path = fmt::format("/proc/{}/{}", pid, file);
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return fail_errno(fmt::format("cannot open {}", path), errno);
  if (write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return fail_errno(fmt::format("cannot write {}", path), errno);
  }
  return {};
}

// The one id of the child: the same number inside and outside. Without privilege setgroups() must
// be denied first; root leaves it to the child, which uses it to shed root's supplementary groups.
Result<> map_ids(pid_t pid, uid_t uid, gid_t gid) {
  if (geteuid() != 0) SKEP_TRY(write_map(pid, "setgroups", "deny"));
  SKEP_TRY(write_map(pid, "gid_map", fmt::format("{} {} 1", gid, gid)));
  return write_map(pid, "uid_map", fmt::format("{} {} 1", uid, uid));
}

// pid 1 of a namespace is not killed by a signal that it sends itself, so abort() would end in a
// SIGSEGV that tells a reader nothing.
void exit_aborted(int) {
  _exit(kExitAborted);
}

void set_signals() {
  // Only these: V8's handler for SIGSEGV (Wasm traps) is inherited and must stay.
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXFSZ}) {
    signal(number, SIG_IGN);
  }
  signal(SIGCHLD, SIG_DFL);
  signal(SIGABRT, exit_aborted);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void close_others(std::span<const int> keep) {
  std::vector<unsigned> kept(keep.begin(), keep.end());
  std::ranges::sort(kept);
  unsigned next = STDERR_FILENO + 1;
  for (const unsigned fd : kept) {
    if (fd > next) close_range(next, fd - 1, 0);
    if (fd >= next) next = fd + 1;
  }
  close_range(next, ~0U, 0);
}

// One byte over the socket between parent and child. False: the other side is gone.
bool tell(int socket) {
  return send(socket, "1", 1, MSG_NOSIGNAL) == 1;
}
bool hear(int socket) {
  char byte = 0;
  ssize_t got = 0;
  do {
    got = recv(socket, &byte, 1, 0);
  } while (got < 0 && errno == EINTR);
  return got == 1;
}

void die_with_parent() {
  SKEP_ASSERT(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
}

}  // namespace

// What parent and child of one spawn() share, up to the clone.
class Spawner {
 public:
  Spawner(const SpawnOptions& options, const std::function<int(Sandbox&)>& child_main)
      : options_(options), child_main_(child_main) {
    as_root_ = geteuid() == 0;
    uid_ = as_root_ ? options.uid : geteuid();
    gid_ = as_root_ ? options.gid : getegid();
  }

  Result<Child> run() {
    if (uid_ == 0 || gid_ == 0) return fail("a shard may not run as root: choose another user");
    pid_t* const thread_id_cell = find_thread_id_cell();
    if (thread_id_cell == nullptr)
      return fail("this C library keeps no thread id that can be found");
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
      return fail_errno("cannot make a socket pair", errno);
    }
    UniqueFd ours(ends[0]);
    theirs_.reset(ends[1]);

    SKEP_TRY_ASSIGN(Child child, clone_child(thread_id_cell, ours));
    theirs_.reset();
    auto settled = settle(child.pid, ours.get());
    if (settled) return child;
    ours.reset();  // the child ends by itself when it hears of nobody
    reap(child.pid);
    return std::unexpected(std::move(settled).error());
  }

 private:
  // The parent's half of the handshake with run_child().
  Result<> settle(pid_t pid, int socket) const {
    if ((flags_ & CLONE_NEWUSER) != 0) SKEP_TRY(map_ids(pid, uid_, gid_));
    if (!tell(socket) || !hear(socket)) return fail("the new process could not take its identity");
    return {};
  }

  Result<Child> clone_child(pid_t* thread_id_cell, UniqueFd& ours) {
    flags_ = all_namespaces();
    Child child;
    for (int attempt = 0;; ++attempt) {
      int pidfd = -1;
      child.pid = clone_process(flags_, &pidfd, thread_id_cell);
      if (child.pid == 0) {
        ours.reset();
        _exit(run_child());
      }
      if (child.pid > 0) {
        child.pidfd.reset(pidfd);
        child.missing = missing_;
        return child;
      }
      const int error = errno;
      if (attempt > 0) return fail_errno("cannot make a process", error);
      Plan plan = plan_namespaces();
      if (options_.level == Level::full) {
        if (plan.missing.empty()) return fail_errno("cannot make a sandboxed process", error);
        return std::unexpected(Error{incomplete(plan.missing), error});
      }
      flags_ = plan.flags;
      missing_ = std::move(plan.missing);
    }
  }

  int run_child() {
    die_with_parent();
    if (!hear(theirs_.get())) return kExitNotSettled;
    const bool mapped = (flags_ & CLONE_NEWUSER) != 0;
    if (mapped && !become_mapped_user()) return kExitNotSettled;
    // A change of ids forgets the signal; a parent that died meanwhile does not take our answer.
    die_with_parent();
    if (!tell(theirs_.get())) return kExitNotSettled;
    theirs_.reset();

    set_signals();
    setsid();  // no controlling terminal, no signals of somebody's process group
    close_others(options_.keep_fds);
    Sandbox sandbox(options_.level, std::move(missing_));
    sandbox.uid_ = uid_;
    sandbox.gid_ = gid_;
    sandbox.identity_pending_ = !mapped && as_root_;
    return child_main_(sandbox);
  }

  bool become_mapped_user() const {
    if (as_root_ && setgroups(0, nullptr) != 0) return false;
    return setresgid(gid_, gid_, gid_) == 0 && setresuid(uid_, uid_, uid_) == 0;
  }

  const SpawnOptions& options_;
  const std::function<int(Sandbox&)>& child_main_;
  bool as_root_;
  uid_t uid_;
  gid_t gid_;
  uint64_t flags_ = 0;
  std::vector<Missing> missing_;
  UniqueFd theirs_;  // the child's end
};

Result<Child> spawn(const SpawnOptions& options, const std::function<int(Sandbox&)>& child_main) {
  return Spawner(options, child_main).run();
}

}  // namespace skep::sandbox
