// The incoming body of an event: pulled from the channel when JavaScript (or the response, where it
// passes the body on) wants it.
#include <cstring>

#include "api/base/values.h"
#include "api/event/errors.h"
#include "api/event/event.h"
#include "api/runtime_impl.h"
#include "base/limits.h"

namespace skep::api {

v8::MaybeLocal<v8::Promise> Event::read_body(v8::Local<v8::Context> context, BodyRead read) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  if (body_ == Body::reading || body_ == Body::passing) {
    throw_type_error(isolate, "This ReadableStream is currently locked to a reader.");
    return {};
  }
  auto resolver = v8::Promise::Resolver::New(context).ToLocalChecked();
  if (body_ == Body::dropped) {
    (void)resolver->Reject(context, v8::Exception::TypeError(js_text(isolate, kConnectionLost)));
    return resolver->GetPromise();
  }
  if (body_ != Body::none && response_started_ && !response_open_) {
    (void)resolver->Reject(context,
                           v8::Exception::TypeError(js_text(isolate, kBodyAfterResponseMessage)));
    return resolver->GetPromise();
  }
  body_resolver_.Reset(isolate, resolver);
  body_read_ = read;
  if (body_ == Body::none || body_end_) {
    settle_body(isolate, context);
  } else {
    body_ = Body::reading;
    body_bytes_.clear();
    add_pending();
    pull_ = true;  // the channel may call back at once, so it is asked after the job
  }
  return resolver->GetPromise();
}

void Event::drop_body() {
  if (body_ == Body::reading) return;  // its promise still gets its answer
  if (body_ == Body::idle) body_ = Body::dropped;
}

v8::MaybeLocal<v8::Value> body_value(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                     BodyRead read, std::string_view bytes) {
  switch (read) {
    case BodyRead::chunk:
      return v8::Boolean::New(isolate, !bytes.empty());
    case BodyRead::array_buffer:
      return v8::MaybeLocal<v8::Value>(
          to_array_buffer(isolate, bytes).FromMaybe(v8::Local<v8::ArrayBuffer>()));
    case BodyRead::bytes:
      return v8::MaybeLocal<v8::Value>(
          to_uint8_array(isolate, bytes).FromMaybe(v8::Local<v8::Uint8Array>()));
    case BodyRead::text:
    case BodyRead::json:
      break;
  }
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  v8::Local<v8::String> text;
  if (!to_js_string(isolate, bytes).ToLocal(&text)) return {};
  if (read == BodyRead::text) return text;
  return v8::JSON::Parse(context, text);
}

void Event::settle_body(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  if (body_ == Body::reading) {
    body_ = Body::idle;
    remove_pending();
    runtime_.buffered_bytes -= body_bytes_.size();
  }
  if (body_resolver_.IsEmpty()) return;
  auto resolver = body_resolver_.Get(isolate);
  body_resolver_.Reset();
  if (!body_error_.empty()) {
    body_ = Body::dropped;
    (void)resolver->Reject(context, v8::Exception::Error(js_text(isolate, body_error_)));
    return;
  }
  v8::TryCatch caught(isolate);
  v8::Local<v8::Value> value;
  if (body_value(isolate, context, body_read_, body_bytes_).ToLocal(&value)) {
    if (body_read_ != BodyRead::chunk) body_bytes_ = {};
    (void)resolver->Resolve(context, value);
  } else if (caught.HasCaught() && !caught.HasTerminated()) {
    (void)resolver->Reject(context, caught.Exception());
  }
}

void Event::append_body(std::span<const char> data) {
  runtime_.buffered_bytes += data.size();
  body_bytes_.append(data.data(), data.size());
  if (body_read_ == BodyRead::chunk) {
    wake_body_ = true;
    return wake();
  }
  if (runtime_.buffered_bytes > limits::kBodiesBufferedBytes) {
    body_error_ =
        "The request bodies that this Worker reads whole need more memory than it may have.";
    wake_body_ = true;
    return wake();
  }
  pull_ = true;
  settle();
}

void Event::on_body(std::span<const char> data) {
  if (body_ == Body::reading) return append_body(data);
  if (body_ != Body::passing || !channel_) return;
  if (!body_sink_ && !response_open_) return;
  if (body_sink_ ? body_sink_->take(data) : channel_->write({data.data(), data.size()})) {
    pull_ = true;
  } else {
    pass_blocked_ = true;
  }
  settle();
}

void Event::on_body_end() {
  body_end_ = true;
  if (body_ == Body::reading) {
    wake_body_ = true;
    return wake();
  }
  if (body_ != Body::passing) return;
  body_ = Body::none;
  remove_pending();
  if (body_sink_) {
    std::exchange(body_sink_, nullptr)->take_end();
  } else {
    finish();
  }
  settle();
}

bool Event::pass_body(BodySink& sink) {
  if (body_ != Body::idle || !channel_) return false;
  body_ = Body::passing;
  body_sink_ = &sink;
  pass_blocked_ = false;
  add_pending();
  pull_ = true;
  return true;
}

void Event::sink_writable() {
  if (body_ != Body::passing || !std::exchange(pass_blocked_, false)) return;
  pull_ = true;
  settle();
}

void Event::drop_sink() {
  if (!std::exchange(body_sink_, nullptr)) return;
  body_ = Body::dropped;
  remove_pending();
  touch();
}

}  // namespace skep::api
