// The arena of a shard: isolates with their context ready, in V8's isolate groups, made while the
// loop is idle; a worker's first request takes one. Owned by the shard; on the loop's thread.
#pragma once

#include <functional>
#include <memory>

#include "base/limits.h"
#include "isolate/engine.h"
#include "isolate/tenant.h"
#include "loop/fiber.h"
#include "loop/loop.h"

namespace skep::isolate {

struct ArenaOptions {
  size_t ready = 16;  // isolates kept ready; 0: always made on demand
  size_t heap_bytes = limits::kIsolateHeapBytes;
  unsigned isolates_per_group = 30;  // target before a new group is opened
};

class Arena {
 public:
  // After Engine::start_threads. Every tenant must be gone before the arena goes.
  Arena(loop::Loop& loop, Engine& engine, ArenaOptions options);
  ~Arena();

  // A fresh isolate from the pool, or a new one when it is dry. Errors: no room (groups full,
  // address space): the caller evicts an idle tenant or sheds.
  Result<std::unique_ptr<Tenant>> take();
  // Disposes of an idle tenant (deferred to an idle moment when it is expensive).
  void give_back(std::unique_ptr<Tenant> tenant);

  // One step of refilling, for idle moments; true: more to do.
  bool refill_step();
  // refill_step has something to do.
  bool wants_refill() const;
  // Some group's heap has grown past what its cage can be trusted with (limits::kGroupHeapBytes):
  // idle tenants that are `crowded` should be given back at once, before it is full, which would
  // end the process. Asked once, it is forgotten until a heap is measured again.
  bool take_pressure();
  bool crowded(const Tenant& tenant) const;
  // Asks idle tenants to collect garbage, under memory pressure or when idle for long.
  void notify_idle(Tenant& tenant);

  struct Stats {
    size_t ready, live, groups;
    uint64_t made, taken_ready, taken_dry;
    size_t fullest_group_heap_bytes;
  };
  Stats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skep::isolate
