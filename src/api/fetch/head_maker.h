// Heads out of JavaScript's flat lists [lower, value, name, ...]: of a response to the client, of a
// request to an origin. For this folder's ops.
#pragma once

#include <v8.h>

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "api/base/values.h"
#include "api/runtime_impl.h"

namespace skep::api {

// The types that a body itself gives its response; index as in fetch/body.js.
inline constexpr std::array<std::string_view, 3> kBodyTypes = {
    "", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded;charset=UTF-8"};

// The values of a header combined; JavaScript's null when it is not there. Empty: V8 threw.
v8::MaybeLocal<v8::Value> combined_header(v8::Isolate* isolate,
                                          std::span<const net::Header> headers,
                                          std::string_view lower_name);
v8::Local<v8::Array> flat_headers(v8::Isolate* isolate, std::span<const net::Header> headers);

// Text goes into the runtime's scratch buffer, which is valid until the next head is made.
class HeadMaker {
 public:
  HeadMaker(Runtime::Impl& runtime, v8::Isolate* isolate) : runtime_(runtime), isolate_(isolate) {
    runtime_.scratch.clear();
    runtime_.scratch_headers.clear();
  }

  bool add_list(v8::Local<v8::Context> context, v8::Local<v8::Value> list) {
    if (!list->IsArray()) return true;
    auto array = list.As<v8::Array>();
    if (array->Iterate(context, &HeadMaker::visit, this).IsNothing()) return false;
    return ends_.size() % 3 == 0;
  }

  std::vector<net::Header>& headers() {
    auto& headers = runtime_.scratch_headers;
    const std::string_view text = runtime_.scratch;
    for (size_t i = 0; i + 2 < ends_.size(); i += 3) {
      const size_t start = ends_[i], value_end = ends_[i + 1], name_end = ends_[i + 2];
      headers.push_back({.name = text.substr(value_end, name_end - value_end),
                         .value = text.substr(start, value_end - start)});
    }
    return headers;
  }

  net::ResponseHead head(int status, std::string_view status_text, uint32_t type) {
    auto& list = headers();
    if (type > 0 && type < kBodyTypes.size()) {
      list.push_back({.name = "Content-Type", .value = kBodyTypes[type]});
    }
    return {.status = status, .status_text = status_text, .headers = list};
  }

 private:
  static v8::Array::CallbackResult visit(uint32_t index, v8::Local<v8::Value> element, void* data) {
    auto* self = static_cast<HeadMaker*>(data);
    // The lower-case name is for JavaScript alone.
    if (index % 3 != 0 && element->IsString()) {
      append_utf8(self->isolate_, element.As<v8::String>(), self->runtime_.scratch);
    }
    self->ends_.push_back(self->runtime_.scratch.size());
    return v8::Array::CallbackResult::kContinue;
  }

  Runtime::Impl& runtime_;
  v8::Isolate* isolate_;
  std::vector<size_t> ends_;
};

}  // namespace skep::api
