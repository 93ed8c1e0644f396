// The shard's half of all bindings: from the capabilities that came with a worker to what its env
// holds. bindings.cc has the one list of kinds. One a shard, owned by what speaks to the broker; on
// the loop's thread.
#pragma once

#include <kj/async.h>

#include <memory>

#include "api/binding.h"
#include "api/parts/parts.h"
#include "api/rpc/service.h"
#include "bindings/assets/asset_cache.h"
#include "bindings/kv/kv_cache.h"
#include "loop/loop.h"
#include "rpc/skep.capnp.h"

namespace skep::bindings {

// What the bindings of a shard share. Outlives them.
struct BindingContext {
  BindingContext(loop::Loop& loop_in, kj::TaskSet& tasks_in) : loop(loop_in), tasks(tasks_in) {}
  loop::Loop& loop;
  kj::TaskSet& tasks;  // calls to the broker that are under way
  KvCache kv_cache;
  AssetCache asset_cache;
  // Another worker of the shard, by its index.
  std::function<std::shared_ptr<api::Service>(uint32_t worker)> service;
};

class AssetSite;

// Null for plain values: those are no bindings. site: the worker's assets, null where it has none.
std::shared_ptr<api::Binding> make_binding(BindingContext& context, rpc::Binding::Reader from,
                                           std::shared_ptr<AssetSite> site);

// The parts of the runtime, with the natives of the bindings.
const api::Parts& parts();

}  // namespace skep::bindings
