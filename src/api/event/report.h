// From a thrown value to what the log shows. See isolate/stack_trace.h for source maps and frames.
#pragma once

#include <v8.h>

#include <string_view>

#include "api/runtime.h"
#include "isolate/stack_trace.h"
#include "isolate/tenant.h"

namespace skep::api {

ExceptionReport to_report(isolate::StackReport report);
// What there is to say of a load or an event that a limit ended.
ExceptionReport stopped_report(isolate::StopReason reason);
// Describes a thrown value; runs no getter or method of the user's.
ExceptionReport make_report(v8::Isolate* isolate, v8::Local<v8::Context> context,
                            v8::Local<v8::Value> thrown);
// An exception that nobody caught, of the current event: to the log.
void report_exception(v8::Isolate* isolate, v8::Local<v8::Context> context, std::string_view where,
                      v8::Local<v8::Value> thrown);

}  // namespace skep::api
