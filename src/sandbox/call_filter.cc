#include "sandbox/call_filter.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>
#include <memory>

#include "base/assert.h"

namespace skep::sandbox {

namespace {

constexpr int kExitViolation = 128 + SIGSYS;

// What pthread_create() asks of clone(). Exactly this: a thread of this process and nothing else.
constexpr uint64_t kThreadFlags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM |
                                  CLONE_SIGHAND | CLONE_THREAD | CLONE_SETTLS |
                                  CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

// A libseccomp filter in the making; remembers the first error.
class Filter {
 public:
  explicit Filter(uint32_t default_action) : context_(seccomp_init(default_action)) {
    if (context_ == nullptr) error_ = ENOMEM;
  }
  ~Filter() {
    if (context_ != nullptr) seccomp_release(context_);
  }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  void allow(std::initializer_list<int> calls) {
    for (const int call : calls) rule(SCMP_ACT_ALLOW, call, {});
  }
  // Only where all comparisons hold; several rules of a call are alternatives.
  void allow_if(int call, std::initializer_list<scmp_arg_cmp> comparisons) {
    rule(SCMP_ACT_ALLOW, call, comparisons);
  }
  // Only where argument `index`, as the 32 bits that the kernel reads of it, is one of the values.
  void allow_values(int call, unsigned index, std::initializer_list<uint32_t> values) {
    for (const uint32_t value : values) {
      allow_if(call, {{index, SCMP_CMP_MASKED_EQ, 0xffffffff, value}});
    }
  }
  void refuse(int error, std::initializer_list<int> calls) {
    for (const int call : calls) rule(SCMP_ACT_ERRNO(static_cast<unsigned>(error)), call, {});
  }
  void refuse_if(int error, int call, std::initializer_list<scmp_arg_cmp> comparisons) {
    rule(SCMP_ACT_ERRNO(static_cast<unsigned>(error)), call, comparisons);
  }
  void set(scmp_filter_attr attribute, uint32_t value) {
    if (error_ == 0) error_ = -seccomp_attr_set(context_, attribute, value);
  }
  Result<> load() {
    if (error_ == 0) error_ = -seccomp_load(context_);
    if (error_ != 0) return fail_errno("cannot install the filter", error_);
    return {};
  }

 private:
  void rule(uint32_t action, int call, std::initializer_list<scmp_arg_cmp> comparisons) {
    if (error_ != 0) return;
    error_ = -seccomp_rule_add_array(
        context_, action, call, static_cast<unsigned>(comparisons.size()), comparisons.begin());
  }

  scmp_filter_ctx context_;
  int error_ = 0;
};

// V8's heap, its just-in-time code, malloc and stacks.
void allow_memory(Filter& filter) {
  filter.allow({SCMP_SYS(munmap), SCMP_SYS(mprotect), SCMP_SYS(mremap), SCMP_SYS(brk)});
  // V8 may guard its code space by protection keys where the processor has them.
  filter.allow({SCMP_SYS(pkey_mprotect)});
  // Anonymous memory of any kind: V8 compiles into it. Files that were handed over may be mapped,
  // but not as code.
  filter.allow_if(SCMP_SYS(mmap), {{3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS}});
  filter.allow_if(SCMP_SYS(mmap), {{3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, 0},
                                   {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}});
  // What allocators and V8 advise. Not MADV_MERGEABLE: pages shared with a neighbour tell its
  // content by the time that a write takes.
  filter.allow_values(SCMP_SYS(madvise), 2,
                      {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED,
                       MADV_FREE, MADV_DONTFORK, MADV_DOFORK, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
                       MADV_DONTDUMP, MADV_DODUMP, MADV_POPULATE_READ, MADV_POPULATE_WRITE});
}

// V8's helpers and the watchdog, made by pthread_create().
void allow_threads(Filter& filter) {
  filter.allow_if(SCMP_SYS(clone), {{0, SCMP_CMP_EQ, kThreadFlags}});
  // Its flags lie in memory, where a filter can't see them. glibc takes this for an old kernel and
  // goes on with clone().
  filter.refuse(ENOSYS, {SCMP_SYS(clone3)});
  filter.allow({SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(futex), SCMP_SYS(sched_yield),
                SCMP_SYS(gettid), SCMP_SYS(getpid), SCMP_SYS(exit), SCMP_SYS(exit_group)});
  // glibc counts processors with it, for its arenas; helper threads read their own.
  filter.allow({SCMP_SYS(sched_getaffinity), SCMP_SYS(getcpu)});
  // V8's locks ask for their thread's priority when they have to wait.
  filter.allow({SCMP_SYS(sched_getparam), SCMP_SYS(sched_getscheduler)});
  // Helper threads run at lower priority. Raising needs a right that is gone.
  filter.allow_values(SCMP_SYS(setpriority), 0, {PRIO_PROCESS});
  // Names of threads and of memory, for whoever reads /proc outside.
  filter.allow_values(SCMP_SYS(prctl), 0, {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA});
  // Fences over all threads of this process (V8's and allocators' lock-free code).
  filter.allow_values(
      SCMP_SYS(membarrier), 0,
      {MEMBARRIER_CMD_QUERY, MEMBARRIER_CMD_PRIVATE_EXPEDITED,
       MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE,
       MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE});
}

// The ring was made and restricted before; entering it is all that the loop does.
void allow_ring(Filter& filter) {
  filter.allow({SCMP_SYS(io_uring_enter)});
}

// Descriptors that were handed over: reading and writing them in place, and giving them back. None
// of these makes a descriptor to anything that was not already held.
void allow_descriptors(Filter& filter) {
  // write: the loop's eventfd from other threads, and last words to stderr.
  filter.allow({SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev),
                SCMP_SYS(lseek), SCMP_SYS(close)});
  filter.allow_values(SCMP_SYS(fcntl), 1,
                      {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_GET_SEALS});
  // fstat(), which the C library makes of newfstatat() with an empty path. With a path it is
  // refused.
  filter.allow({SCMP_SYS(fstat)});
  filter.allow_if(SCMP_SYS(newfstatat), {{3, SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH}});
  filter.refuse_if(EPERM, SCMP_SYS(newfstatat), {{3, SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, 0}});
  // Addresses of connections that were accepted.
  filter.allow({SCMP_SYS(getpeername), SCMP_SYS(getsockname)});
  // The orderly end of a connection (loop/socket.cc).
  filter.allow({SCMP_SYS(shutdown)});
}

// Reading clocks (mostly without a system call, but other threads' CPU clocks need one) and
// sleeping.
void allow_time(Filter& filter) {
  filter.allow({SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday),
                SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(restart_syscall)});
}

