// Ops of node:buffer. Offsets come from our JavaScript but are checked here against the view's own
// bounds: a view may have shrunk in between.
#include <algorithm>
#include <cstring>
#include <functional>
#include <vector>

#include "api/base/values.h"
#include "api/node/encodings.h"
#include "api/node/ops.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

// As in buffer.part.js.
enum Encoding : uint32_t { kUtf8, kLatin1, kAscii, kUtf16, kHex, kBase64, kBase64Url };

size_t number(v8::Local<v8::Value> value) {
  if (!value->IsNumber()) return 0;
  const double number = value.As<v8::Number>()->Value();
  return number > 0 ? static_cast<size_t>(std::min(number, 9e15)) : 0;
}

// The bytes [start, end) of a view, as far as they exist.
bool slice_of(v8::Local<v8::Value> view, size_t start, size_t end, std::span<uint8_t>& out) {
  std::span<uint8_t> all;
  if (!bytes_of(view, all)) return false;
  end = std::min(end, all.size());
  start = std::min(start, end);
  out = all.subspan(start, end - start);
  return true;
}

void return_text(const Info& info, v8::MaybeLocal<v8::String> text) {
  v8::Local<v8::String> string;
  if (text.ToLocal(&string)) return info.GetReturnValue().Set(string);
  info.GetIsolate()->ThrowError("Cannot create a string longer than 0x1fffffe8 characters");
}

v8::MaybeLocal<v8::String> one_byte(v8::Isolate* isolate, std::span<const uint8_t> bytes) {
  if (bytes.size() > static_cast<size_t>(v8::String::kMaxLength)) return {};
  return v8::String::NewFromOneByte(isolate, bytes.data(), v8::NewStringType::kNormal,
                                    static_cast<int>(bytes.size()));
}

