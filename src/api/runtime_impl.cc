#include "api/runtime_impl.h"

#include <algorithm>
#include <array>

#include "api/base/values.h"
#include "api/event/report.h"
#include "base/assert.h"
#include "base/limits.h"

namespace skep::api {
namespace {

constexpr std::array<std::string_view, static_cast<size_t>(Hook::count)> kHookNames = {
    "configure",  "set_main",       "dispatch_fetch",      "dispatch_test",    "list_tests",
    "timer_fire", "builtin_module", "unhandled_rejection", "web_socket_event", "load_part"};

// An id is (generation << kSlotBits | slot) + 1 in 30 bits, so that V8 keeps it as a small integer
// and 0 is nobody.
constexpr uint32_t kSlotBits = 14;
constexpr uint32_t kGenerations = 1 << 15;
// Freed slots rest while fewer than this many wait, so that a stale id stays stale for long.
constexpr size_t kRestingSlots = 64;
constexpr size_t kRejectionsKept = 1000;

}  // namespace

// --- EventTable ---

Event* EventTable::make(Runtime::Impl& runtime, std::string_view request_id) {
  uint32_t slot;
  if (free_.size() > kRestingSlots || slots_.size() == kMaxEvents) {
    if (free_.empty()) return nullptr;
    slot = free_.front();
    free_.pop_front();
  } else {
    slot = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  }
  const uint32_t id = (slots_[slot].generation << kSlotBits | slot) + 1;
  slots_[slot].event = std::make_unique<Event>(runtime, id, request_id);
  ++live_;
  return slots_[slot].event.get();
}

void EventTable::remove(Event& event) {
  const uint32_t slot = (event.id() - 1) & ((1 << kSlotBits) - 1);
  SKEP_ASSERT(slots_[slot].event.get() == &event);
  // Out of the table before it is destroyed: its destructor must not find itself.
  std::unique_ptr<Event> owned = std::move(slots_[slot].event);
  slots_[slot].generation = (slots_[slot].generation + 1) % kGenerations;
  free_.push_back(slot);
  --live_;
}

Event* EventTable::find(uint32_t id) const {
  if (id == 0) return nullptr;
  const uint32_t slot = (id - 1) & ((1 << kSlotBits) - 1);
  if (slot >= slots_.size() || !slots_[slot].event || slots_[slot].event->id() != id)
    return nullptr;
  return slots_[slot].event.get();
}

bool Runtime::Impl::has_flag(std::string_view name) const {
  return std::ranges::binary_search(options.compatibility_flags, name);
}

// --- Runtime::Impl ---

Runtime::Impl::Impl(isolate::Tenant& tenant_in, RuntimeHost& host_in, WorkerOptions options_in)
    : tenant(tenant_in),
      host(host_in),
      options(std::move(options_in)),
      make_code_caches([this] { loader->make_code_caches(); }) {
  std::ranges::sort(options.compatibility_flags);  // has_flag is asked at every subrequest
}

Runtime::Impl::~Impl() {
  closing = true;
  *self = nullptr;

  stop_all(Outcome::canceled);
}

void Runtime::Impl::take_hooks(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  if (hooks_taken) return;
  hooks_taken = true;
  v8::Local<v8::Object> table;
  SKEP_ASSERT(context->GetDataFromSnapshotOnce<v8::Object>(0).ToLocal(&table));
  for (size_t i = 0; i < kHookNames.size(); ++i) {
    v8::Local<v8::Value> function;
    SKEP_ASSERT(table->Get(context, js_name(isolate, kHookNames[i])).ToLocal(&function));
    SKEP_ASSERT(function->IsFunction());
    hooks[i].Reset(isolate, function.As<v8::Function>());
  }
}

bool Runtime::Impl::drain(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  v8::TryCatch caught(isolate);
  isolate->PerformMicrotaskCheckpoint();
  while (!rejections.empty() && !caught.HasTerminated()) {
    std::vector<UnhandledRejection> now;
    now.swap(rejections);
    for (UnhandledRejection& rejection : now) {
      v8::HandleScope scope(isolate);
      enter_event(isolate, rejection.event_id);
      v8::Local<v8::Value> argv[3] = {rejection.promise.Get(isolate), rejection.reason.Get(isolate),
                                      v8::Boolean::New(isolate, rejection.handled)};
      v8::Local<v8::Value> handled;
      const bool called = hook(isolate, Hook::unhandled_rejection)
                              ->Call(context, v8::Undefined(isolate), 3, argv)
                              .ToLocal(&handled);
      if (caught.HasTerminated()) return false;
      caught.Reset();
      if (!rejection.handled && (!called || !handled->IsTrue())) {
        report_exception(isolate, context, "unhandledrejection", argv[1]);
      }
    }
    isolate->PerformMicrotaskCheckpoint();
  }
  return !caught.HasTerminated();
}

void Runtime::Impl::on_rejection(v8::PromiseRejectMessage message) {
  v8::Isolate* isolate = tenant.isolate();
  if (message.GetEvent() == v8::kPromiseHandlerAddedAfterReject) {
    const size_t waiting = std::erase_if(rejections, [&](const UnhandledRejection& rejection) {
      return rejection.promise == message.GetPromise();
    });
    // One that the worker has been told of: its handler comes late.
    if (waiting > 0 || rejections.size() >= kRejectionsKept) return;
    rejections.push_back({.promise = {isolate, message.GetPromise()},
                          .reason = {isolate, message.GetPromise()->Result()},
                          .event_id = current_event_id(isolate),
                          .handled = true});
    return;
  }
  if (message.GetEvent() != v8::kPromiseRejectWithNoHandler) return;
  if (rejections.size() >= kRejectionsKept) return;
  rejections.push_back({.promise = {isolate, message.GetPromise()},
                        .reason = {isolate, message.GetValue()},
                        .event_id = current_event_id(isolate)});
}

void Runtime::Impl::report(std::string_view request_id, std::string_view where,
                           const ExceptionReport& report) {
  host.on_exception(request_id, where, report);
}

v8::Local<v8::String> Runtime::Impl::method_string(v8::Isolate* isolate, std::string_view method) {
  static constexpr std::array<std::string_view, 4> kEveryDay = {"GET", "POST", "HEAD", "PUT"};
  for (size_t i = 0; i < kEveryDay.size(); ++i) {
    if (method != kEveryDay[i]) continue;
    if (methods[i].IsEmpty()) methods[i].Reset(isolate, js_name(isolate, method));
    return methods[i].Get(isolate);
  }
  return js_latin1(isolate, method);
}

Outcome Runtime::Impl::stop_outcome() const {
  const isolate::StopReason reason = tenant.stopped_by();
  return reason == isolate::StopReason::none ? Outcome::canceled : outcome_of(reason);
}

void Runtime::Impl::stop_all(Outcome outcome) {
  std::vector<uint32_t> ids;
  events.for_each([&](Event& event) { ids.push_back(event.id()); });
  for (const uint32_t id : ids) {
    if (Event* event = events.find(id)) event->cancel(outcome);
  }
}

void Runtime::Impl::after_job() {
  if (closing) return;
  while (!touched.empty()) {
    const uint32_t id = touched.back();
    touched.pop_back();
    if (Event* event = events.find(id)) event->settle();
  }
  if (code_caches_due && loader && !tenant.busy() && !tenant.condemned()) {
    code_caches_due = false;
    host.loop().defer(make_code_caches);
  }
  if (pending > 0 || events.size() == 0 || tenant.busy()) return;
  if (loader && loader->importing()) return;
  std::vector<uint32_t> ids;
  events.for_each([&](Event& event) {
    if (event.stalled()) ids.push_back(event.id());
  });
  for (const uint32_t id : ids) {
    if (Event* event = events.find(id)) event->hung();
  }
}

Outcome outcome_of(isolate::StopReason reason) {
  switch (reason) {
    case isolate::StopReason::none:
      return Outcome::ok;
    case isolate::StopReason::cpu_limit:
      return Outcome::exceeded_cpu;
    case isolate::StopReason::memory_limit:
      return Outcome::exceeded_memory;
    case isolate::StopReason::shutdown:
      return Outcome::canceled;
  }
  return Outcome::canceled;
}

Runtime::Impl& runtime_of(v8::Isolate* isolate) {
  return Runtime::from(isolate)->impl();
}

}  // namespace skep::api
