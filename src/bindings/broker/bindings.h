// The broker's half of all bindings: turns what a worker's configuration asks for into capabilities
// made for that worker, on that shard. bindings.cc has the one list of kinds. Owned by the broker.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bindings/broker/shard_share.h"
#include "bindings/broker/store_holder.h"
#include "bindings/cron/broker/cron_runs.h"
#include "bindings/kv/broker/kv_store.h"
#include "bindings/ratelimit/broker/rate_limits.h"
#include "bindings/secrets/broker/secret_store.h"
#include "config/bindings.h"
#include "loop/loop.h"
#include "rpc/skep.capnp.h"

namespace skep::bindings {

// For whom a capability is made.
struct BindingOwner {
  std::string worker;                 // its name in this appliance
  std::shared_ptr<ShardShare> share;  // of its shard
  std::string version_id;             // a UUID
  double version_ms = 0;              // when that version came, since the epoch
};

class BrokerBindings {
 public:
  BrokerBindings(loop::Loop& loop, StorePlace place);
  ~BrokerBindings();
  BrokerBindings(const BrokerBindings&) = delete;
  BrokerBindings& operator=(const BrokerBindings&) = delete;

  // The names of all workers, in the order of the shards' list: whom service bindings may name.
  void set_workers(std::vector<std::string> names) { workers_ = std::move(names); }

  // Fills the union of `out` (not its name). Errors: the binding cannot be had now; the worker is
  // not loaded then. What is merely not stored yet, or a store that is broken, is none: those are
  // errors of the calls.
  Result<> write(const config::Binding& binding, const BindingOwner& owner,
                 rpc::Binding::Builder out);

  // Of the broker's clock.
  CronRuns& cron_runs() { return cron_; }

 private:
  Result<uint32_t> find_worker(std::string_view name) const;

  std::vector<std::string> workers_;
  StoreHolder store_;
  KvStore kv_;
  RateLimits rate_limits_;
  SecretStore secrets_;
  CronRuns cron_;
};

}  // namespace skep::bindings
