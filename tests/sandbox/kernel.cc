// The kernel's rarer doors: identities, privileges, tracing, modules, and io_uring itself.
#include <asm/prctl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/reboot.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <sys/io.h>
#include <sys/ipc.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

#include "attempts.h"

namespace skep::attempts {

namespace {

long set_capabilities(const Given&) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {{~0U, ~0U, 0}, {0, 0, 0}};
  return syscall(SYS_capset, &header, sets);
}

long count_cycles(const Given&) {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  return syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
}

long make_ring(const Given&) {
  io_uring_params parameters{};
  return syscall(SYS_io_uring_setup, 4, &parameters);
}

long set_time(const Given&) {
  const timespec time{1, 0};
  return clock_settime(CLOCK_REALTIME, &time);
}

long adjust_time(const Given&) {
  timex change{};
  change.modes = ADJ_OFFSET;
  return adjtimex(&change);
}

long allow_all_calls(const Given&) {
  return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, "") == 0 ? 0 : -1;
}

// getpid() by the 32-bit entry: its number there is 20.
long call_of_32_bits(const Given&) {
  long result = 20;
  asm volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
  return result >= 0 ? 0 : -1;
}

long call_of_x32(const Given&) {
  return syscall(0x40000000 | SYS_getpid);
}

long merge_pages(const Given&) {
  void* const page = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return madvise(page, 4096, MADV_MERGEABLE);
}

