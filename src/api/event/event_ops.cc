// What the runtime's JavaScript may do to events: answer, read and write bodies, hold the event
// open. Ids that come from JavaScript are checked here: they must be of a live event, and where the
// contract says so of the current one.
#include "api/base/ops.h"
#include "api/base/values.h"
#include "api/event/errors.h"
#include "api/event/event.h"
#include "api/event/report.h"
#include "api/runtime_impl.h"
#include "base/limits.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

uint32_t id_argument(const Info& info, int index) {
  return info[index]->IsUint32() ? info[index].As<v8::Uint32>()->Value() : 0;
}

Event* event_argument(const Info& info, int index) {
  return find_event(info.GetIsolate(), id_argument(info, index));
}

// event_current() -> id, 0 at top level
void event_current(const Info& info) {
  info.GetReturnValue().Set(current_event_id(info.GetIsolate()));
}

// event_require(): throws Workers' error at top level or after the end
void event_require(const Info& info) {
  require_event(info.GetIsolate());
}

// event_require_own(id)
void event_require_own(const Info& info) {
  require_own_event(info.GetIsolate(), id_argument(info, 0));
}

// event_wait(): one more waitUntil promise of the current event; its id
void event_wait(const Info& info) {
  Event* event = require_event(info.GetIsolate());
  if (!event) return;
  event->add_wait();
  info.GetReturnValue().Set(event->id());
}

// event_wait_done(id): one less
void event_wait_done(const Info& info) {
  if (Event* event = event_argument(info, 0)) event->remove_wait();
}

// event_pass_through(id)
void event_pass_through(const Info& info) {
  if (Event* event = event_argument(info, 0)) event->pass_through_on_exception();
}

// event_fail(id, error): the handler threw
void event_fail(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  const uint32_t id = id_argument(info, 0);
  ExceptionReport report = make_report(isolate, context, info[1]);
  // Looked up after the report: making it may run JavaScript.
  if (Event* event = find_event(isolate, id)) event->fail(std::move(report));
}

// event_abort(id, reason): the invocation ends here, with that reason
void event_abort(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const uint32_t id = id_argument(info, 0);
  ExceptionReport report = make_report(isolate, isolate->GetCurrentContext(), info[1]);
  if (Event* event = find_event(isolate, id)) event->abort(std::move(report));
}

// event_handler_done(id): a handler without a response is through
void event_handler_done(const Info& info) {
  if (Event* event = event_argument(info, 0)) event->handler_done();
}

// event_report(where, error): an exception that nobody caught
void event_report(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  report_exception(isolate, isolate->GetCurrentContext(), to_utf8(isolate, info[0]), info[1]);
}

// event_peek(promise) -> the value of a fulfilled one, undefined for any other. Lets a handler that
// is async in name only answer without a turn of the microtask queue.
void event_peek(const Info& info) {
  if (!info[0]->IsPromise()) return;
  auto promise = info[0].As<v8::Promise>();
  if (promise->State() == v8::Promise::kFulfilled) info.GetReturnValue().Set(promise->Result());
}

// event_client_gone(id) -> promise; undefined where no client is left, or it was asked before
void event_client_gone(const Info& info) {
  Event* event = event_argument(info, 0);
  v8::Local<v8::Promise> promise;
  if (event && event->when_client_gone(info.GetIsolate()->GetCurrentContext()).ToLocal(&promise)) {
    info.GetReturnValue().Set(promise);
  }
}

}  // namespace

std::span<const Op> event_ops() {
  static constexpr Op ops[] = {
      {"event_current", event_current},
      {"event_require", event_require},
      {"event_require_own", event_require_own},
      {"event_wait", event_wait},
      {"event_wait_done", event_wait_done},
      {"event_pass_through", event_pass_through},
      {"event_fail", event_fail},
      {"event_abort", event_abort},
      {"event_handler_done", event_handler_done},
      {"event_report", event_report},
      {"event_peek", event_peek},
      {"event_client_gone", event_client_gone},
  };
  return ops;
}

}  // namespace skep::api
