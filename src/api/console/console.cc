// Where console's text leaves for the log, with the request that it belongs to; and what inspection
// cannot find out in JavaScript.
#include "api/base/ops.h"
#include "api/base/values.h"
#include "api/event/event.h"
#include "api/runtime_impl.h"
#include "base/limits.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

// console_emit(level, text): level as ConsoleLevel
void console_emit(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  Runtime* runtime = Runtime::from(isolate);
  if (!runtime || !info[0]->IsUint32()) return;
  const uint32_t level = info[0].As<v8::Uint32>()->Value();
  if (level > static_cast<uint32_t>(ConsoleLevel::error)) return;
  std::string text = to_utf8(isolate, info[1]);
  if (text.size() > limits::kLogMessageBytes) {
    size_t end = limits::kLogMessageBytes;
    while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
    text.resize(end);
    text += "… (cut)";
  }
  Event* event = current_event(isolate);
  runtime->impl().host.on_console(event ? event->request_id() : "",
                                  static_cast<ConsoleLevel>(level), std::move(text));
}

// console_promise(promise) -> [state, result]: state 0 pending, 1 fulfilled, 2 rejected
void console_promise(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  if (!info[0]->IsPromise()) return;
  auto promise = info[0].As<v8::Promise>();
  const auto state = promise->State();
  v8::Local<v8::Value> pair[2] = {v8::Integer::New(isolate, static_cast<int>(state)),
                                  v8::Undefined(isolate)};
  if (state != v8::Promise::kPending) pair[1] = promise->Result();
  info.GetReturnValue().Set(v8::Array::New(isolate, pair, 2));
}

// console_is_error(value) -> boolean
void console_is_error(const Info& info) {
  info.GetReturnValue().Set(info[0]->IsNativeError());
}

// console_is_proxy(value) -> boolean: a proxy is not looked into, its traps are the user's
void console_is_proxy(const Info& info) {
  info.GetReturnValue().Set(info[0]->IsProxy());
}

}  // namespace

std::span<const Op> console_ops() {
  static constexpr Op ops[] = {{"console_emit", console_emit},
                               {"console_promise", console_promise},
                               {"console_is_error", console_is_error},
                               {"console_is_proxy", console_is_proxy}};
  return ops;
}

}  // namespace skep::api
