// Between C++ and JavaScript values: strings, bytes, errors. Everything that ops share and that
// knows no API. The isolate must be entered.
#pragma once

#include <v8.h>

#include <span>
#include <string>
#include <string_view>

namespace skep::api {

// A JavaScript string from UTF-8; malformed parts become U+FFFD. Empty when it is longer than V8's
// strings may be: an exception is pending then.
v8::MaybeLocal<v8::String> to_js_string(v8::Isolate* isolate, std::string_view utf8);
// As above for text of ours that is short.
v8::Local<v8::String> js_text(v8::Isolate* isolate, std::string_view utf8);
// One-byte (Latin-1) bytes taken as they are.
v8::Local<v8::String> js_latin1(v8::Isolate* isolate, std::string_view latin1);
// Internalised: for property names and the like.
v8::Local<v8::String> js_name(v8::Isolate* isolate, std::string_view ascii);

// UTF-8 of a string value, lone surrogates as U+FFFD; "" for what is not a string.
std::string to_utf8(v8::Isolate* isolate, v8::Local<v8::Value> value);
void append_utf8(v8::Isolate* isolate, v8::Local<v8::String> string, std::string& out);

// The bytes of an ArrayBuffer or a view, where they lie. Valid until JavaScript runs again. Empty
// and false for anything else (SharedArrayBuffer and detached buffers included).
bool bytes_of(v8::Local<v8::Value> value, std::span<uint8_t>& out);
// A fresh Uint8Array / ArrayBuffer with a copy. Empty with a RangeError pending when memory is
// refused.
v8::MaybeLocal<v8::Uint8Array> to_uint8_array(v8::Isolate* isolate, std::string_view bytes);
v8::MaybeLocal<v8::ArrayBuffer> to_array_buffer(v8::Isolate* isolate, std::string_view bytes);

void throw_error(v8::Isolate* isolate, std::string_view message);
void throw_type_error(v8::Isolate* isolate, std::string_view message);
void throw_range_error(v8::Isolate* isolate, std::string_view message);

}  // namespace skep::api
