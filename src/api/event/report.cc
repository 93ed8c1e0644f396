#include "api/event/report.h"

#include "api/base/values.h"
#include "api/event/event.h"
#include "api/runtime_impl.h"

namespace skep::api {

ExceptionReport make_report(v8::Isolate* isolate, v8::Local<v8::Context> context,
                            v8::Local<v8::Value> thrown) {
  v8::TryCatch caught(isolate);
  ExceptionReport report;
  v8::Local<v8::String> text;
  if (thrown->ToDetailString(context).ToLocal(&text)) report.message = to_utf8(isolate, text);
  v8::Local<v8::Value> stack;
  if (thrown->IsNativeError() &&
      thrown.As<v8::Object>()->Get(context, js_name(isolate, "stack")).ToLocal(&stack)) {
    report.stack = to_utf8(isolate, stack);
  }
  return report;
}

void report_exception(v8::Isolate* isolate, v8::Local<v8::Context> context, std::string_view where,
                      v8::Local<v8::Value> thrown) {
  const ExceptionReport report = make_report(isolate, context, thrown);
  Event* event = current_event(isolate);
  runtime_of(isolate).report(event ? event->request_id() : "", where, report);
}

}  // namespace skep::api
