#include "api/event/scheduled.h"

#include <memory>
#include <utility>

#include "api/base/values.h"
#include "api/event/event.h"
#include "api/event/report.h"
#include "api/runtime_impl.h"
#include "base/limits_cron.h"

namespace skep::api {
namespace {

class ScheduledStart final : public EventStart {
 public:
  ScheduledStart(Runtime::Impl& runtime, std::string_view cron, double time_ms,
                 std::function<void(const EventResult&)> done)
      : runtime_(runtime), cron_(cron), time_ms_(time_ms), done_(std::move(done)) {}

  bool run(Event& event, v8::Isolate* isolate, v8::Local<v8::Context> context) override {
    v8::TryCatch caught(isolate);
    v8::Local<v8::Value> argv[] = {v8::Integer::NewFromUnsigned(isolate, event.id()),
                                   v8::Number::New(isolate, time_ms_), js_text(isolate, cron_)};
    v8::Local<v8::Value> dispatch, ignored;
    if (find_dispatch(isolate, context).ToLocal(&dispatch) && dispatch->IsFunction() &&
        dispatch.As<v8::Function>()
            ->Call(context, v8::Undefined(isolate), 3, argv)
            .ToLocal(&ignored)) {
      return true;
    }
    if (caught.HasTerminated() || !caught.HasCaught()) return false;
    event.fail(make_report(isolate, context, caught.Exception()));
    return true;
  }
  std::string_view where() const override { return "scheduled"; }
  int64_t wait_until_ms() const override { return limits::kScheduledWallMs; }
  void ended(const EventResult& result) override { done_(result); }

 private:
  // The part event/scheduled, loaded when it is first needed.
  v8::MaybeLocal<v8::Value> find_dispatch(v8::Isolate* isolate, v8::Local<v8::Context> context) {
    v8::Local<v8::Value> argv[] = {js_text(isolate, "event/scheduled")}, part;
    if (!runtime_.hook(isolate, Hook::load_part)
             ->Call(context, v8::Undefined(isolate), 1, argv)
             .ToLocal(&part)) {
      return {};
    }
    return part.As<v8::Object>()->Get(context, js_text(isolate, "dispatch_scheduled"));
  }

  Runtime::Impl& runtime_;
  const std::string cron_;
  const double time_ms_;
  const std::function<void(const EventResult&)> done_;
};

}  // namespace

Event* start_scheduled(Runtime& runtime, std::string_view cron, double time_ms,
                       std::string_view request_id, std::function<void(const EventResult&)> done) {
  Event* event = runtime.make_event(request_id);
  if (event == nullptr) return nullptr;
  auto start = std::make_unique<ScheduledStart>(runtime.impl(), cron, time_ms, std::move(done));
  return runtime.start(*event, std::move(start)) ? event : nullptr;
}

}  // namespace skep::api
