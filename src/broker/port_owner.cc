#include "broker/port_owner.h"

#include <dirent.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>

namespace skep::broker {
namespace {

constexpr std::string_view kListenState = "0A";

// Inodes of the sockets that listen at `port`: columns of proc_net_tcp(5).
void collect_inodes(const char* path, uint16_t port, std::set<std::string>& inodes) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  const std::string suffix = fmt::format(":{:04X}", port);
  while (std::getline(file, line)) {
    std::istringstream columns(line);
    std::string slot, local, remote, state, skipped, inode;
    columns >> slot >> local >> remote >> state;
    for (int i = 0; i < 5; ++i) columns >> skipped;
    columns >> inode;
    if (state == kListenState && local.ends_with(suffix)) inodes.insert(inode);
  }
}

bool holds_socket(const std::string& pid, const std::set<std::string>& inodes) {
  const std::string folder = fmt::format("/proc/{}/fd", pid);
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) return false;
  bool found = false;
  while (const dirent* entry = found ? nullptr : readdir(dir)) {
    std::array<char, 64> target = {};
    const ssize_t n = readlinkat(dirfd(dir), entry->d_name, target.data(), target.size());
    if (n <= 0) continue;
    std::string_view text(target.data(), static_cast<size_t>(n));
    constexpr std::string_view kPrefix = "socket:[";
    if (!text.starts_with(kPrefix) || !text.ends_with(']')) continue;
    text.remove_prefix(kPrefix.size());
    text.remove_suffix(1);
    found = inodes.contains(std::string(text));
  }
  closedir(dir);
  return found;
}

}  // namespace

std::string find_port_owner(uint16_t port) {
  std::set<std::string> inodes;
  collect_inodes("/proc/net/tcp", port, inodes);
  collect_inodes("/proc/net/tcp6", port, inodes);
  if (inodes.empty()) return "";
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return "";
  std::string owner;
  while (const dirent* entry = owner.empty() ? readdir(proc) : nullptr) {
    const std::string pid = entry->d_name;
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    if (!holds_socket(pid, inodes)) continue;
    std::string name;
    std::getline(std::ifstream(fmt::format("/proc/{}/comm", pid)), name);
    owner = fmt::format("{} (process {})", name, pid);
  }
  closedir(proc);
  return owner;
}

}  // namespace skep::broker
