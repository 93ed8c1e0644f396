#include "broker/watcher.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/limits.h"
#include "base/log.h"

namespace skep::broker {
namespace {

constexpr uint32_t kEvents =
    IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR;

std::string folder_of_path(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<std::unique_ptr<Watcher>> Watcher::create(
    loop::Loop& loop, std::function<void(const std::vector<std::string>&)> on_change) {
  UniqueFd fd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd) return fail_errno("inotify", errno);
  return std::unique_ptr<Watcher>(new Watcher(loop, std::move(fd), std::move(on_change)));
}

Watcher::Watcher(loop::Loop& loop, UniqueFd fd,
                 std::function<void(const std::vector<std::string>&)> on_change)
    : fd_(std::move(fd)),
      on_change_(std::move(on_change)),
      quiet_(loop,
             [this] {
               const std::vector<std::string> changed(changed_.begin(), changed_.end());
               changed_.clear();
               on_change_(changed);
             }),
      readiness_(loop, fd_.get(), [this] { on_readable(); }) {
  readiness_.watch();
}

void Watcher::watch(const std::vector<std::string>& paths) {
  std::set<std::string> folders;
  files_.clear();
  for (const std::string& path : paths) {
    if (files_.size() >= limits::kWatchPaths) break;
    if (!path.starts_with('/')) continue;
    files_.insert(path);
    folders.insert(folder_of_path(path));
  }
  for (auto it = folders_.begin(); it != folders_.end();) {
    if (folders.contains(it->first)) {
      ++it;
      continue;
    }
    inotify_rm_watch(fd_.get(), it->second);
    folder_of_.erase(it->second);
    it = folders_.erase(it);
  }
  for (const std::string& folder : folders) {
    if (folders_.contains(folder)) continue;
    const int number = inotify_add_watch(fd_.get(), folder.c_str(), kEvents);
    if (number < 0) {
      if (errno != ENOENT && errno != ENOTDIR)
        log_warn("changes in {} are not noticed: {}", folder, std::strerror(errno));
      continue;
    }
    folders_[folder] = number;
    folder_of_[number] = folder;
  }
}

void Watcher::on_readable() {
  readiness_.watch();
  alignas(inotify_event) std::array<char, 16 * 1024> buffer;
  for (;;) {
    const ssize_t n = read(fd_.get(), buffer.data(), buffer.size());
    if (n <= 0) return;
    for (ssize_t at = 0; at < n;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof *event + event->len);
      if ((event->mask & IN_IGNORED) != 0) {
        // The folder is gone. What is watched next may have it again.
        const auto folder = folder_of_.find(event->wd);
        if (folder == folder_of_.end()) continue;
        folders_.erase(folder->second);
        folder_of_.erase(folder);
        continue;
      }
      if (event->len > 0) on_event(event->wd, event->name);
    }
  }
}

void Watcher::on_event(int watch, std::string_view name) {
  const auto folder = folder_of_.find(watch);
  if (folder == folder_of_.end()) return;
  std::string path = folder->second == "/" ? "/" : folder->second + "/";
  path += name;
  // Whether it matters is asked when things are quiet: it may be a file that was read just now.
  if (changed_.size() >= limits::kWatchPaths) return;
  changed_.insert(std::move(path));
  if (!quiet_.armed()) quiet_.set_ms(limits::kReloadDebounceMs);
}

}  // namespace skep::broker
