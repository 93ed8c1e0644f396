#include "api/rpc/answer.h"

#include "api/base/values.h"
#include "api/event/errors.h"
#include "api/event/report.h"
#include "api/rpc/service.h"
#include "api/rpc/values.h"
#include "api/runtime_impl.h"

namespace skep::api {
namespace {

// Why the event gave no answer.
void fail_by(Call& call, const EventResult& result) {
  switch (result.outcome) {
    case Outcome::exceeded_cpu:
      return call.fail("Error", kExceededCpu);
    case Outcome::exceeded_memory:
      return call.fail("Error", kExceededMemory);
    case Outcome::exception:  // ctx.abort()
      return call.fail({}, result.exception.message);
    default:
      return call.fail("Error", kCalleeCanceledMessage);
  }
}

v8::Local<v8::Value> path_of(v8::Isolate* isolate, const Call& call) {
  v8::LocalVector<v8::Value> names(isolate);
  for (const std::string& name : call.path) names.push_back(js_text(isolate, name));
  return v8::Array::New(isolate, names.data(), names.size());
}

// The arguments; undefined where a property is asked for.
v8::MaybeLocal<v8::Value> arguments_of(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                       const Call& call) {
  if (call.operation == Operation::get) return v8::Undefined(isolate);
  return read_message(isolate, context, call.arguments);
}

// The call that begins an event.
class CallStart final : public EventStart, private Callee {
 public:
  CallStart(Runtime::Impl& runtime, std::shared_ptr<Call> call, const EntryChoice& entry)
      : runtime_(runtime), call_(std::move(call)), entry_(entry), abandoned_([this] {
          if (event_) event_->starter_gone();
        }) {
    call_->set_callee(this);
  }
  ~CallStart() override { call_->set_callee(nullptr); }

  void attach(Event& event) { event_ = &event; }

  bool run(Event& event, v8::Isolate* isolate, v8::Local<v8::Context> context) override {
    v8::TryCatch caught(isolate);
    v8::Local<v8::Value> ignored, props, arguments;
    if (!entry_props(isolate, context, entry_).ToLocal(&props) ||
        !arguments_of(isolate, context, *call_).ToLocal(&arguments)) {
      return failed(event, isolate, context, caught);
    }
    call_->arguments = {};
    const Resource& open = event.adopt(std::make_unique<OpenCall>(event, call_, true));
    v8::Local<v8::Value> argv[] = {v8::Integer::NewFromUnsigned(isolate, event.id()),
                                   v8::Integer::NewFromUnsigned(isolate, open.id()),
                                   js_text(isolate, entry_.name),
                                   props,
                                   path_of(isolate, *call_),
                                   arguments};
    if (call_rpc(isolate, context, RpcFunction::dispatch, argv).ToLocal(&ignored)) return true;
    return failed(event, isolate, context, caught);
  }
  std::string_view where() const override { return "rpc"; }
  bool wanted() const override { return !call_->caller_life.expired(); }
  void ended(const EventResult& result) override {
    event_ = nullptr;
    if (!call_->answered()) fail_by(*call_, result);
  }

 private:
  void abandoned() override { runtime_.host.loop().defer(abandoned_); }

  bool failed(Event& event, v8::Isolate* isolate, v8::Local<v8::Context> context,
              v8::TryCatch& caught) {
    if (caught.HasTerminated() || !caught.HasCaught()) return false;
    ExceptionReport report = make_report(isolate, context, caught.Exception());
    call_->fail("Error", report.message);
    event.fail(std::move(report));
    return true;
  }

  Runtime::Impl& runtime_;
  const std::shared_ptr<Call> call_;
  const EntryChoice entry_;
  Event* event_ = nullptr;
  loop::Deferred abandoned_;
};

void start_event(Runtime& runtime, std::shared_ptr<Call> call, const EntryChoice& entry) {
  auto start = std::make_unique<CallStart>(runtime.impl(), call, entry);
  CallStart& started = *start;
  const unsigned depth = call->depth;
  const std::string request_id = call->request_id;
  // The event cannot be over before attach: its first job runs at once at the earliest in start().
  Event* event = runtime.make_event(request_id);
  if (event) {
    event->depth = depth;
    started.attach(*event);
    if (runtime.start(*event, std::move(start))) return;
  }
  call->fail("Error", "The Worker that was called takes no more events.");
}

}  // namespace

OpenCall::OpenCall(Event& event, std::shared_ptr<Call> open, bool starts_event)
    : Resource(event, Kind::rpc_answer), call(std::move(open)), starts_event_(starts_event) {}

OpenCall::~OpenCall() {
  if (!starts_event_ && !call->answered()) fail_by(*call, event().result());
}

bool dispatch_to_export(Event& event, v8::Isolate* isolate, v8::Local<v8::Context> context,
                        v8::Local<v8::Value> target, std::shared_ptr<Call> call) {
  v8::HandleScope scope(isolate);
  v8::TryCatch caught(isolate);
  v8::Local<v8::Value> arguments, ignored;
  if (arguments_of(isolate, context, *call).ToLocal(&arguments)) {
    call->arguments = {};
    const Resource& open = event.adopt(std::make_unique<OpenCall>(event, call, false));
    v8::Local<v8::Value> argv[] = {v8::Integer::NewFromUnsigned(isolate, open.id()), target,
                                   path_of(isolate, *call), arguments};
    if (call_rpc(isolate, context, RpcFunction::dispatch_export, argv).ToLocal(&ignored)) {
      return true;
    }
  }
  if (caught.HasTerminated()) return false;
  call->fail("Error", caught.HasCaught() ? make_report(isolate, context, caught.Exception()).message
                                         : "The arguments could not be read.");
  return true;
}

void EntrypointCapability::call(std::shared_ptr<Call> call) {
  service->acquire([call, entry = entry](std::expected<Runtime*, std::string> runtime) {
    if (call->abandoned()) return;
    if (!runtime) return call->fail("Error", runtime.error());
    start_event(**runtime, call, entry);
  });
}

}  // namespace skep::api
