#include "api/event/report.h"

#include "api/base/values.h"
#include "api/event/event.h"
#include "api/runtime_impl.h"

namespace skep::api {

ExceptionReport to_report(isolate::StackReport report) {
  return {.message = std::move(report.message),
          .stack = std::move(report.stack),
          .file = std::move(report.file),
          .line = report.line,
          .column = report.column,
          .source_line = std::move(report.source_line)};
}

ExceptionReport make_report(v8::Isolate* isolate, v8::Local<v8::Context> context,
                            v8::Local<v8::Value> thrown) {
  return to_report(isolate::describe(isolate, context, thrown));
}

void report_exception(v8::Isolate* isolate, v8::Local<v8::Context> context, std::string_view where,
                      v8::Local<v8::Value> thrown) {
  const ExceptionReport report = make_report(isolate, context, thrown);
  Event* event = current_event(isolate);
  if (Runtime* runtime = Runtime::from(isolate)) {
    runtime->impl().report(event ? event->request_id() : "", where, report);
  }
}

}  // namespace skep::api