// Wasm traps arrive as signals; abort() ends a process that has found a bug.
void allow_signals(Filter& filter) {
  filter.allow({SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
                SCMP_SYS(sigaltstack)});
  // To threads of this process only.
  filter.allow_values(SCMP_SYS(tgkill), 0, {static_cast<uint32_t>(getpid())});
}

// What the process may learn of itself.
void allow_facts(Filter& filter) {
  filter.allow({SCMP_SYS(getrandom), SCMP_SYS(getrusage), SCMP_SYS(sysinfo), SCMP_SYS(uname)});
  // prlimit64 reads the own limits (stack size of a thread) and sets none.
  filter.allow_if(SCMP_SYS(prlimit64), {{0, SCMP_CMP_EQ, 0}, {2, SCMP_CMP_EQ, 0}});
  filter.allow({SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid)});
}

// Calls of libraries that look for a file and do without it (time zones, /proc/self/maps, locale):
// there are no files here, and they hear it as an error.
void refuse_politely(Filter& filter) {
  filter.refuse(
      EPERM, {SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(creat), SCMP_SYS(stat),
              SCMP_SYS(lstat), SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat),
              SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd)});
  // isatty() of a stream; the controls of terminals are the way out of many a cage.
  filter.refuse(EPERM, {SCMP_SYS(ioctl)});
}

// On SIGSYS in report mode. Async-signal-safe.
void report_violation(int, siginfo_t* info, void*) {
  char text[64] = "skep: forbidden system call ";
  size_t length = 28;
  char digits[12];
  size_t count = 0;
  for (unsigned number = static_cast<unsigned>(info->si_syscall); number != 0 || count == 0;
       number /= 10) {
    digits[count++] = static_cast<char>('0' + number % 10);
  }
  while (count > 0) text[length++] = digits[--count];
  text[length++] = '\n';
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, length);
  _exit(kExitViolation);
}

void install_report() {
  struct sigaction action{};
  action.sa_sigaction = report_violation;
  action.sa_flags = SA_SIGINFO;
  SKEP_ASSERT(sigaction(SIGSYS, &action, nullptr) == 0);
}

}  // namespace

Result<> install_seccomp(const SeccompProfile& profile) {
  if (profile.report_violations) install_report();
  Filter filter(profile.report_violations ? SCMP_ACT_TRAP : SCMP_ACT_KILL_PROCESS);
  // Another architecture's calls (32 bits, x32) have other numbers: never ours.
  filter.set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  filter.set(SCMP_FLTATR_CTL_NNP, 0);    // done, and checked, by drop_privileges()
  filter.set(SCMP_FLTATR_CTL_TSYNC, 1);  // on threads that are there already, too
  filter.set(SCMP_FLTATR_CTL_OPTIMIZE,
             2);  // a binary tree, not a list: half the calls are ring and futex
  allow_memory(filter);
  allow_threads(filter);
  allow_ring(filter);
  allow_descriptors(filter);
  allow_time(filter);
  allow_signals(filter);
  allow_facts(filter);
  refuse_politely(filter);
  return filter.load();
}

}  // namespace skep::sandbox
