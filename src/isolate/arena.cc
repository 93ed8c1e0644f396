#include "isolate/arena.h"

#include <deque>
#include <utility>

#include "base/limits.h"
#include "isolate/groups.h"
#include "isolate/scheduler.h"
#include "isolate/tenant_impl.h"

namespace skep::isolate {

struct Arena::Impl {
  Impl(loop::Loop& loop, Engine& engine, ArenaOptions options_in)
      : options(options_in),
        groups(options_in.isolates_per_group),
        scheduler(std::make_shared<Scheduler>(loop, engine)) {}

  Result<std::unique_ptr<Tenant>> make(bool idle);
  // Fewer ready than wished, or no group with room for a burst.
  bool wants_more() const {
    if (options.ready == 0 || no_room) return false;
    return ready.size() < options.ready || (ready.size() == options.ready && !groups.has_room());
  }

  const ArenaOptions options;
  Groups groups;  // outlives every tenant
  const std::shared_ptr<Scheduler> scheduler;
  std::deque<std::unique_ptr<Tenant>> ready;
  std::deque<std::unique_ptr<Tenant>> dead;  // shut down; their isolates go at an idle moment
  bool no_room = false;  // the last make failed: no use to try again before an isolate goes
  Stats counts{};
};

Result<std::unique_ptr<Tenant>> Arena::Impl::make(bool idle) {
  SKEP_TRY_ASSIGN(Group * group, groups.choose(idle));
  auto tenant = std::unique_ptr<Tenant>(
      new Tenant(std::make_unique<Tenant::Impl>(scheduler, *group, options.heap_bytes)));
  if (auto made = tenant->impl_->create(*tenant); !made) {
    tenant.reset();
    groups.drop(*group);
    return std::unexpected(std::move(made).error());
  }
  ++counts.made;
  return tenant;
}

Arena::Arena(loop::Loop& loop, Engine& engine, ArenaOptions options)
    : impl_(std::make_unique<Impl>(loop, engine, options)) {}

Arena::~Arena() = default;

Result<std::unique_ptr<Tenant>> Arena::take() {
  Impl& arena = *impl_;
  if (!arena.ready.empty()) {
    auto tenant = std::move(arena.ready.front());
    arena.ready.pop_front();
    ++arena.counts.taken_ready;
    ++arena.counts.live;
    return tenant;
  }
  auto tenant = arena.make(false);
  if (!tenant && !arena.dead.empty()) {
    arena.dead.clear();  // what waits for disposal may be the room that is missing
    tenant = arena.make(false);
  }
  if (tenant) {
    ++arena.counts.taken_dry;
    ++arena.counts.live;
  }
  return tenant;
}

void Arena::give_back(std::unique_ptr<Tenant> tenant) {
  tenant->impl_->shut_down();
  --impl_->counts.live;
  impl_->no_room = false;
  // Its memory is what others in the group are short of.
  if (crowded(*tenant)) return tenant.reset();
  impl_->dead.push_back(std::move(tenant));
  // More than this at once is memory that somebody waits for.
  if (impl_->dead.size() > limits::kIsolatesAwaitingDisposal) impl_->dead.pop_front();
}

bool Arena::refill_step() {
  Impl& arena = *impl_;
  if (!arena.dead.empty()) {
    arena.dead.pop_front();
  } else if (arena.wants_more()) {
    auto tenant = arena.make(true);
    if (tenant) {
      arena.ready.push_back(std::move(*tenant));
    } else {
      arena.no_room = true;
    }
  }
  return wants_refill();
}

bool Arena::wants_refill() const {
  return !impl_->dead.empty() || impl_->wants_more();
}

bool Arena::take_pressure() {
  return std::exchange(impl_->scheduler->pressure, false);
}

bool Arena::crowded(const Tenant& tenant) const {
  return tenant.impl_->group.heap_bytes > limits::kGroupHeapBytes;
}

void Arena::notify_idle(Tenant& tenant) {
  tenant.impl_->collect_garbage();
}

Arena::Stats Arena::stats() const {
  Stats stats = impl_->counts;
  stats.ready = impl_->ready.size();
  stats.groups = impl_->groups.size();
  stats.fullest_group_heap_bytes = impl_->groups.fullest_heap_bytes();
  return stats;
}

}  // namespace skep::isolate
