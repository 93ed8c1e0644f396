// The broker's half of all bindings: turns what a worker's configuration asks for into capabilities
// made for that worker, on that shard. bindings.cc has the one list of kinds. Owned by the broker.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "bindings/broker/shard_share.h"
#include "bindings/broker/store_holder.h"
#include "bindings/kv/broker/kv_store.h"
#include "config/bindings.h"
#include "loop/loop.h"
#include "rpc/skep.capnp.h"

namespace skep::bindings {

// For whom a capability is made.
struct BindingOwner {
  std::string worker;                 // its name in this appliance
  std::shared_ptr<ShardShare> share;  // of its shard
};

class BrokerBindings {
 public:
  BrokerBindings(loop::Loop& loop, StorePlace place);
  ~BrokerBindings();
  BrokerBindings(const BrokerBindings&) = delete;
  BrokerBindings& operator=(const BrokerBindings&) = delete;

  // Fills the union of `out` (not its name). Errors: the binding cannot be had now; the worker is
  // not loaded then. What is merely not stored yet, or a store that is broken, is none: those are
  // errors of the calls.
  Result<> write(const config::Binding& binding, const BindingOwner& owner,
                 rpc::Binding::Builder out);

 private:
  StoreHolder store_;
  KvStore kv_;
};

}  // namespace skep::bindings
