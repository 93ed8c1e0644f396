#include "bindings/ratelimit/broker/rate_limits.h"

#include "base/limits_cron.h"
#include "base/time.h"
#include "rpc/outcome.h"

namespace skep::bindings {

uint32_t& RateCounters::counter(std::string_view key) {
  std::string name(key);
  if (const auto found = counts_.find(name); found != counts_.end()) return found->second;
  if (counts_.size() < limits::kRateLimitKeys) return counts_[std::move(name)];
  if (shared_.empty()) shared_.resize(limits::kRateLimitShared);
  return shared_[std::hash<std::string>()(name) % shared_.size()];
}

bool RateCounters::take(std::string_view key, uint32_t limit, int64_t now_ms) {
  if (const int64_t window = now_ms / period_ms_; window != window_) {
    window_ = window;
    // What many keys took is given back; a usual table is used again.
    if (counts_.size() > limits::kRateLimitKeys / 16) {
      counts_ = {};
    } else {
      counts_.clear();
    }
    shared_ = {};
  }
  uint32_t& count = counter(key);
  if (count >= limit) return false;
  ++count;
  return true;
}

Result<std::shared_ptr<RateCounters>> RateLimits::open(const std::string& namespace_id,
                                                       uint32_t period_seconds) {
  const auto key = std::pair(namespace_id, period_seconds);
  if (const auto found = all_.find(key); found != all_.end()) return found->second;
  if (all_.size() >= limits::kRateLimitNamespaces)
    return fail("the workers name too many namespaces of rate limits");
  return all_[key] = std::make_shared<RateCounters>(period_seconds);
}

kj::Promise<void> RateLimiterServer::limit(LimitContext context) {
  const auto key = context.getParams().getKey();
  if (key.size() > limits::kRateLimitKeyBytes)
    rpc::throw_error(Error{"the key of a rate limit is too long", 0});
  context.getResults().setSuccess(
      counters_->take({reinterpret_cast<const char*>(key.begin()), key.size()}, limit_,
                      static_cast<int64_t>(wall_clock_ms())));
  return kj::READY_NOW;
}

}  // namespace skep::bindings
