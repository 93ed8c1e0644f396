#include "api/runtime.h"

#include <utility>

#include "api/base/values.h"
#include "api/runtime_impl.h"
#include "api/websocket/socket.h"
#include "base/assert.h"
#include "base/limits.h"

namespace skep::api {

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok:
      return "ok";
    case Outcome::exception:
      return "exception";
    case Outcome::exceeded_cpu:
      return "exceededCpu";
    case Outcome::exceeded_memory:
      return "exceededMemory";
    case Outcome::canceled:
      return "canceled";
    case Outcome::script_not_found:
      return "scriptNotFound";
  }
  return "unknown";
}

Runtime::Runtime(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Runtime::~Runtime() = default;

Runtime& Runtime::attach(isolate::Tenant& tenant, RuntimeHost& host, WorkerOptions options) {
  auto runtime = std::unique_ptr<Runtime>(
      new Runtime(std::make_unique<Impl>(tenant, host, std::move(options))));
  Runtime& result = *runtime;
  tenant.attach(std::move(runtime));
  tenant.isolate()->SetPromiseRejectCallback([](v8::PromiseRejectMessage message) {
    runtime_of(v8::Isolate::GetCurrent()).on_rejection(message);
  });
  return result;
}

Runtime* Runtime::from(v8::Isolate* isolate) {
  isolate::Tenant* tenant = isolate::Tenant::from(isolate);
  return tenant ? static_cast<Runtime*>(tenant->attachment()) : nullptr;
}

Event* Runtime::make_event(std::string_view request_id) {
  Impl& impl = *impl_;
  if (impl.tenant.condemned() || requests_in_flight() >= limits::kRequestsInFlightPerIsolate) {
    return nullptr;
  }
  return impl.events.make(impl, request_id);
}

bool Runtime::start(Event& event, std::unique_ptr<EventStart> start) {
  if (event.start_with(std::move(start))) return true;
  impl_->events.remove(event);
  return false;
}

Event* Runtime::fetch(FetchChannel& channel, EventObserver& observer, std::string_view request_id,
                      const EntryChoice* entry, unsigned depth) {
  Impl& impl = *impl_;
  Event* event = make_event(request_id);
  if (!event) return nullptr;
  event->depth = depth;
  if (entry) event->entry = std::make_unique<EntryChoice>(*entry);
  if (event->start_fetch(channel, observer)) return event;
  channel.set_events(nullptr);
  impl.events.remove(*event);
  return nullptr;
}

void Runtime::client_gone(Event& event) {
  event.client_gone();
}

void Runtime::cancel(Event& event) {
  event.cancel(Outcome::canceled);
}

size_t Runtime::requests_in_flight() const {
  return impl_->events.size() - impl_->web_sockets;
}

void Runtime::close_web_sockets(uint16_t code, std::string_view reason) {
  std::vector<uint32_t> ids;
  for (const auto& [id, resource] : impl_->resources) {
    if (resource->kind() == Resource::Kind::web_socket) ids.push_back(id);
  }
  for (const uint32_t id : ids) {
    const auto found = impl_->resources.find(id);
    if (found == impl_->resources.end()) continue;
    static_cast<WebSocketResource*>(found->second)->shut(code, reason);
  }
}

size_t Runtime::events_in_flight() const {
  return impl_->events.size();
}

// --- test() ---

namespace {

// Runs the tests of a worker one after the other; deletes itself after the last.
class TestRun final : public isolate::Job {
 public:
  TestRun(Runtime::Impl& runtime, std::function<void(const TestResult&)> each,
          std::function<void()> done)
      : runtime_(runtime), each_(std::move(each)), done_(std::move(done)) {}

  void run(v8::Isolate* isolate, v8::Local<v8::Context> context) override {
    runtime_.take_hooks(isolate, context);
    v8::Local<v8::Value> list;
    if (!runtime_.hook(isolate, Hook::list_tests)
             ->Call(context, v8::Undefined(isolate), 0, nullptr)
             .ToLocal(&list)) {
      return;
    }
    auto names = list.As<v8::Array>();
    for (uint32_t i = 0; i < names->Length(); ++i) {
      v8::Local<v8::Value> name;
      if (names->Get(context, i).ToLocal(&name)) names_.push_back(to_utf8(isolate, name));
    }
  }

  void done(isolate::StopReason) override { next(); }
  isolate::CpuMeter* meter() override { return nullptr; }

 private:
  void next() {
    if (at_ == names_.size()) return finish();
    Event* event =
        runtime_.tenant.condemned() ? nullptr : runtime_.events.make(runtime_, names_[at_]);
    if (!event) return stopped();
    auto on_end = [this](const EventResult& result) {
      const bool ok = result.outcome == Outcome::ok;
      each_({.name = names_[at_],
             .ok = ok,
             .message = ok ? "" : message_of(result),
             .stack = result.exception.stack});
      ++at_;
      // Not from within the end of the event: a thousand tests would be a thousand frames deep.
      runtime_.host.loop().post([this] { next(); });
    };
    if (event->start_test(static_cast<uint32_t>(at_), on_end)) return;
    runtime_.events.remove(*event);
    stopped();
  }

  static std::string message_of(const EventResult& result) {
    if (!result.exception.message.empty()) return result.exception.message;
    return std::string(outcome_name(result.outcome));
  }

  void stopped() {
    for (; at_ < names_.size(); ++at_) {
      each_({.name = names_[at_],
             .ok = false,
             .message = std::string(outcome_name(runtime_.stop_outcome())),
             .stack = ""});
    }
    finish();
  }

  void finish() {
    auto done = std::move(done_);
    delete this;
    done();
  }

  Runtime::Impl& runtime_;
  std::function<void(const TestResult&)> each_;
  std::function<void()> done_;
  std::vector<std::string> names_;
  size_t at_ = 0;
};

}  // namespace

void Runtime::test(std::function<void(const TestResult&)> each, std::function<void()> done) {
  auto* run = new TestRun(*impl_, std::move(each), std::move(done));
  if (!impl_->tenant.run(*run)) run->done(isolate::StopReason::shutdown);
}

}  // namespace skep::api
