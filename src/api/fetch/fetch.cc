// The native half of Request, Response and bodies: the incoming request's head is read where it
// lies in the channel, a response leaves in one call.
#include "api/base/ops.h"
#include "api/base/values.h"
#include "api/event/errors.h"
#include "api/event/event.h"
#include "api/fetch/head_maker.h"
#include "api/runtime_impl.h"
#include "base/ascii.h"
#include "net/headers.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

uint32_t id_argument(const Info& info, int index) {
  return info[index]->IsUint32() ? info[index].As<v8::Uint32>()->Value() : 0;
}

// The event whose request JavaScript asks about; throws when it is over.
Event* live_event(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  Event* event = find_event(isolate, id_argument(info, 0));
  if (!event || !event->has_head()) {
    throw_error(isolate, kHeadUnreadMessage);
    return nullptr;
  }
  return event;
}

// request_header(id, lower_name) -> combined value, or null
void request_header(const Info& info) {
  Event* event = live_event(info);
  if (!event) return;
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Value> value;
  if (combined_header(isolate, event->request_headers(), to_utf8(isolate, info[1]))
          .ToLocal(&value)) {
    info.GetReturnValue().Set(value);
  }
}

// request_headers(id) -> [lower, value, name, ...]
void request_headers(const Info& info) {
  Event* event = live_event(info);
  if (event) {
    info.GetReturnValue().Set(flat_headers(info.GetIsolate(), event->request_headers()));
  }
}

// request_cf(id) -> the parsed object
void request_cf(const Info& info) {
  Event* event = live_event(info);
  if (!event) return;
  v8::Isolate* isolate = info.GetIsolate();
  const std::string json = event->request_cf_json();
  if (json.empty()) return;
  v8::Local<v8::Value> value;
  if (v8::JSON::Parse(isolate->GetCurrentContext(), js_text(isolate, json)).ToLocal(&value)) {
    info.GetReturnValue().Set(value);
  }
}

// request_has_body(id) -> boolean. Of an event that is over nobody knows: to read it says why not.
void request_has_body(const Info& info) {
  Event* event = find_event(info.GetIsolate(), id_argument(info, 0));
  info.GetReturnValue().Set(!event || event->has_body());
}

// body_read(id, kind) -> promise; kind as BodyRead
void body_read(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const uint32_t kind = id_argument(info, 1);
  if (kind > static_cast<uint32_t>(BodyRead::bytes)) return throw_type_error(isolate, "bad read");
  Event* event = require_own_event(isolate, id_argument(info, 0));
  if (!event) return;
  v8::Local<v8::Promise> promise;
  if (event->read_body(isolate->GetCurrentContext(), static_cast<BodyRead>(kind))
          .ToLocal(&promise)) {
    info.GetReturnValue().Set(promise);
  }
}

// body_take(id) -> Uint8Array, after body_read(id, chunk) gave true
void body_take(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  Event* event = find_event(isolate, id_argument(info, 0));
  if (!event) return;
  v8::Local<v8::Uint8Array> chunk;
  if (to_uint8_array(isolate, event->take_chunk()).ToLocal(&chunk))
    info.GetReturnValue().Set(chunk);
}

// body_drop(id): the reader cancelled
void body_drop(const Info& info) {
  Event* event = find_event(info.GetIsolate(), id_argument(info, 0));
  if (event) event->drop_body();
}

bool is_ascii(const uint8_t* data, size_t length) {
  uint64_t all = 0;
  size_t i = 0;
  for (; i + 8 <= length; i += 8) {
    uint64_t word;
    __builtin_memcpy(&word, data + i, 8);
    all |= word;
  }
  for (; i < length; ++i) all |= data[i];
  return (all & 0x8080808080808080ull) == 0;
}

// Sends a whole response whose body is a string.
void respond_string(Event& event, v8::Isolate* isolate, net::ResponseHead& head,
                    v8::Local<v8::String> body) {
  {
    // Most bodies are ASCII: they go from the heap to the send buffer in one copy. Nothing below
    // allocates in V8's heap while the view is open.
    v8::String::ValueView view(isolate, body);
    if (view.is_one_byte() && is_ascii(view.data8(), view.length())) {
      head.content_length = view.length();
      event.respond(head, {reinterpret_cast<const char*>(view.data8()), view.length()}, true);
      return;
    }
  }
  std::string utf8;
  append_utf8(isolate, body, utf8);
  head.content_length = utf8.size();
  event.respond(head, utf8, true);
}

// respond(id, status, status_text, headers, type, body, manual): a whole response. body: string,
// bytes or null. manual: it is of the Content-Encoding that the headers name already.
void respond(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  Event* event = find_event(isolate, id_argument(info, 0));
  if (!event || event->response_started()) return;
  HeadMaker maker(event->runtime(), isolate);
  if (!maker.add_list(isolate->GetCurrentContext(), info[3])) return;
  const std::string status_text = to_utf8(isolate, info[2]);
  net::ResponseHead head =
      maker.head(static_cast<int>(id_argument(info, 1)), status_text, id_argument(info, 4));
  head.encode_body = !info[6]->IsTrue();
  if (info[5]->IsString()) return respond_string(*event, isolate, head, info[5].As<v8::String>());
  std::span<uint8_t> bytes;
  bytes_of(info[5], bytes);
  head.content_length = bytes.size();
  event->respond(head, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, true);
}

