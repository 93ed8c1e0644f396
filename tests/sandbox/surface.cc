// The whole surface: every system call number, with arguments that no filter on arguments lets
// pass. What does not end the process must be on the list below, and the other way round.
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string>

#include "attempts.h"
#include "walls.h"

namespace skep::attempts {

namespace {

constexpr int kLastCall = 470;

// Those allowed whatever their arguments are, then those that are refused with an errno. A line
// more here is a decision: src/sandbox/call_filter.cc has the reasons.
constexpr std::array kSurviving = {
    SYS_munmap,
    SYS_mprotect,
    SYS_mremap,
    SYS_brk,
    SYS_pkey_mprotect,
    SYS_mmap,
    //
    SYS_set_robust_list,
    SYS_rseq,
    SYS_futex,
    SYS_sched_yield,
    SYS_gettid,
    SYS_getpid,
    SYS_exit,
    SYS_exit_group,
    SYS_sched_getaffinity,
    SYS_sched_getparam,
    SYS_sched_getscheduler,
    SYS_getcpu,
    //
    SYS_io_uring_enter,
    //
    SYS_read,
    SYS_pread64,
    SYS_write,
    SYS_writev,
    SYS_lseek,
    SYS_close,
    SYS_fstat,
    SYS_getpeername,
    SYS_getsockname,
    SYS_shutdown,
    //
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_gettimeofday,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_restart_syscall,
    //
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    //
    SYS_getrandom,
    SYS_getrusage,
    SYS_sysinfo,
    SYS_uname,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    // refused
    SYS_clone3,
    SYS_open,
    SYS_openat,
    SYS_openat2,
    SYS_creat,
    SYS_stat,
    SYS_lstat,
    SYS_newfstatat,
    SYS_statx,
    SYS_access,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_readlink,
    SYS_readlinkat,
    SYS_getcwd,
    SYS_ioctl,
    // uretprobe and uprobe: the kernel's own trampolines, which it never shows to seccomp. Called
    // by hand they end the process (SIGILL).
    335,
    336,
};

bool ends_process(int call) {
  const pid_t pid = start(Walls::all, {}, [&] {
    syscall(call, -1L, -1L, -1L, -1L, -1L, -1L);
    return 0;
  });
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

}  // namespace

void run_surface(Report& report) {
  int wrong = 0;
  for (int call = 0; call <= kLastCall; ++call) {
    const bool listed = std::ranges::find(kSurviving, call) != kSurviving.end();
    if (ends_process(call) != listed) continue;
    ++wrong;
    report.fail("system call " + std::to_string(call),
                listed ? "ends the process, but a shard needs it" : "does not end the process");
  }
  if (wrong == 0) {
    report.pass("surface",
                std::to_string(kSurviving.size()) + " system calls and no other survive");
  }
}

}  // namespace skep::attempts
