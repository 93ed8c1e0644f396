#include "api/event/timers.h"

#include "api/event/event.h"

namespace skep::api {

Timers::Timers(loop::Loop& loop, Event& event)
    : timer(loop, [&event] { event.timers_due(); }), deadline(loop, [&event] { event.deadline(); }) {}

void Timers::set(uint32_t id, int64_t due_ns) {
  by_due.insert({due_ns, id});
  due_of[id] = due_ns;
}

bool Timers::clear(uint32_t id) {
  auto found = due_of.find(id);
  if (found == due_of.end()) return false;
  by_due.erase({found->second, id});
  due_of.erase(found);
  return true;
}

uint32_t Timers::take_due(int64_t now_ns) {
  if (by_due.empty() || by_due.begin()->first > now_ns) return 0;
  const uint32_t id = by_due.begin()->second;
  by_due.erase(by_due.begin());
  due_of.erase(id);
  return id;
}

void Timers::arm() {
  if (by_due.empty()) {
    timer.cancel();
  } else {
    timer.set_at_ns(by_due.begin()->first);
  }
}

}  // namespace skep::api
