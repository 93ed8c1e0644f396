#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "base/assert.h"
#include "sandbox/call_filter.h"
#include "sandbox/kernel_settings.h"

namespace skep::sandbox {

namespace {

constexpr std::array<std::string_view, kPieces> kPieceNames = {
    "user namespace",      "mount namespace", "pid namespace", "net namespace",
    "ipc namespace",       "uts namespace",   "empty root",    "resource limits",
    "restricted io_uring", "capabilities",    "no privileges", "seccomp",
};

constexpr rlim_t kLockedBytes = 64ull << 20;  // the ring's buffers, where the kernel counts them

// A folder that is there on every machine, to hang the new root on until it is the root.
Result<> mount_empty_tmpfs() {
  constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY;
  int error = 0;
  for (const char* folder : {"/tmp", "/run", "/proc", "/dev"}) {
    // One inode, the root itself: nothing can be made in it even if it were writable.
    if (mount("skep", folder, "tmpfs", kFlags, "size=4k,nr_inodes=1,mode=0555") != 0) {
      error = errno;
      continue;
    }
    if (chdir(folder) == 0) return {};
    error = errno;
  }
  return fail_errno("cannot mount an empty root", error);
}

Result<> replace_root() {
  // What we mount must not show outside, nor new mounts outside in here.
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return fail_errno("cannot make the mounts private", errno);
  }
  SKEP_TRY(mount_empty_tmpfs());
  // Old root over new root at one place: then the old one is on top and can be detached by name.
  if (syscall(SYS_pivot_root, ".", ".") != 0) return fail_errno("cannot pivot the root", errno);
  if (umount2(".", MNT_DETACH) != 0) return fail_errno("cannot detach the old root", errno);
  if (chdir("/") != 0) return fail_errno("cannot enter the empty root", errno);
  return {};
}

Result<> set_limit(int resource, rlim_t value, const char* name) {
  rlimit current;
  if (getrlimit(static_cast<__rlimit_resource>(resource), &current) != 0) {
    return fail_errno(fmt::format("cannot read {}", name), errno);
  }
  // Never above what the process may have: only root outside could raise it.
  const rlim_t limit = std::min(value, current.rlim_max);
  const rlimit wanted{limit, limit};
  if (setrlimit(static_cast<__rlimit_resource>(resource), &wanted) != 0) {
    return fail_errno(fmt::format("cannot set {}", name), errno);
  }
  return {};
}

Result<> drop_capabilities() {
  // The bounding set first: it takes CAP_SETPCAP, which goes below.
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      return fail_errno("cannot empty the bounding set", errno);
    }
  }
  constexpr unsigned long kBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                  SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                  SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  if (prctl(PR_SET_SECUREBITS, kBits, 0, 0, 0) != 0) {
    return fail_errno("cannot lock the securebits", errno);
  }
  return {};
}

// Needs no right: what is left after a failed drop_capabilities() goes too.
Result<> empty_capability_sets() {
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
    return fail_errno("cannot clear the ambient set", errno);
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capset, &header, none) != 0) {
    return fail_errno("cannot empty the capability sets", errno);
  }
  return {};
}

Result<> change_identity(uid_t uid, gid_t gid) {
  if (setgroups(0, nullptr) != 0) return fail_errno("cannot leave root's groups", errno);
  if (setresgid(gid, gid, gid) != 0) return fail_errno("cannot change the group", errno);
  if (setresuid(uid, uid, uid) != 0) return fail_errno("cannot change the user", errno);
  return {};
}

Result<> forbid_new_privileges() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return fail_errno("cannot forbid new privileges", errno);
  }
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return fail_errno("cannot make the process undumpable", errno);
  }
  // A change of ids has forgotten it.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return fail_errno("cannot follow the parent", errno);
  return {};
}

}  // namespace

std::string_view piece_name(Piece piece) {
  return kPieceNames[static_cast<size_t>(piece)];
}

std::string describe(const std::vector<Missing>& missing) {
  std::string text;
  for (const Missing& entry : missing) {
    if (!text.empty()) text += '\n';
    text += fmt::format("{}: {}", piece_name(entry.piece), entry.reason);
  }
  return text;
}

std::string incomplete(const std::vector<Missing>& missing) {
  return fmt::format("the sandbox is incomplete:\n{}\n--sandbox=reduced goes on without it",
                     describe(missing));
}

bool Sandbox::lacks(Piece piece) const {
  return std::ranges::any_of(missing_, [&](const Missing& entry) { return entry.piece == piece; });
}

Result<> Sandbox::note(Piece piece, Result<> outcome) {
  if (outcome) return {};
  std::string reason = explain(piece, outcome.error().message);
  if (level_ == Level::full) {
    return std::unexpected(Error{incomplete({{piece, reason}}), outcome.error().code});
  }
  missing_.push_back({piece, std::move(reason)});
  return {};
}

Result<> Sandbox::enter_filesystem() {
  if (lacks(Piece::mount_namespace)) {
    return note(Piece::empty_root, fail("there is no mount namespace to change it in"));
  }
  return note(Piece::empty_root, replace_root());
}

Result<> Sandbox::apply_limits(const Limits& limits) {
  // No RLIMIT_AS: V8 reserves terabytes. No RLIMIT_FSIZE: it would end a shard that writes to a log
  // file behind stderr. Threads are counted by user namespace, so each shard has its own count.
  const auto apply = [&]() -> Result<> {
    SKEP_TRY(set_limit(RLIMIT_NOFILE, limits.open_files, "RLIMIT_NOFILE"));
    if (!lacks(Piece::user_namespace)) {
      SKEP_TRY(set_limit(RLIMIT_NPROC, limits.threads, "RLIMIT_NPROC"));
    }
    SKEP_TRY(set_limit(RLIMIT_MEMLOCK, kLockedBytes, "RLIMIT_MEMLOCK"));
    SKEP_TRY(set_limit(RLIMIT_CORE, 0, "RLIMIT_CORE"));
    SKEP_TRY(set_limit(RLIMIT_MSGQUEUE, 0, "RLIMIT_MSGQUEUE"));
    SKEP_TRY(set_limit(RLIMIT_NICE, 0, "RLIMIT_NICE"));
    return set_limit(RLIMIT_RTPRIO, 0, "RLIMIT_RTPRIO");
  };
  return note(Piece::limits, apply());
}

Result<> Sandbox::drop_privileges() {
  if (!lacks(Piece::uts_namespace)) {
    constexpr std::string_view kName = "skep";
    if (sethostname(kName.data(), kName.size()) != 0) {
      SKEP_TRY(note(Piece::uts_namespace, fail_errno("cannot set the host name", errno)));
    }
  }
  SKEP_TRY(note(Piece::capabilities, drop_capabilities()));
  // Not a piece that may be missing: a shard of root's never stays root.
  if (identity_pending_) SKEP_TRY(change_identity(uid_, gid_));
  SKEP_TRY(note(Piece::capabilities, empty_capability_sets()));
  return note(Piece::no_privileges, forbid_new_privileges());
}

Result<> Sandbox::apply_seccomp(const SeccompProfile& profile) {
  return note(Piece::seccomp, install_seccomp(profile));
}

}  // namespace skep::sandbox
