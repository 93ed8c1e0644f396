#include "broker/deployments.h"

#include "base/limits.h"
#include "base/log.h"

namespace skep::broker {

Deployments::Deployments(const BrokerOptions& options, CodeCache& cache)
    : config_known_(options.config_known) {
  const DeploymentSettings settings = {options.local_vars, options.development,
                                       options.limits.script_bytes};
  all_.reserve(options.workers.size());
  for (const WorkerOptions& worker : options.workers)
    all_.push_back(std::make_unique<Deployment>(worker, settings, cache));
  places_.assign(all_.size(), used_.end());
  counted_.assign(all_.size(), 0);
}

void Deployments::used(size_t index) {
  if (places_[index] == used_.end()) {
    used_.push_front(index);
    places_[index] = used_.begin();
  } else {
    used_.splice(used_.begin(), used_, places_[index]);
  }
  const auto recount = [this](size_t i) {
    bytes_ += all_[i]->bytes() - counted_[i];
    counted_[i] = all_[i]->bytes();
  };
  recount(index);
  while (bytes_ > limits::kModuleCacheBytes && used_.size() > 1) {
    const size_t last = used_.back();
    all_[last]->evict();
    recount(last);
    places_[last] = used_.end();
    used_.pop_back();
  }
  log_warnings(*all_[index]);
  if (on_used_) on_used_();
}

void Deployments::on_new_version(std::function<void(uint32_t, uint64_t)> callback) {
  on_new_version_ = std::move(callback);
  for (size_t i = 0; i < all_.size(); ++i) {
    all_[i]->on_stale([this, i](uint64_t version) {
      log_warn("worker {} changed on disk while it was in use: it is version {} now",
               all_[i]->name(), version);
      on_new_version_(static_cast<uint32_t>(i), version);
    });
  }
}

void Deployments::reload(size_t index, bool force, std::string_view cause) {
  Deployment& deployment = *all_[index];
  const auto reloaded = deployment.reload(force);
  if (!reloaded) {
    log_error("{}\nworker {} goes on as it was", reloaded.error().message, deployment.name());
    if (on_used_) on_used_();  // the file to be mended may be a new one to watch
    return;
  }
  used(index);
  if (!*reloaded) return;
  if (!cause.empty()) log_info("reloaded {} (changed: {})", deployment.name(), cause);
  if (on_new_version_) on_new_version_(static_cast<uint32_t>(index), deployment.version_number());
}

void Deployments::log_warnings(Deployment& deployment) {
  std::string warnings = deployment.take_warnings();
  while (warnings.ends_with('\n')) warnings.pop_back();
  if (!warnings.empty() && !config_known_) log_warn("{}", warnings);
}

}  // namespace skep::broker
