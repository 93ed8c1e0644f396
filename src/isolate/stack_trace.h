// From a thrown value to what a log or an error page shows: message, frames, position, source line,
// with source maps applied where a module has one. Inside a job.
#pragma once

#include <v8.h>

#include <cstdint>
#include <string>

namespace skep::isolate {

struct StackReport {
  std::string message;      // "TypeError: x is not a function"
  std::string stack;        // lines "    at f (src/index.ts:3:5)", without the message line
  std::string file;         // of the topmost frame of the user's; empty: unknown
  uint32_t line = 0;        // 1-based; 0: unknown
  uint32_t column = 0;      // 1-based
  std::string source_line;  // the line of that position, for a code frame; empty: unknown
};

// Scripts whose name begins so are the runtime's own: their frames are left out.
inline constexpr const char* kInternalScriptPrefix = "skep:";

// Describes a thrown value; runs no getter or method of the user's. `message`: of the TryCatch that
// caught it, where there is one (a syntax error's position is known to it alone).
StackReport describe(v8::Isolate* isolate, v8::Local<v8::Context> context,
                     v8::Local<v8::Value> exception, v8::Local<v8::Message> message = {});

}  // namespace skep::isolate
