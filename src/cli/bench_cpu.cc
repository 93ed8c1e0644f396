#include "cli/bench_cpu.h"

#include <dirent.h>
#include <fmt/format.h>
#include <time.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace skep::cli {
namespace {

// The clock of a process counts in nanoseconds; /proc/PID/stat only in ticks of 10 ms.
std::optional<int64_t> cpu_ns_of(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0)
    return std::nullopt;
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// proc(5): the command's name stands in brackets and may hold anything; the parent is the second
// field after it.
std::optional<pid_t> parent_of(pid_t pid) {
  char text[512];
  std::FILE* file = std::fopen(fmt::format("/proc/{}/stat", pid).c_str(), "re");
  if (file == nullptr) return std::nullopt;
  const size_t size = std::fread(text, 1, sizeof text - 1, file);
  std::fclose(file);
  text[size] = 0;
  const char* name_end = std::strrchr(text, ')');
  pid_t parent = 0;
  if (name_end == nullptr || std::sscanf(name_end + 1, " %*c %d", &parent) != 1)
    return std::nullopt;
  return parent;
}

std::multimap<pid_t, pid_t> children_by_parent() {
  std::multimap<pid_t, pid_t> children;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return children;
  while (const dirent* entry = readdir(proc)) {
    pid_t pid = 0;
    const char* end = entry->d_name + std::strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, pid).ptr != end) continue;
    if (const auto parent = parent_of(pid)) children.emplace(*parent, pid);
  }
  closedir(proc);
  return children;
}

}  // namespace

Result<CpuTimes> cpu_times_of_trees(std::span<const pid_t> roots) {
  CpuTimes times;
  if (roots.empty()) return times;
  const auto children = children_by_parent();
  std::vector<pid_t> left(roots.begin(), roots.end());
  for (size_t i = 0; i < left.size(); ++i) {
    const pid_t pid = left[i];
    if (times.contains(pid)) continue;
    if (const auto used_ns = cpu_ns_of(pid))
      times.emplace(pid, *used_ns);
    else if (i < roots.size())
      return fail(fmt::format("--pid {}: there is no such process", pid));
    const auto [first, last] = children.equal_range(pid);
    for (auto child = first; child != last; ++child) left.push_back(child->second);
  }
  return times;
}

int64_t cpu_used_ns(const CpuTimes& start, const CpuTimes& end) {
  int64_t used_ns = 0;
  for (const auto& [pid, end_ns] : end) {
    const auto before = start.find(pid);
    used_ns += end_ns - (before == start.end() ? 0 : before->second);
  }
  return used_ns;
}

}  // namespace skep::cli
