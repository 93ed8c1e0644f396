#include "fault_layer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <random>
#include <string>
#include <vector>

// The C library's own, by the linker's names.
extern "C" {
ssize_t __real_pwrite(int fd, const void* data, size_t bytes, off_t offset);
ssize_t __real_write(int fd, const void* data, size_t bytes);
ssize_t __real_writev(int fd, const iovec* parts, int count);
int __real_linkat(int old_folder, const char* old_name, int folder, const char* name, int flags);
}

namespace skep::faults {
namespace {

constexpr size_t kSectorBytes = 512;

// Written, or named, and not yet synced.
struct Unsynced {
  dev_t device;
  ino_t file;
  int fd;              // a duplicate, to undo it with
  off_t offset;        // of a write
  std::string before;  // of a write
  std::string name;    // of a name in the folder `fd`
};

struct Layer {
  std::mutex mutex;
  bool active = false;
  Plan plan;
  std::mt19937_64 random;
  uint64_t calls = 0;
  std::vector<Unsynced> unsynced;
};

Layer& layer() {
  static Layer* const one = new Layer;  // used by threads until the process ends
  return *one;
}

bool same_file(const Unsynced& a, const struct stat& status) {
  return a.device == status.st_dev && a.file == status.st_ino;
}

// Some of what was not synced is not there after a power cut: whole writes, or their last sectors.
void undo(Layer& l) {
  for (auto it = l.unsynced.rbegin(); it != l.unsynced.rend(); ++it) {
    const uint64_t fate = l.random() % 3;
    if (fate == 0) continue;
    if (!it->name.empty()) {
      unlinkat(it->fd, it->name.c_str(), 0);
      continue;
    }
    size_t from = 0;
    if (fate == 2) from = l.random() % (it->before.size() / kSectorBytes + 1) * kSectorBytes;
    if (from >= it->before.size()) continue;
    if (__real_pwrite(it->fd, it->before.data() + from, it->before.size() - from,
                      it->offset + static_cast<off_t>(from)) < 0) {
      _exit(99);
    }
  }
}

// An errno that this call is to fail with; 0: none. -1: it writes less than it was told to.
int step(Layer& l, bool writes) {
  if (!l.active) return 0;
  ++l.calls;
  if (l.plan.power_cut_after != 0 && l.calls >= l.plan.power_cut_after) {
    if (l.plan.power_cut) undo(l);
    _exit(kPowerCutStatus);
  }
  if (writes && l.calls >= l.plan.full_from && l.calls < l.plan.full_until) return ENOSPC;
  if (l.random() % 1000 >= l.plan.errors_per_mille) return 0;
  if (!writes) return EIO;
  switch (l.random() % 3) {
    case 0:
      return EIO;
    case 1:
      return ENOSPC;
    default:
      return -1;
  }
}

// Regular files that this program's storage writes; not pipes and eventfds.
bool is_file(int fd, struct stat& status) {
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

void note_write(Layer& l, int fd, const struct stat& status, off_t offset, size_t bytes) {
  const int flags = fcntl(fd, F_GETFL);
  if (!l.active || (flags & O_DSYNC) != 0) return;
  Unsynced entry{status.st_dev, status.st_ino, -1, offset, std::string(bytes, '\0'), {}};
  // A descriptor that reads and writes, whatever the caller's does.
  const std::string own = "/proc/self/fd/" + std::to_string(fd);
  entry.fd = open(own.c_str(), O_RDWR | O_CLOEXEC);
  if (entry.fd < 0) return;
  const ssize_t had = pread(entry.fd, entry.before.data(), bytes, offset);
  if (had < 0) return;
  l.unsynced.push_back(std::move(entry));
}

void forget(Layer& l, const struct stat& status) {
  std::erase_if(l.unsynced, [&](const Unsynced& entry) {
    if (!same_file(entry, status)) return false;
    close(entry.fd);
    return true;
  });
}

int sync(int fd) {
  Layer& l = layer();
  const std::lock_guard lock(l.mutex);
  if (const int error = step(l, false); error != 0) {
    errno = error > 0 ? error : EIO;
    return -1;
  }
  // The kernel's cache is enough here: the power is cut by undo().
  struct stat status;
  if (!l.plan.lies && fstat(fd, &status) == 0) forget(l, status);
  return 0;
}

}  // namespace

void begin(const Plan& plan) {
  Layer& l = layer();
  const std::lock_guard lock(l.mutex);
  l.plan = plan;
  l.random.seed(plan.seed);
  l.calls = 0;
  l.active = true;
}

void end() {
  Layer& l = layer();
  const std::lock_guard lock(l.mutex);
  l.plan = {};
}

uint64_t calls() {
  Layer& l = layer();
  const std::lock_guard lock(l.mutex);
  return l.calls;
}

}  // namespace skep::faults

using namespace skep::faults;

extern "C" {

ssize_t __wrap_pwrite(int fd, const void* data, size_t bytes, off_t offset) {
  Layer& l = layer();
  const std::lock_guard lock(l.mutex);
  struct stat status;
  if (!is_file(fd, status)) return __real_pwrite(fd, data, bytes, offset);
  const int error = step(l, true);
  if (error > 0) {
    errno = error;
    return -1;
  }
  if (error < 0) bytes /= 2;
  note_write(l, fd, status, offset, bytes);
  return __real_pwrite(fd, data, bytes, offset);
}

ssize_t __wrap_write(int fd, const void* data, size_t bytes) {
  Layer& l = layer();
  const std::lock_guard lock(l.mutex);
  struct stat status;
  if (!is_file(fd, status)) return __real_write(fd, data, bytes);
  const int error = step(l, true);
  if (error > 0) {
    errno = error;
    return -1;
  }
  if (error < 0) bytes = std::max<size_t>(1, bytes / 2);
  note_write(l, fd, status, lseek(fd, 0, SEEK_CUR), bytes);
  return __real_write(fd, data, bytes);
}

ssize_t __wrap_writev(int fd, const iovec* parts, int count) {
  Layer& l = layer();
  const std::lock_guard lock(l.mutex);
  struct stat status;
  if (!is_file(fd, status)) return __real_writev(fd, parts, count);
  const int error = step(l, true);
  if (error > 0) {
    errno = error;
    return -1;
  }
  size_t bytes = 0;
  if (error < 0) count = std::max(1, count / 2);
  for (int i = 0; i < count; ++i) bytes += parts[i].iov_len;
  note_write(l, fd, status, lseek(fd, 0, SEEK_CUR), bytes);
  return __real_writev(fd, parts, count);
}

int __wrap_fsync(int fd) {
  return sync(fd);
}

int __wrap_fdatasync(int fd) {
  return sync(fd);
}

int __wrap_linkat(int old_folder, const char* old_name, int folder, const char* name, int flags) {
  Layer& l = layer();
  const std::lock_guard lock(l.mutex);
  if (const int error = step(l, true); error != 0) {
    errno = error > 0 ? error : EIO;
    return -1;
  }
  const int result = __real_linkat(old_folder, old_name, folder, name, flags);
  struct stat status;
  if (result == 0 && l.active && fstat(folder, &status) == 0) {
    l.unsynced.push_back(
        {status.st_dev, status.st_ino, fcntl(folder, F_DUPFD_CLOEXEC, 3), 0, {}, name});
  }
  return result;
}

}  // extern "C"