// Id 0 does not exist inside: without seccomp EINVAL.
constexpr std::array kAttempts = {
    Attempt{"setuid", kKilled, [](const Given&) -> long { return setuid(0); }, false, EINVAL},
    Attempt{"setresuid", kKilled, [](const Given&) -> long { return setresuid(0, 0, 0); }, false,
            EINVAL},
    Attempt{"setgid", kKilled, [](const Given&) -> long { return setgid(0); }, false, EINVAL},
    Attempt{"setgroups", kKilled, [](const Given&) -> long { return setgroups(0, nullptr); }, false,
            EPERM},
    Attempt{"setfsuid", kKilled, [](const Given&) -> long { return syscall(SYS_setfsuid, 0); }},
    Attempt{"capset", kKilled, set_capabilities, false, EPERM},
    Attempt{"prctl PR_SET_DUMPABLE", kKilled,
            [](const Given&) -> long { return prctl(PR_SET_DUMPABLE, 1); }, true},
    Attempt{"prctl PR_SET_PDEATHSIG", kKilled,
            [](const Given&) -> long { return prctl(PR_SET_PDEATHSIG, 0); }, true},
    Attempt{"prctl PR_SET_PTRACER", kKilled,
            [](const Given&) -> long { return prctl(PR_SET_PTRACER, -1); }},
    Attempt{"prctl PR_SET_MM", kKilled,
            [](const Given&) -> long { return prctl(PR_SET_MM, PR_SET_MM_BRK, 0, 0, 0); }, false,
            EPERM},
    Attempt{"prctl PR_SET_KEEPCAPS", kKilled,
            [](const Given&) -> long { return prctl(PR_SET_KEEPCAPS, 1); }, false, EPERM},
    Attempt{"prctl PR_SET_SECUREBITS", kKilled,
            [](const Given&) -> long { return prctl(PR_SET_SECUREBITS, 0); }, false, EPERM},
    Attempt{"prctl PR_CAP_AMBIENT_RAISE", kKilled,
            [](const Given&) -> long {
              return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0);
            },
            false, EPERM},
    Attempt{"prctl PR_SET_SPECULATION_CTRL", kKilled,
            [](const Given&) -> long { return prctl(PR_SET_SPECULATION_CTRL, 0, 2, 0, 0); }},
    Attempt{"prctl PR_SET_TSC", kKilled,
            [](const Given&) -> long { return prctl(PR_SET_TSC, PR_TSC_ENABLE); }, true},
    Attempt{"arch_prctl ARCH_SET_FS", kKilled,
            [](const Given&) -> long { return syscall(SYS_arch_prctl, ARCH_SET_GS, 0); }, true},
    Attempt{"personality", kKilled, [](const Given&) -> long { return personality(0xffffffff); },
            true},
    Attempt{"seccomp", kKilled, allow_all_calls},
    Attempt{"a call of 32 bits", kKilled, call_of_32_bits},
    Attempt{"a call of x32", kKilled, call_of_x32},
    Attempt{"io_uring_setup", kKilled, make_ring, true},
    Attempt{"io_uring_register", kKilled,
            [](const Given& g) -> long {
              return syscall(SYS_io_uring_register, g.file, IORING_REGISTER_PROBE, 0, 0);
            }},
    Attempt{"io_setup", kKilled,
            [](const Given&) -> long {
              unsigned long context = 0;
              return syscall(SYS_io_setup, 1, &context);
            },
            true},
    Attempt{"bpf", kKilled, [](const Given&) -> long { return syscall(SYS_bpf, 0, nullptr, 0); }},
    Attempt{"userfaultfd", kKilled,
            [](const Given&) -> long { return syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY); },
            false},
    Attempt{"perf_event_open", kKilled, count_cycles, false},
    Attempt{"keyctl", kKilled,
            [](const Given&) -> long {
              return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1);
            }},
    Attempt{"add_key", kKilled,
            [](const Given&) -> long {
              return syscall(SYS_add_key, "user", "a", "b", 1, KEY_SPEC_PROCESS_KEYRING);
            }},
    Attempt{"request_key", kKilled,
            [](const Given&) -> long { return syscall(SYS_request_key, "user", "a", "b", 0); }},
    Attempt{"madvise MADV_MERGEABLE", kKilled, merge_pages},
    Attempt{"mlockall", kKilled,
            [](const Given&) -> long { return syscall(SYS_mlockall, MCL_CURRENT); }},
    Attempt{"move_pages", kKilled,
            [](const Given& g) -> long {
              return syscall(SYS_move_pages, g.broker, 0, nullptr, nullptr, nullptr, 0);
            }},
    Attempt{"shmget", kKilled,
            [](const Given&) -> long { return shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600); }},
    Attempt{"mq_open", kKilled,
            [](const Given&) -> long { return syscall(SYS_mq_open, "queue", 0100, 0600, nullptr); },
            false, EMFILE},
    Attempt{"sethostname", kKilled, [](const Given&) -> long { return sethostname("x", 1); }, false,
            EPERM},
    Attempt{"clock_settime", kKilled, set_time, false, EPERM},
    Attempt{"adjtimex", kKilled, adjust_time, false, EPERM},
    Attempt{"timer_create", kKilled,
            [](const Given&) -> long {
              timer_t timer{};
              return syscall(SYS_timer_create, CLOCK_MONOTONIC, nullptr, &timer);
            },
            true},
    Attempt{"syslog", kKilled, [](const Given&) -> long { return klogctl(3, nullptr, 0); }},
    Attempt{"reboot", kKilled,
            [](const Given&) -> long {
              return syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
                             LINUX_REBOOT_CMD_CAD_OFF, nullptr);
            },
            false, EPERM},
    Attempt{"init_module", kKilled,
            [](const Given&) -> long { return syscall(SYS_init_module, nullptr, 0, ""); }},
    Attempt{"finit_module", kKilled,
            [](const Given& g) -> long { return syscall(SYS_finit_module, g.file, "", 0); }},
    Attempt{"delete_module", kKilled,
            [](const Given&) -> long { return syscall(SYS_delete_module, "none", 0); }},
    Attempt{"kexec_load", kKilled,
            [](const Given&) -> long { return syscall(SYS_kexec_load, 0, 0, nullptr, 0); }, false},
    Attempt{"ioperm", kKilled, [](const Given&) -> long { return ioperm(0x70, 1, 1); }},
    Attempt{"iopl", kKilled, [](const Given&) -> long { return iopl(3); }},
    Attempt{"modify_ldt", kKilled,
            [](const Given&) -> long {
              char table[16];
              return syscall(SYS_modify_ldt, 0, table, sizeof table);
            }},
    Attempt{
        "landlock_create_ruleset", kKilled,
        [](const Given&) -> long { return syscall(SYS_landlock_create_ruleset, nullptr, 0, 1); }},
    Attempt{"a call that does not exist", kKilled,
            [](const Given&) -> long { return syscall(1000); }},
};

}  // namespace

std::span<const Attempt> kernel_attempts() {
  return kAttempts;
}

}  // namespace skep::attempts
