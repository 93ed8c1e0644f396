// The native half of timers: ids and times. See event/timers.h for where they are kept.
#include "api/event/timers.h"

#include "api/base/ops.h"
#include "api/base/values.h"
#include "api/event/event.h"
#include "api/runtime_impl.h"
#include "base/limits.h"
#include "base/time.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

// timer_set(delay_ms, timer, id or undefined) -> id; 0 when the event has too many. `timer` is
// given back to timer_fire. A given id is that of an interval which is set again.
void timer_set(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  Event* event = require_event(isolate);
  if (!event) return;
  Timers& timers = event->timers();
  if (timers.size() >= limits::kTimersPerEvent) return info.GetReturnValue().Set(0);
  const int64_t delay_ms = info[0]->IsUint32() ? info[0].As<v8::Uint32>()->Value() : 0;
  Runtime::Impl& runtime = event->runtime();
  uint32_t id;
  if (info[2]->IsUint32()) {
    id = info[2].As<v8::Uint32>()->Value();
    if (timers.contains(id)) return;
  } else {
    id = ++runtime.last_timer_id;
  }
  timers.set(id, monotonic_ns() + delay_ms * 1'000'000, {isolate, info[1]});
  event->add_pending();
  info.GetReturnValue().Set(id);
}

// timer_clear(id) -> whether it was there. Of the current event only.
void timer_clear(const Info& info) {
  info.GetReturnValue().Set(false);
  Event* event = current_event(info.GetIsolate());
  if (!event || !event->has_timers() || !info[0]->IsUint32()) return;
  if (!event->timers().clear(info[0].As<v8::Uint32>()->Value())) return;
  event->remove_pending();
  info.GetReturnValue().Set(true);
}

}  // namespace

std::span<const Op> timers_ops() {
  static constexpr Op ops[] = {{"timer_set", timer_set}, {"timer_clear", timer_clear}};
  return ops;
}

}  // namespace skep::api
