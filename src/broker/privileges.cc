#include "broker/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <fstream>
#include <optional>
#include <string_view>
#include <vector>

#include "base/log.h"

namespace skep::broker {
namespace {

struct PasswdEntry {
  std::string name;
  uid_t uid;
  gid_t gid;
};

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const size_t colon = line.find(':');
    fields.push_back(line.substr(0, colon));
    if (colon == std::string_view::npos) return fields;
    line.remove_prefix(colon + 1);
  }
}

std::optional<unsigned> number(std::string_view text) {
  unsigned value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// passwd(5) and group(5) are read directly: getpwnam of a static program would load shared
// libraries.
std::optional<PasswdEntry> find_user(std::string_view name) {
  std::ifstream file("/etc/passwd");
  std::string line;
  while (std::getline(file, line)) {
    const auto fields = split(line);
    if (fields.size() < 4 || fields[0] != name) continue;
    const auto uid = number(fields[2]), gid = number(fields[3]);
    if (uid && gid) return PasswdEntry{std::string(name), *uid, *gid};
  }
  return std::nullopt;
}

std::optional<gid_t> find_group(std::string_view name) {
  std::ifstream file("/etc/group");
  std::string line;
  while (std::getline(file, line)) {
    const auto fields = split(line);
    if (fields.size() >= 3 && fields[0] == name) return number(fields[2]);
  }
  return std::nullopt;
}

}  // namespace

Result<Identity> find_identity(const std::string& user, const std::string& group) {
  std::optional<PasswdEntry> entry = find_user(user.empty() ? "skep" : user);
  if (!entry && !user.empty()) return fail(fmt::format("user {} is not in /etc/passwd", user));
  if (!entry) {
    entry = find_user("nobody").value_or(PasswdEntry{"nobody", 65534, 65534});
    log_warn(
        "there is no user skep: going on as {}. Files of other programs may belong to it too; "
        "`useradd --system skep` makes one of its own",
        entry->name);
  }
  Identity identity = {entry->uid, entry->gid, entry->name};
  if (!group.empty()) {
    const auto gid = find_group(group);
    if (!gid) return fail(fmt::format("group {} is not in /etc/group", group));
    identity.gid = *gid;
  }
  return identity;
}

void raise_descriptor_limit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

Result<> prepare_state_dir(const std::string& path, bool make, const Identity* owner) {
  if (make && mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno(fmt::format("cannot make {}", path), errno);
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return fail_errno(path, errno);
  if (!S_ISDIR(status.st_mode)) return fail(fmt::format("{} is not a folder", path));
  if (owner != nullptr && status.st_uid == 0 && chown(path.c_str(), owner->uid, owner->gid) != 0)
    return fail_errno(fmt::format("cannot give {} to {}", path, owner->name), errno);
  return {};
}

Result<> become(const Identity& identity) {
  if (setgroups(0, nullptr) != 0) return fail_errno("setgroups", errno);
  if (setresgid(identity.gid, identity.gid, identity.gid) != 0)
    return fail_errno(fmt::format("becoming group {}", identity.gid), errno);
  if (setresuid(identity.uid, identity.uid, identity.uid) != 0)
    return fail_errno(fmt::format("becoming user {}", identity.name), errno);
  if (identity.uid != 0 && setresuid(0, 0, 0) == 0)
    return fail(fmt::format("user {} can become root again", identity.name));
  return {};
}

}  // namespace skep::broker
