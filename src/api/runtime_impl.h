// The inside of a Runtime, for the files of this folder tree: the tenant's events, the JavaScript
// functions that native code calls, the worker's options. One a tenant, owned by it.
#pragma once

#include <v8.h>

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/base/native_states.h"
#include "api/event/event.h"
#include "api/runtime.h"
#include "isolate/modules.h"

namespace skep::api {

struct RpcState;

// Functions of the runtime's JavaScript that native code calls; the names are those that runtime.js
// gives them.
enum class Hook {
  configure,
  set_main,
  dispatch_fetch,
  dispatch_test,
  list_tests,
  timer_fire,
  builtin_module,
  unhandled_rejection,
  web_socket_event,
  load_part,
  count,
};

// Events by id: a slot and its generation, so that a stale id finds nothing. Slots are reused in
// the order they were freed, which makes a generation last.
class EventTable {
 public:
  static constexpr size_t kMaxEvents = 1 << 14;
  // 0 when the table is full.
  Event* make(Runtime::Impl& runtime, std::string_view request_id);
  void remove(Event& event);
  Event* find(uint32_t id) const;
  size_t size() const { return live_; }
  template <typename F>
  void for_each(F&& visit) {
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].event) visit(*slots_[i].event);
    }
  }

 private:
  struct Slot {
    std::unique_ptr<Event> event;
    uint32_t generation = 0;
  };
  std::vector<Slot> slots_;
  std::deque<uint32_t> free_;
  size_t live_ = 0;
};

struct UnhandledRejection {
  v8::Global<v8::Promise> promise;
  v8::Global<v8::Value> reason;
  uint32_t event_id = 0;
  bool handled = false;  // after all, and after the worker had been told of it
};

struct Runtime::Impl {
  Impl(isolate::Tenant& tenant_in, RuntimeHost& host_in, WorkerOptions options_in);
  ~Impl();

  v8::Local<v8::Function> hook(v8::Isolate* isolate, Hook which) const {
    return hooks[static_cast<size_t>(which)].Get(isolate);
  }
  // A compatibility flag is in effect.
  bool has_flag(std::string_view name) const;
  // Takes the functions out of the snapshot; once, in the first job.
  void take_hooks(v8::Isolate* isolate, v8::Local<v8::Context> context);
  // Ends a job's JavaScript: microtasks, then rejections that nobody handled. False when it was
  // terminated: nothing more may run in this job.
  bool drain(v8::Isolate* isolate, v8::Local<v8::Context> context);
  void on_rejection(v8::PromiseRejectMessage message);
  void report(std::string_view request_id, std::string_view where, const ExceptionReport& report);
  // A method's name; those of every day are made once.
  v8::Local<v8::String> method_string(v8::Isolate* isolate, std::string_view method);
  // Why the tenant takes no jobs, as an outcome.
  Outcome stop_outcome() const;
  // Ends all events by force (loop).
  void stop_all(Outcome outcome);
  // After a job, on the loop's stack: settles events that it changed although it was not theirs,
  // and ends those that nothing can wake any more.
  void after_job();

  isolate::Tenant& tenant;
  // For those that may outlive it: null then.
  const std::shared_ptr<Impl*> self = std::make_shared<Impl*>(this);
  std::shared_ptr<RpcState> rpc;  // of the part rpc/rpc, once it is loaded
  RuntimeHost& host;
  WorkerOptions options;
  v8::Global<v8::Function> hooks[static_cast<size_t>(Hook::count)];
  bool hooks_taken = false;
  v8::Global<v8::String> methods[4];
  EventTable events;
  size_t pending = 0;         // operations of all events that will call back
  size_t web_sockets = 0;     // of clients, open
  size_t unsent_bytes = 0;    // of all WebSockets, waiting for the peer to read
  size_t buffered_bytes = 0;  // of request bodies that JavaScript waits for whole
  std::vector<UnhandledRejection> rejections;
  std::vector<uint32_t> touched;  // events to settle after the job
  std::string scratch;            // header text on its way to a channel
  std::vector<net::Header> scratch_headers;
  uint32_t last_timer_id = 0;
  std::unordered_map<uint32_t, Resource*> resources;  // of all events, by id
  uint32_t last_resource_id = 0;
  NativeStates native_states;
  bool closing = false;  // being destroyed: events end, nothing new begins
  isolate::CpuMeter startup_meter;
  std::unique_ptr<isolate::ModuleLoader> loader;
  // Code caches are made when the first event is over and the loop comes round.
  bool code_caches_due = true;
  loop::Deferred make_code_caches;
};

Outcome outcome_of(isolate::StopReason reason);

Runtime::Impl& runtime_of(v8::Isolate* isolate);

// Sets the event that the code run next belongs to; 0: none.
void enter_event(v8::Isolate* isolate, uint32_t id);

}  // namespace skep::api
