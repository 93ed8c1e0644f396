#include "sandbox/kernel_settings.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "base/unique_fd.h"

namespace skep::sandbox {

namespace {

struct Setting {
  Piece piece;
  const char* path;
  std::string_view forbidding;  // the value that takes the piece away
  std::string_view advice;
};

constexpr std::array kSettings = {
    Setting{Piece::user_namespace, "/proc/sys/user/max_user_namespaces", "0",
            "user.max_user_namespaces is 0: raise it with sysctl"},
    Setting{
        Piece::user_namespace, "/proc/sys/kernel/unprivileged_userns_clone", "0",
        "kernel.unprivileged_userns_clone is 0: set it to 1 with sysctl, or start skep as root"},
    Setting{Piece::user_namespace, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
            "AppArmor restricts user namespaces: give skep a profile that allows userns, or set "
            "kernel.apparmor_restrict_unprivileged_userns to 0"},
    Setting{Piece::empty_root, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
            "AppArmor restricts user namespaces: give skep a profile that allows userns, or set "
            "kernel.apparmor_restrict_unprivileged_userns to 0"},
    Setting{Piece::ring, "/proc/sys/kernel/io_uring_disabled", "2",
            "kernel.io_uring_disabled is 2: set it to 0 with sysctl"},
    Setting{Piece::ring, "/proc/sys/kernel/io_uring_disabled", "1",
            "kernel.io_uring_disabled is 1: set it to 0 with sysctl"},
};

bool holds(const char* path, std::string_view value) {
  const UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
  if (!fd) return false;
  char text[16];
  const ssize_t bytes = read(fd.get(), text, sizeof text);
  return bytes > 0 && std::string_view(text, static_cast<size_t>(bytes)).starts_with(value) &&
         (static_cast<size_t>(bytes) == value.size() || text[value.size()] == '\n');
}

}  // namespace

std::string explain(Piece piece, std::string_view what) {
  for (const Setting& setting : kSettings) {
    if (setting.piece != piece || !holds(setting.path, setting.forbidding)) continue;
    return fmt::format("{} ({})", what, setting.advice);
  }
  return std::string(what);
}

}  // namespace skep::sandbox