v8::MaybeLocal<v8::String> one_byte(v8::Isolate* isolate, const std::string& text) {
  return one_byte(isolate, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

// buffer_text(view, start, end, encoding) -> string
void buffer_text(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  std::span<uint8_t> bytes;  // none of a buffer that was transferred
  if (!slice_of(info[0], number(info[1]), number(info[2]), bytes)) bytes = {};
  switch (number(info[3])) {
    case kUtf8:
      if (bytes.size() > static_cast<size_t>(v8::String::kMaxLength)) return return_text(info, {});
      return return_text(info, v8::String::NewFromUtf8(
                                   isolate, reinterpret_cast<const char*>(bytes.data()),
                                   v8::NewStringType::kNormal, static_cast<int>(bytes.size())));
    case kLatin1:
      return return_text(info, one_byte(isolate, bytes));
    case kAscii: {
      std::string text;
      text.reserve(bytes.size());
      for (const uint8_t byte : bytes) text.push_back(static_cast<char>(byte & 0x7f));
      return return_text(info, one_byte(isolate, text));
    }
    case kUtf16: {
      std::vector<uint16_t> units(bytes.size() / 2);
      if (units.size() > static_cast<size_t>(v8::String::kMaxLength)) return return_text(info, {});
      if (!units.empty()) std::memcpy(units.data(), bytes.data(), units.size() * 2);
      return return_text(
          info, v8::String::NewFromTwoByte(isolate, units.data(), v8::NewStringType::kNormal,
                                           static_cast<int>(units.size())));
    }
    case kHex:
      return return_text(info, one_byte(isolate, encode_hex(bytes)));
    case kBase64:
    case kBase64Url:
      return return_text(info,
                         one_byte(isolate, encode_base64(bytes, number(info[3]) == kBase64Url)));
    default:
      return;
  }
}

// The string's characters, those beyond Latin-1 as NUL: no digit of base64 or hex.
std::string latin1_of(v8::Isolate* isolate, v8::Local<v8::String> string) {
  std::string out(static_cast<size_t>(string->Length()), '\0');
  if (string->ContainsOnlyOneByte()) {
    string->WriteOneByte(isolate, 0, static_cast<uint32_t>(out.size()),
                         reinterpret_cast<uint8_t*>(out.data()));
    return out;
  }
  std::vector<uint16_t> units(out.size());
  string->Write(isolate, 0, static_cast<uint32_t>(units.size()), units.data());
  for (size_t i = 0; i < units.size(); ++i) {
    if (units[i] < 256) out[i] = static_cast<char>(units[i]);
  }
  return out;
}

size_t write_text(v8::Isolate* isolate, v8::Local<v8::String> string, uint32_t encoding,
                  std::span<uint8_t> out) {
  const size_t length = static_cast<size_t>(string->Length());
  switch (encoding) {
    case kUtf8:
      return string->WriteUtf8(isolate, reinterpret_cast<char*>(out.data()), out.size(),
                               v8::String::WriteFlags::kReplaceInvalidUtf8);
    case kLatin1:
    case kAscii: {
      const size_t count = std::min(length, out.size());
      string->WriteOneByte(isolate, 0, static_cast<uint32_t>(count), out.data());
      return count;
    }
    case kUtf16: {
      const size_t count = std::min(length, out.size() / 2);
      std::vector<uint16_t> units(count);
      string->Write(isolate, 0, static_cast<uint32_t>(count), units.data());
      if (count > 0) std::memcpy(out.data(), units.data(), count * 2);
      return count * 2;
    }
    case kHex:
      return decode_hex(latin1_of(isolate, string), out);
    case kBase64:
    case kBase64Url:
      return decode_base64(latin1_of(isolate, string), out);
    default:
      return 0;
  }
}

// buffer_write(string, view, start, end, encoding) -> bytes written; whole characters alone
void buffer_write(const Info& info) {
  std::span<uint8_t> bytes;
  if (!info[0]->IsString() || !slice_of(info[1], number(info[2]), number(info[3]), bytes)) return;
  const size_t written = bytes.empty() ? 0
                                       : write_text(info.GetIsolate(), info[0].As<v8::String>(),
                                                    static_cast<uint32_t>(number(info[4])), bytes);
  info.GetReturnValue().Set(static_cast<double>(written));
}

// buffer_utf8_length(string)
void buffer_utf8_length(const Info& info) {
  if (!info[0]->IsString()) return;
  info.GetReturnValue().Set(
      static_cast<double>(info[0].As<v8::String>()->Utf8Length(info.GetIsolate())));
}

// buffer_compare(a, b) -> -1, 0, 1
void buffer_compare(const Info& info) {
  std::span<uint8_t> a, b;
  if (!bytes_of(info[0], a) || !bytes_of(info[1], b)) return;
  const size_t common = std::min(a.size(), b.size());
  int order = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
  if (order == 0) order = a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
  info.GetReturnValue().Set(order < 0 ? -1 : order > 0 ? 1 : 0);
}

// buffer_find(view, needle, from, backwards, step) -> the index, or -1. The needle is not empty.
// step 2: only at even distances from the start (UTF-16).
void buffer_find(const Info& info) {
  std::span<uint8_t> hay, needle;
  if (!bytes_of(info[0], hay) || !bytes_of(info[1], needle)) return;
  info.GetReturnValue().Set(-1);
  const size_t step = std::max<size_t>(number(info[4]), 1);
  size_t from = number(info[2]);
  if (needle.empty() || needle.size() > hay.size()) return;
  const size_t last = hay.size() - needle.size();
  if (info[3]->IsTrue()) {
    for (size_t at = std::min(from, last) + 1; at-- > 0;) {
      if (at % step == 0 && std::memcmp(hay.data() + at, needle.data(), needle.size()) == 0) {
        return info.GetReturnValue().Set(static_cast<double>(at));
      }
    }
    return;
  }
  while (from <= last) {
    const void* found = memmem(hay.data() + from, hay.size() - from, needle.data(), needle.size());
    if (!found) return;
    const size_t at = static_cast<size_t>(static_cast<const uint8_t*>(found) - hay.data());
    if (at % step == 0) return info.GetReturnValue().Set(static_cast<double>(at));
    from = at + 1;
  }
}

// buffer_valid(view, ascii) -> whether the bytes are UTF-8 or ASCII
void buffer_valid(const Info& info) {
  std::span<uint8_t> bytes;
  if (!bytes_of(info[0], bytes)) return;
  const bool valid = info[1]->IsTrue()
                         ? std::ranges::all_of(bytes, [](uint8_t byte) { return byte < 0x80; })
                         : is_utf8(bytes);
  info.GetReturnValue().Set(valid);
}

}  // namespace

std::span<const Op> node_buffer_ops() {
  static constexpr Op ops[] = {
      {"buffer_text", buffer_text},       {"buffer_write", buffer_write},
      {"buffer_find", buffer_find},       {"buffer_utf8_length", buffer_utf8_length},
      {"buffer_compare", buffer_compare}, {"buffer_valid", buffer_valid},
  };
  return ops;
}

}  // namespace skep::api
