#include "config/file_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>

#include "config/files.h"

namespace skep::config {
namespace {

// A rename that goes on at the same time makes the kernel give up; that often in a row it is
// malice.
constexpr int kRetries = 16;

int open_at(int folder, const char* path, int flags, uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = resolve | RESOLVE_NO_MAGICLINKS;
  int fd = -1;
  for (int i = 0; i < kRetries; i++) {
    fd = static_cast<int>(::syscall(SYS_openat2, folder, path, &how, sizeof(how)));
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  return fd;
}

std::string descriptor_path(int fd) {
  char link[PATH_MAX];
  const std::string name = fmt::format("/proc/self/fd/{}", fd);
  const ssize_t length = ::readlink(name.c_str(), link, sizeof(link));
  return length > 0 ? std::string(link, static_cast<size_t>(length)) : std::string();
}

}  // namespace

Result<FileTree> FileTree::open(std::string root) {
  UniqueFd fd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno(root, errno);
  return FileTree(std::move(root), std::move(fd));
}

std::string FileTree::absolute(std::string_view path) const {
  return path.empty() ? root_ : join_path(root_, path);
}

Result<UniqueFd> FileTree::open_beneath(std::string_view path, int flags) const {
  if (path.find('\0') != std::string_view::npos) return fail_errno("path", EINVAL);
  const std::string relative(path.empty() ? "." : path);
  UniqueFd fd(open_at(fd_.get(), relative.c_str(), flags, RESOLVE_BENEATH));
  if (fd) return fd;
  if (errno != EXDEV) return fail_errno(absolute(path), errno);
  // The kernel refuses every absolute link, also one that leads back in. Follow it by hand, and
  // open what it leads to without following anything.
  const auto real = real_path(absolute(path));
  if (!real || !is_inside(*real, root_)) return fail_errno(absolute(path), EXDEV);
  const std::string inside = relative_path(*real, root_);
  fd.reset(open_at(fd_.get(), inside.c_str(), flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS));
  if (!fd) return fail_errno(absolute(path), errno);
  return fd;
}

FileTree::Entry FileTree::lookup(std::string_view path) const {
  Entry entry;
  const auto fd = open_beneath(path, O_PATH);
  if (!fd) {
    const int code = fd.error().code;
    entry.kind = code == EXDEV || code == EACCES || code == ELOOP ? Kind::refused : Kind::missing;
    return entry;
  }
  struct stat info{};
  if (::fstat(fd->get(), &info) != 0) return entry;
  const std::string real = descriptor_path(fd->get());
  if (!is_inside(real, root_)) return entry;  // renamed out of the tree, or removed, meanwhile
  entry.kind = S_ISREG(info.st_mode)   ? Kind::file
               : S_ISDIR(info.st_mode) ? Kind::folder
                                       : Kind::missing;
  entry.path = real == root_ ? "" : relative_path(real, root_);
  entry.mtime_ns = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
  entry.size = static_cast<uint64_t>(info.st_size);
  entry.inode = info.st_ino;
  return entry;
}

Result<std::string> FileTree::read(std::string_view path, uint64_t max_bytes) const {
  SKEP_TRY_ASSIGN(const UniqueFd fd, open_beneath(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  return read_descriptor(fd.get(), absolute(path), max_bytes);
}

Result<std::vector<std::string>> FileTree::list(std::string_view path, size_t most) const {
  SKEP_TRY_ASSIGN(UniqueFd fd, open_beneath(path, O_RDONLY | O_DIRECTORY));
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::fdopendir(fd.get()), &::closedir);
  if (!folder) return fail_errno(absolute(path), errno);
  (void)fd.release();  // the DIR's now
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(folder.get())) {
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() >= most)
      return fail(fmt::format("{}: more than {} entries", absolute(path), most));
    if (entry->d_type == DT_DIR) name += '/';
    names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace skep::config
