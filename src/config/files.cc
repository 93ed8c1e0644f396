#include "config/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <vector>

#include "base/unique_fd.h"

namespace skep::config {

Result<std::string> read_descriptor(int fd, const std::string& path, uint64_t max_bytes) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return fail_errno(path, errno);
  if (S_ISDIR(info.st_mode)) return fail_errno(path, EISDIR);
  if (!S_ISREG(info.st_mode)) return fail(path + ": not a regular file");
  const auto too_large = [&] {
    return fail(fmt::format("{}: larger than {} bytes", path, max_bytes));
  };
  if (static_cast<uint64_t>(info.st_size) > max_bytes) return too_large();
  std::string text;
  // One byte more than the file has: a file that grows meanwhile is noticed, and the end costs no
  // call.
  text.resize(static_cast<size_t>(info.st_size) + 1);
  size_t filled = 0;
  for (;;) {
    const ssize_t count = ::read(fd, text.data() + filled, text.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(path, errno);
    if (count == 0) break;
    filled += static_cast<size_t>(count);
    if (filled > max_bytes) return too_large();
    if (filled == text.size()) text.resize(text.size() * 2);
  }
  text.resize(filled);
  return text;
}

Result<std::string> read_text_file(const std::string& path, uint64_t max_bytes) {
  // Not blocking: opening a pipe that nobody writes to must not hang the broker.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return fail_errno(path, errno);
  return read_descriptor(fd.get(), path, max_bytes);
}

Result<std::string> real_path(const std::string& path) {
  char* resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return fail_errno(path, errno);
  std::string out(resolved);
  ::free(resolved);
  return out;
}

bool is_folder(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool is_file(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

std::string_view base_name(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos || path.size() == 1 ? path : path.substr(slash + 1);
}

std::string_view folder_name(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  return slash == 0 ? path.substr(0, 1) : path.substr(0, slash);
}

std::string_view extension(std::string_view path) {
  const std::string_view name = base_name(path);
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? std::string_view() : name.substr(dot);
}

std::string_view stem(std::string_view path) {
  std::string_view name = base_name(path);
  name.remove_suffix(extension(path).size());
  return name;
}

std::string join_path(std::string_view folder, std::string_view path) {
  if (path.starts_with('/') || folder.empty()) return std::string(path);
  std::string out(folder);
  if (!out.ends_with('/')) out += '/';
  out += path;
  return out;
}

std::string normal_path(std::string_view path) {
  const bool absolute = path.starts_with('/');
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (part != ".." || !absolute) {
      parts.push_back(part);
    }
  }
  std::string out = absolute ? "/" : "";
  for (size_t i = 0; i < parts.size(); i++) {
    if (i > 0) out += '/';
    out += parts[i];
  }
  return out.empty() ? "." : out;
}

bool is_inside(std::string_view path, std::string_view folder) {
  if (!path.starts_with(folder)) return false;
  return path.size() == folder.size() || folder.ends_with('/') || path[folder.size()] == '/';
}

std::string relative_path(std::string_view path, std::string_view folder) {
  std::string up;
  while (!is_inside(path, folder)) {
    folder = folder_name(folder);
    up += "../";
  }
  std::string_view rest = path.substr(folder.size());
  while (rest.starts_with('/')) rest.remove_prefix(1);
  std::string out = up + std::string(rest);
  while (out.ends_with('/')) out.pop_back();
  return out.empty() ? "." : out;
}

}  // namespace skep::config
