// All workers of a broker, by their row. Keeps the memory of their modules within
// limits::kModuleCacheBytes by forgetting those that were not asked for longest. Owned by the
// broker.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "broker/code_cache.h"
#include "broker/deployment.h"
#include "broker/options.h"

namespace skep::broker {

class Deployments {
 public:
  Deployments(const BrokerOptions& options, CodeCache& cache);

  size_t size() const { return all_.size(); }
  Deployment& at(size_t index) { return *all_[index]; }

  // To be called after a worker was asked for anything: it is the last used now, and others may go.
  void used(size_t index);
  uint64_t bytes() const { return bytes_; }

  // A worker has a new version, whatever the cause.
  void on_new_version(std::function<void(uint32_t index, uint64_t version)> callback);
  // Something was asked for, so there may be more to watch (dev).
  void on_used(std::function<void()> callback) { on_used_ = std::move(callback); }

  // Reads one worker's files anew (Deployment::reload) and tells of a new version. Logs errors,
  // warnings and, where `cause` is not empty, "reloaded NAME (changed: CAUSE)".
  void reload(size_t index, bool force, std::string_view cause);

 private:
  void log_warnings(Deployment& deployment);

  const bool config_known_;
  std::vector<std::unique_ptr<Deployment>> all_;
  std::list<size_t> used_;  // those with modules in memory, the last used first
  std::vector<std::list<size_t>::iterator> places_;
  std::vector<uint64_t> counted_;  // bytes of each, as they are in bytes_
  uint64_t bytes_ = 0;
  std::function<void(uint32_t, uint64_t)> on_new_version_;
  std::function<void()> on_used_;
};

}  // namespace skep::broker
