// dev: hears of changes of files by inotify and tells of them once things are quiet. Watches the
// folders, since editors replace files instead of writing into them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "broker/readiness.h"
#include "loop/loop.h"

namespace skep::broker {

class Watcher {
 public:
  // on_change: the files in watched folders that changed, limits::kReloadDebounceMs after the first
  // of them.
  static Result<std::unique_ptr<Watcher>> create(
      loop::Loop& loop, std::function<void(const std::vector<std::string>&)> on_change);

  // Replaces what is watched: absolute paths, at most limits::kWatchPaths of them. A file need not
  // exist, its folder must (else it is not watched). Files that were watched before stay cheap.
  void watch(const std::vector<std::string>& paths);

 private:
  Watcher(loop::Loop& loop, UniqueFd fd,
          std::function<void(const std::vector<std::string>&)> on_change);
  void on_readable();
  void on_event(int watch, std::string_view name);

  UniqueFd fd_;
  std::function<void(const std::vector<std::string>&)> on_change_;
  std::set<std::string> files_;
  std::map<std::string, int> folders_;  // to inotify's number
  std::map<int, std::string> folder_of_;
  std::set<std::string> changed_;
  loop::Timer quiet_;
  Readiness readiness_;
};

}  // namespace skep::broker
