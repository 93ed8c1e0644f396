// What a client gets when a Worker gave no answer: in service a short plain body with the number
// that Workers' users know (1101: exception, 1102: over a limit), in dev a page with the stack.
#pragma once

#include <string>
#include <string_view>

#include "api/runtime.h"

namespace skep::shard {

struct ErrorPage {
  int status;
  std::string content_type;
  std::string body;
};

// For an event that failed. `html`: the client accepts text/html (only dev makes use of it).
ErrorPage error_page(const api::EventResult& result, bool dev, bool html);

// For a worker that could not be loaded: `message` is the broker's or the compiler's.
ErrorPage load_error_page(const api::ExceptionReport& report, bool dev, bool html);

// The code frame of a report: the source line with a caret, "" when there is no line.
std::string code_frame(const api::ExceptionReport& report);

}  // namespace skep::shard
