// Opening, naming, mounting: a shard has descriptors and no names.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/quota.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "attempts.h"

namespace skep::attempts {

namespace {

constexpr const char* kFile = "/etc/passwd";

long open_in_new_way(const Given&) {
  open_how how{};
  how.flags = O_RDONLY;
  return syscall(SYS_openat2, AT_FDCWD, kFile, &how, sizeof how);
}

long open_of_process(const Given& given) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/environ", given.broker);
  return open(path, O_RDONLY);
}

long map_code_of_file(const Given& given) {
  void* const mapped = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, given.file, 0);
  return mapped == MAP_FAILED ? -1 : 0;
}

long handle_of_file(const Given&) {
  alignas(file_handle) char space[sizeof(file_handle) + 128];
  auto* handle = reinterpret_cast<file_handle*>(space);
  handle->handle_bytes = 128;
  int mount_id = 0;
  return name_to_handle_at(AT_FDCWD, "/", handle, &mount_id, 0);
}

long open_by_handle(const Given& given) {
  alignas(file_handle) char space[sizeof(file_handle) + 8] = {};
  auto* handle = reinterpret_cast<file_handle*>(space);
  handle->handle_bytes = 8;
  handle->handle_type = 1;
  return open_by_handle_at(given.folder, handle, O_RDONLY);
}

