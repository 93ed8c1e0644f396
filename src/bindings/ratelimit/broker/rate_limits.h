// The counters of rate limiting: fixed windows, counted in the broker alone, so that a limit is
// exact however many shards ask. Memory is bounded: beyond limits::kRateLimitKeys keys of one
// namespace in one period, the others share counters, and may be limited too early, never too late.
// Owned by the broker's bindings; the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "bindings/broker/shard_share.h"
#include "rpc/skep.capnp.h"

namespace skep::bindings {

// One namespace and period.
class RateCounters {
 public:
  explicit RateCounters(uint32_t period_seconds) : period_ms_(period_seconds * int64_t{1000}) {}

  // Counts one more. Whether there were fewer than `limit` before in this window.
  bool take(std::string_view key, uint32_t limit, int64_t now_ms);
  size_t keys() const { return counts_.size(); }

 private:
  uint32_t& counter(std::string_view key);

  const int64_t period_ms_;
  int64_t window_ = -1;
  std::unordered_map<std::string, uint32_t> counts_;
  std::vector<uint32_t> shared_;  // empty: not needed so far
};

class RateLimits {
 public:
  // Who names the same namespace counts together; of different periods apart.
  Result<std::shared_ptr<RateCounters>> open(const std::string& namespace_id,
                                             uint32_t period_seconds);

 private:
  std::map<std::pair<std::string, uint32_t>, std::shared_ptr<RateCounters>> all_;
};

class RateLimiterServer final : public rpc::RateLimiter::Server {
 public:
  RateLimiterServer(std::shared_ptr<RateCounters> counters, uint32_t limit)
      : counters_(std::move(counters)), limit_(limit) {}
  kj::Promise<void> limit(LimitContext context) override;

 private:
  std::shared_ptr<RateCounters> counters_;
  const uint32_t limit_;
};

}  // namespace skep::bindings
