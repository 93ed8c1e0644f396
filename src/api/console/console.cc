// Where console's text leaves for the log, with the request that it belongs to.
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

}  // namespace

std::span<const Op> console_ops() {
  static constexpr Op ops[] = {{"console_emit", console_emit}};
  return ops;
}

}  // namespace skep::api