// respond_stream(id, status, status_text, headers, type, length, body_of, manual): the head of a
// streamed response. length: number, or undefined where it is not known. body_of: true where the
// body is the request's own. manual: as of respond.
void respond_stream(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  Event* event = find_event(isolate, id_argument(info, 0));
  if (!event || event->response_started()) return;
  HeadMaker maker(event->runtime(), isolate);
  if (!maker.add_list(isolate->GetCurrentContext(), info[3])) return;
  const std::string status_text = to_utf8(isolate, info[2]);
  net::ResponseHead head =
      maker.head(static_cast<int>(id_argument(info, 1)), status_text, id_argument(info, 4));
  head.encode_body = !info[7]->IsTrue();
  if (info[6]->IsTrue()) {
    if (event->channel()) head.content_length = event->channel()->body_length();
    return event->respond_with_request_body(head);
  }
  if (info[5]->IsNumber()) {
    head.content_length = static_cast<uint64_t>(info[5].As<v8::Number>()->Value());
  }
  event->respond(head, {}, false);
}

Event* open_response(const Info& info) {
  Event* event = find_event(info.GetIsolate(), id_argument(info, 0));
  return event && event->response_open() ? event : nullptr;
}

// response_write(id, bytes) -> 1: go on, 0: wait for response_writable, -1: nobody reads any more
void response_write(const Info& info) {
  Event* event = open_response(info);
  std::span<uint8_t> bytes;
  if (!event || !bytes_of(info[1], bytes)) return info.GetReturnValue().Set(-1);
  const bool more = event->write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  info.GetReturnValue().Set(more ? 1 : 0);
}

// response_writable(id) -> promise of whether somebody still reads
void response_writable(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  if (Event* event = open_response(info)) {
    info.GetReturnValue().Set(event->when_writable(context));
    return;
  }
  auto resolver = v8::Promise::Resolver::New(context).ToLocalChecked();
  (void)resolver->Resolve(context, v8::False(isolate));
  info.GetReturnValue().Set(resolver->GetPromise());
}

// response_finish(id)
void response_finish(const Info& info) {
  if (Event* event = open_response(info)) event->finish();
}

// response_abort(id): the stream of the body failed
void response_abort(const Info& info) {
  if (Event* event = open_response(info)) event->abort_response();
}

// utf8_encode(string) -> Uint8Array
void utf8_encode(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Uint8Array> bytes;
  if (to_uint8_array(isolate, to_utf8(isolate, info[0])).ToLocal(&bytes)) {
    info.GetReturnValue().Set(bytes);
  }
}

// utf8_decode(bytes) -> string, without a byte order mark
void utf8_decode(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  std::span<uint8_t> bytes;
  bytes_of(info[0], bytes);
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  v8::Local<v8::String> string;
  if (to_js_string(isolate, text).ToLocal(&string)) info.GetReturnValue().Set(string);
}

}  // namespace

v8::MaybeLocal<v8::Value> combined_header(v8::Isolate* isolate,
                                          std::span<const net::Header> headers,
                                          std::string_view lower_name) {
  const std::string_view separator = lower_name == "cookie" ? "; " : ", ";
  std::string_view first;
  std::string combined;
  int found = 0;
  for (const net::Header& header : headers) {
    if (!net::equals_ignore_case(header.name, lower_name)) continue;
    if (++found == 1) {
      first = header.value;
      continue;
    }
    if (found == 2) combined = first;
    combined.append(separator).append(header.value);
  }
  if (found == 0) return v8::Null(isolate);
  v8::Local<v8::String> value;
  if (!to_js_string(isolate, found == 1 ? first : combined).ToLocal(&value)) return {};
  return value;
}

v8::Local<v8::Array> flat_headers(v8::Isolate* isolate, std::span<const net::Header> headers) {
  v8::LocalVector<v8::Value> list(isolate);
  for (const net::Header& header : headers) {
    const std::string lower = ascii_lower(header.name);
    list.push_back(js_name(isolate, lower));
    list.push_back(js_text(isolate, header.value));
    list.push_back(lower == header.name ? list[list.size() - 2]
                                        : v8::Local<v8::Value>(js_latin1(isolate, header.name)));
  }
  return v8::Array::New(isolate, list.data(), list.size());
}

std::span<const Op> fetch_ops() {
  static constexpr Op ops[] = {
      {"request_header", request_header},
      {"request_headers", request_headers},
      {"request_cf", request_cf},
      {"request_has_body", request_has_body},
      {"body_read", body_read},
      {"body_take", body_take},
      {"body_drop", body_drop},
      {"respond", respond},
      {"respond_stream", respond_stream},
      {"response_write", response_write},
      {"response_writable", response_writable},
      {"response_finish", response_finish},
      {"response_abort", response_abort},
      {"utf8_encode", utf8_encode},
      {"utf8_decode", utf8_decode},
  };
  return ops;
}

}  // namespace skep::api
