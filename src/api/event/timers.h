// The timers of one event: those that its JavaScript set, and the deadlines that the runtime sets.
// Owned by the Event, made on first use; on the loop's thread.
#pragma once

#include <v8.h>

#include <cstdint>
#include <set>
#include <unordered_map>
#include <utility>

#include "loop/loop.h"

namespace skep::api {

class Event;

struct Timers {
  Timers(loop::Loop& loop, Event& event);

  // Sets a timer; ids are unique in the isolate (the caller counts them). `callback` is
  // JavaScript's.
  void set(uint32_t id, int64_t due_ns, v8::Global<v8::Value> callback);
  bool clear(uint32_t id);
  bool contains(uint32_t id) const { return entries.contains(id); }
  size_t size() const { return by_due.size(); }
  // Takes the first timer that is due at now_ns; empty: none.
  v8::Local<v8::Value> take_due(v8::Isolate* isolate, int64_t now_ns);
  // Arms the loop's timer for the first one (on the loop's stack).
  void arm();

  std::set<std::pair<int64_t, uint32_t>> by_due;
  struct Entry {
    int64_t due_ns;
    v8::Global<v8::Value> callback;
  };
  std::unordered_map<uint32_t, Entry> entries;
  loop::Timer timer;
  loop::Timer deadline;
};

}  // namespace skep::api
