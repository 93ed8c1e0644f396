#include "api/event/timers.h"

#include "api/event/event.h"

namespace skep::api {

Timers::Timers(loop::Loop& loop, Event& event)
    : timer(loop, [&event] { event.timers_due(); }),
      deadline(loop, [&event] { event.deadline(); }) {}

void Timers::set(uint32_t id, int64_t due_ns, v8::Global<v8::Value> callback) {
  by_due.insert({due_ns, id});
  entries[id] = {due_ns, std::move(callback)};
}

bool Timers::clear(uint32_t id) {
  auto found = entries.find(id);
  if (found == entries.end()) return false;
  by_due.erase({found->second.due_ns, id});
  entries.erase(found);
  return true;
}

v8::Local<v8::Value> Timers::take_due(v8::Isolate* isolate, int64_t now_ns) {
  if (by_due.empty() || by_due.begin()->first > now_ns) return {};
  auto found = entries.find(by_due.begin()->second);
  v8::Local<v8::Value> callback = found->second.callback.Get(isolate);
  by_due.erase(by_due.begin());
  entries.erase(found);
  return callback;
}

void Timers::arm() {
  if (by_due.empty()) {
    timer.cancel();
  } else {
    timer.set_at_ns(by_due.begin()->first);
  }
}

}  // namespace skep::api