constexpr std::array kAttempts = {
    Attempt{"open", EPERM, [](const Given&) -> long { return syscall(SYS_open, kFile, O_RDONLY); },
            true, ENOENT},
    Attempt{"openat", EPERM, [](const Given&) -> long { return openat(AT_FDCWD, kFile, O_RDONLY); },
            true, ENOENT},
    Attempt{"openat of a folder held open", EPERM,
            [](const Given& g) -> long { return openat(g.folder, "etc/passwd", O_RDONLY); }, true},
    Attempt{"openat2", EPERM, open_in_new_way, true, ENOENT},
    Attempt{"creat", EPERM, [](const Given&) -> long { return creat("/new", 0600); }, false, EROFS},
    Attempt{"open O_TMPFILE", EPERM,
            [](const Given&) -> long { return open("/", O_TMPFILE | O_RDWR, 0600); }, false, EROFS},
    Attempt{"open /proc/PID/environ of the broker", EPERM, open_of_process, true, ENOENT},
    Attempt{"open /proc/self/mem", EPERM,
            [](const Given&) -> long { return open("/proc/self/mem", O_RDWR); }, true, ENOENT},
    Attempt{"open /dev/kmsg", EPERM,
            [](const Given&) -> long { return open("/dev/kmsg", O_RDONLY); }, false, ENOENT},
    Attempt{"stat", EPERM,
            [](const Given&) -> long {
              struct stat facts {};
              return stat(kFile, &facts);
            },
            true, ENOENT},
    Attempt{"access", EPERM, [](const Given&) -> long { return access(kFile, R_OK); }, true,
            ENOENT},
    Attempt{"readlink", EPERM,
            [](const Given&) -> long {
              char text[64];
              return readlink("/proc/self/exe", text, sizeof text);
            },
            true, ENOENT},
    Attempt{"getdents64 of a folder held open", kKilled,
            [](const Given& g) -> long {
              char entries[1024];
              return syscall(SYS_getdents64, g.folder, entries, sizeof entries);
            },
            true},
    Attempt{"mkdir", kKilled, [](const Given&) -> long { return mkdir("/new", 0700); }, false,
            EROFS},
    Attempt{"unlink", kKilled, [](const Given&) -> long { return unlink(kFile); }, false, ENOENT},
    Attempt{"rename", kKilled, [](const Given&) -> long { return rename(kFile, "/new"); }},
    Attempt{"link", kKilled, [](const Given&) -> long { return link(kFile, "/new"); }},
    Attempt{"linkat of a descriptor", kKilled,
            [](const Given& g) -> long {
              return linkat(g.file, "", AT_FDCWD, "/new", AT_EMPTY_PATH);
            }},
    Attempt{"symlink", kKilled, [](const Given&) -> long { return symlink("/", "/new"); }, false,
            EROFS},
    Attempt{"mknod", kKilled,
            [](const Given&) -> long { return mknod("/null", S_IFCHR | 0666, 0x103); }, false,
            EROFS},
    Attempt{"chmod", kKilled, [](const Given&) -> long { return chmod("/", 0777); }, false, EROFS},
    Attempt{"fchmod", kKilled, [](const Given& g) -> long { return fchmod(g.file, 04777); }},
    Attempt{"chown", kKilled, [](const Given&) -> long { return chown("/", 0, 0); }},
    Attempt{"ftruncate", kKilled, [](const Given& g) -> long { return ftruncate(g.file, 0); }},
    Attempt{"setxattr", kKilled,
            [](const Given&) -> long { return setxattr("/", "user.a", "b", 1, 0); }},
    Attempt{"chdir", kKilled, [](const Given&) -> long { return chdir("/"); }, true},
    Attempt{"fchdir to a folder held open", kKilled,
            [](const Given& g) -> long { return fchdir(g.folder); }, true},
    Attempt{"chroot", kKilled, [](const Given&) -> long { return chroot("/"); }, false, EPERM},
    Attempt{"mount", kKilled,
            [](const Given&) -> long { return mount("none", "/", "proc", 0, nullptr); }, false,
            EPERM},
    Attempt{"remount writable", kKilled,
            [](const Given&) -> long { return mount(nullptr, "/", nullptr, MS_REMOUNT, nullptr); },
            false, EPERM},
    Attempt{"umount", kKilled, [](const Given&) -> long { return umount2("/", MNT_DETACH); }, false,
            EPERM},
    Attempt{"pivot_root", kKilled,
            [](const Given&) -> long { return syscall(SYS_pivot_root, ".", "."); }, false, EPERM},
    Attempt{"open_tree", kKilled,
            [](const Given&) -> long { return syscall(SYS_open_tree, AT_FDCWD, "/", 1); }, false,
            EPERM},
    Attempt{"move_mount", kKilled,
            [](const Given&) -> long {
              return syscall(SYS_move_mount, AT_FDCWD, "/", AT_FDCWD, "/", 0);
            },
            false, EPERM},
    Attempt{"fsopen", kKilled, [](const Given&) -> long { return syscall(SYS_fsopen, "tmpfs", 0); },
            false, EPERM},
    Attempt{"mount_setattr", kKilled,
            [](const Given&) -> long {
              return syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, 0, 0);
            }},
    Attempt{"setns of a mount namespace held open", kKilled,
            [](const Given& g) -> long { return syscall(SYS_setns, g.mounts, 0); }, false, EPERM},
    Attempt{"name_to_handle_at", kKilled, handle_of_file},
    Attempt{"open_by_handle_at", kKilled, open_by_handle, false, EPERM},
    Attempt{"mmap of a file as code", kKilled, map_code_of_file, true},
    Attempt{"memfd_create", kKilled,
            [](const Given&) -> long { return memfd_create("program", 0); }, true},
    Attempt{"memfd_secret", kKilled,
            [](const Given&) -> long { return syscall(SYS_memfd_secret, 0); }},
    Attempt{"inotify_init1", kKilled, [](const Given&) -> long { return inotify_init1(0); }, true},
    Attempt{"fanotify_init", kKilled,
            [](const Given&) -> long { return syscall(SYS_fanotify_init, 0, 0); }},
    Attempt{"quotactl", kKilled,
            [](const Given&) -> long { return syscall(SYS_quotactl, 0, nullptr, 0, nullptr); }},
    Attempt{"swapon", kKilled, [](const Given&) -> long { return swapon("/swap", 0); }, false,
            EPERM},
    Attempt{"acct", kKilled, [](const Given&) -> long { return acct("/acct"); }, false, EPERM},
    Attempt{"ioctl TIOCSTI", EPERM,
            [](const Given& g) -> long { return syscall(SYS_ioctl, g.connected, 0x5412, "x"); }},
    Attempt{"ioctl FIONREAD", EPERM,
            [](const Given& g) -> long {
              int bytes = 0;
              return syscall(SYS_ioctl, g.connected, 0x541b, &bytes);
            },
            true},
    Attempt{"fcntl F_SETLEASE", kKilled,
            [](const Given& g) -> long { return fcntl(g.file, F_SETLEASE, F_RDLCK); }},
    Attempt{"fcntl F_SETOWN to the broker", kKilled,
            [](const Given& g) -> long { return fcntl(g.connected, F_SETOWN, g.broker); }, true},
};

}  // namespace

std::span<const Attempt> file_attempts() {
  return kAttempts;
}

}  // namespace skep::attempts
