#include "api/base/values.h"

#include <cstring>

namespace skep::api {

v8::MaybeLocal<v8::String> to_js_string(v8::Isolate* isolate, std::string_view utf8) {
  if (utf8.size() > static_cast<size_t>(v8::String::kMaxLength)) {
    throw_range_error(isolate, "Invalid string length");
    return {};
  }
  return v8::String::NewFromUtf8(isolate, utf8.data(), v8::NewStringType::kNormal,
                                 static_cast<int>(utf8.size()));
}

v8::Local<v8::String> js_text(v8::Isolate* isolate, std::string_view utf8) {
  return to_js_string(isolate, utf8.substr(0, 1 << 20)).ToLocalChecked();
}

v8::Local<v8::String> js_latin1(v8::Isolate* isolate, std::string_view latin1) {
  return v8::String::NewFromOneByte(isolate, reinterpret_cast<const uint8_t*>(latin1.data()),
                                    v8::NewStringType::kNormal, static_cast<int>(latin1.size()))
      .ToLocalChecked();
}

v8::Local<v8::String> js_name(v8::Isolate* isolate, std::string_view ascii) {
  return v8::String::NewFromOneByte(isolate, reinterpret_cast<const uint8_t*>(ascii.data()),
                                    v8::NewStringType::kInternalized,
                                    static_cast<int>(ascii.size()))
      .ToLocalChecked();
}

void append_utf8(v8::Isolate* isolate, v8::Local<v8::String> string, std::string& out) {
  const size_t start = out.size();
  const size_t length = string->Utf8Length(isolate);
  out.resize(start + length);
  string->WriteUtf8(isolate, out.data() + start, length,
                    v8::String::WriteFlags::kReplaceInvalidUtf8);
}

std::string to_utf8(v8::Isolate* isolate, v8::Local<v8::Value> value) {
  std::string out;
  if (value->IsString()) append_utf8(isolate, value.As<v8::String>(), out);
  return out;
}

bool bytes_of(v8::Local<v8::Value> value, std::span<uint8_t>& out) {
  if (value->IsArrayBufferView()) {
    // Contents of a small on-heap array have no backing store of their own: Buffer() gives them
    // one.
    auto view = value.As<v8::ArrayBufferView>();
    v8::Local<v8::ArrayBuffer> buffer = view->Buffer();
    const size_t length = view->ByteLength();
    if (length == 0) {
      out = {};
      return !buffer->WasDetached();
    }
    out = {static_cast<uint8_t*>(buffer->Data()) + view->ByteOffset(), length};
    return true;
  }
  if (value->IsArrayBuffer()) {
    auto buffer = value.As<v8::ArrayBuffer>();
    if (buffer->WasDetached()) return false;
    out = {static_cast<uint8_t*>(buffer->Data()), buffer->ByteLength()};
    return true;
  }
  return false;
}

v8::MaybeLocal<v8::ArrayBuffer> to_array_buffer(v8::Isolate* isolate, std::string_view bytes) {
  v8::Local<v8::ArrayBuffer> buffer;
  if (!v8::ArrayBuffer::MaybeNew(isolate, bytes.size(),
                                 v8::BackingStoreInitializationMode::kUninitialized)
           .ToLocal(&buffer)) {
    throw_range_error(isolate, "Array buffer allocation failed");
    return {};
  }
  if (!bytes.empty()) std::memcpy(buffer->Data(), bytes.data(), bytes.size());
  return buffer;
}

v8::MaybeLocal<v8::Uint8Array> to_uint8_array(v8::Isolate* isolate, std::string_view bytes) {
  v8::Local<v8::ArrayBuffer> buffer;
  if (!to_array_buffer(isolate, bytes).ToLocal(&buffer)) return {};
  return v8::Uint8Array::New(buffer, 0, bytes.size());
}

void throw_error(v8::Isolate* isolate, std::string_view message) {
  isolate->ThrowException(v8::Exception::Error(js_text(isolate, message)));
}

void throw_type_error(v8::Isolate* isolate, std::string_view message) {
  isolate->ThrowException(v8::Exception::TypeError(js_text(isolate, message)));
}

void throw_range_error(v8::Isolate* isolate, std::string_view message) {
  isolate->ThrowException(v8::Exception::RangeError(js_text(isolate, message)));
}

}  // namespace skep::api
