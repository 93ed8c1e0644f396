// Making processes, and reaching others: a shard is alone.
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "attempts.h"

namespace skep::attempts {

namespace {

// A new process ends at once; its maker counts as having succeeded.
long made(long pid) {
  if (pid == 0) _exit(0);
  return pid;
}

long clone_call(uint64_t flags) {
  return made(syscall(SYS_clone, flags, nullptr, nullptr, 0, 0));
}

long clone3_call(uint64_t flags) {
  clone_args args{};
  args.flags = flags;
  args.exit_signal = SIGCHLD;
  return made(syscall(SYS_clone3, &args, sizeof args));
}

// As a thread, but into a new user namespace: one flag more than a thread's.
constexpr uint64_t kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND |
                             CLONE_THREAD | CLONE_SETTLS | CLONE_PARENT_SETTID |
                             CLONE_CHILD_CLEARTID;

long execute(const Given&) {
  char name[] = "/bin/true";
  char* const arguments[] = {name, nullptr};
  return execve(name, arguments, nullptr);
}

long execute_descriptor(const Given& given) {
  char name[] = "true";
  char* const arguments[] = {name, nullptr};
  return syscall(SYS_execveat, given.file, "", arguments, nullptr, AT_EMPTY_PATH);
}

long read_memory(const Given& given) {
  char byte = 0;
  iovec ours{&byte, 1};
  iovec theirs{&byte, 1};
  return process_vm_readv(given.broker, &ours, 1, &theirs, 1, 0);
}

long write_memory(const Given& given) {
  char byte = 0;
  iovec ours{&byte, 1};
  iovec theirs{&byte, 1};
  return process_vm_writev(given.broker, &ours, 1, &theirs, 1, 0);
}

long queue_signal(const Given& given) {
  siginfo_t info{};
  info.si_code = SI_QUEUE;
  return syscall(SYS_rt_sigqueueinfo, given.broker, SIGTERM, &info);
}

long raise_limit(const Given&) {
  const rlimit limit{1 << 20, 1 << 20};
  return setrlimit(RLIMIT_NOFILE, &limit);
}

long limit_of_other(const Given& given) {
  rlimit limit{};
  return prlimit(given.broker, RLIMIT_NOFILE, nullptr, &limit);
}

long schedule(const Given&) {
  const sched_param parameter{1};
  return sched_setscheduler(0, SCHED_FIFO, &parameter);
}

constexpr std::array kAttempts = {
    Attempt{"execve", kKilled, execute, false, ENOENT},
    Attempt{"execveat of a program held open", kKilled, execute_descriptor},
    Attempt{"fork", kKilled, [](const Given&) -> long { return made(syscall(SYS_fork)); }, true},
    Attempt{"vfork", kKilled, [](const Given&) -> long { return made(vfork()); }, true},
    Attempt{"clone", kKilled, [](const Given&) -> long { return clone_call(SIGCHLD); }, true},
    Attempt{"clone CLONE_PARENT", kKilled,
            [](const Given&) -> long { return clone_call(CLONE_PARENT | SIGCHLD); }},
    Attempt{"clone of a thread in a new user namespace", kKilled,
            [](const Given&) -> long { return clone_call(kThread | CLONE_NEWUSER); }},
    Attempt{"clone with a flag above 32 bits", kKilled,
            [](const Given&) -> long { return clone_call(kThread | 1ull << 40); }},
    Attempt{"clone3", ENOSYS, [](const Given&) -> long { return clone3_call(0); }, true},
    Attempt{"clone3 CLONE_NEWUSER", ENOSYS,
            [](const Given&) -> long { return clone3_call(CLONE_NEWUSER); }},
    Attempt{"unshare CLONE_NEWUSER", kKilled,
            [](const Given&) -> long { return unshare(CLONE_NEWUSER); }},
    Attempt{"unshare CLONE_NEWNS", kKilled,
            [](const Given&) -> long { return unshare(CLONE_NEWNS); }, false, EPERM},
    Attempt{"ptrace of the broker", kKilled,
            [](const Given& g) -> long { return ptrace(PTRACE_SEIZE, g.broker, 0, 0); }, false,
            ESRCH},
    Attempt{"ptrace by whoever asks", kKilled,
            [](const Given&) -> long { return ptrace(PTRACE_TRACEME, 0, 0, 0); }, true},
    Attempt{"process_vm_readv of the broker", kKilled, read_memory, false, ESRCH},
    Attempt{"process_vm_writev of the broker", kKilled, write_memory, false, ESRCH},
    Attempt{"process_madvise", kKilled,
            [](const Given&) -> long { return syscall(SYS_process_madvise, -1, 0, 0, 4, 0); }},
    Attempt{"kcmp", kKilled,
            [](const Given& g) -> long { return syscall(SYS_kcmp, getpid(), g.broker, 0, 0, 0); }},
    Attempt{"kill of the broker", kKilled, [](const Given& g) -> long { return kill(g.broker, 0); },
            true, ESRCH},
    Attempt{"kill of everybody", kKilled, [](const Given&) -> long { return kill(-1, 0); }},
    Attempt{"tkill of the broker", kKilled,
            [](const Given& g) -> long { return syscall(SYS_tkill, g.broker, 0); }, true, ESRCH},
    Attempt{"tgkill of the broker", kKilled,
            [](const Given& g) -> long { return syscall(SYS_tgkill, g.broker, g.broker, 0); }, true,
            ESRCH},
    Attempt{"rt_sigqueueinfo to the broker", kKilled, queue_signal, false, ESRCH},
    Attempt{"pidfd_open of the broker", kKilled,
            [](const Given& g) -> long { return syscall(SYS_pidfd_open, g.broker, 0); }, true,
            ESRCH},
    Attempt{"pidfd_send_signal", kKilled,
            [](const Given& g) -> long { return syscall(SYS_pidfd_send_signal, g.file, 9, 0, 0); }},
    Attempt{"pidfd_getfd", kKilled,
            [](const Given& g) -> long { return syscall(SYS_pidfd_getfd, g.file, 0, 0); }},
    Attempt{"wait4", kKilled, [](const Given&) -> long { return waitpid(-1, nullptr, WNOHANG); }},
    Attempt{"setsid", kKilled, [](const Given&) -> long { return setsid(); }},
    Attempt{"setpgid", kKilled, [](const Given&) -> long { return setpgid(0, 0); }},
    Attempt{"setrlimit", kKilled, raise_limit, false, EPERM},
    Attempt{"prlimit of the broker", kKilled, limit_of_other, true, ESRCH},
    Attempt{"setpriority of a whole user", kKilled,
            [](const Given&) -> long { return setpriority(PRIO_USER, 0, 19); }},
    Attempt{"raising the own priority", EACCES,
            [](const Given&) -> long { return setpriority(PRIO_PROCESS, 0, -5); }, false, EACCES},
    Attempt{"sched_setscheduler", kKilled, schedule, false, EPERM},
    Attempt{"sched_setaffinity", kKilled,
            [](const Given&) -> long {
              cpu_set_t set;
              CPU_ZERO(&set);
              CPU_SET(0, &set);
              return sched_setaffinity(0, sizeof set, &set);
            },
            true},
};

}  // namespace

std::span<const Attempt> process_attempts() {
  return kAttempts;
}

}  // namespace skep::attempts
