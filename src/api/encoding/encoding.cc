// The native half of TextEncoder, TextDecoder, atob and btoa: UTF-8, UTF-16 and windows-1252 (which
// is what the Encoding Standard means by latin1 and ascii); the others are in legacy.h.
#include <array>
#include <cstring>

#include "api/base/ops.h"
#include "api/base/values.h"
#include "api/encoding/legacy.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

// As in encoding.js; what is not less than `legacy` is a LegacyEncoding.
enum class Encoding { utf8, utf16le, utf16be, windows1252, legacy };

// What a stream's chunk leaves for the next: [count, bytes…], JavaScript's Uint8Array.
constexpr size_t kPendingBytes = 4;
constexpr size_t kStateBytes = 1 + kPendingBytes;

uint32_t number(const Info& info, int index) {
  return info[index]->IsUint32() ? info[index].As<v8::Uint32>()->Value() : 0;
}

// Length of the well-formed sequence at `at`; 0: malformed. `cut`: the end came too early, and what
// is there could begin a sequence.
size_t sequence_length(std::string_view text, size_t at, bool& cut) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(at);
  cut = false;
  if (lead < 0x80) return 1;
  size_t length = 0;
  uint8_t low = 0x80, high = 0xBF;  // of the second byte
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  for (size_t i = 1; i < length; ++i) {
    if (at + i >= text.size()) {
      cut = true;
      return 0;
    }
    if (byte(at + i) < low || byte(at + i) > high) return 0;
    low = 0x80;
    high = 0xBF;
  }
  return length;
}

bool well_formed_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    bool cut = false;
    const size_t length = sequence_length(text, at, cut);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

// Bytes at the end that could begin a sequence.
size_t incomplete_utf8(std::string_view text) {
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const size_t at = text.size() - back;
    if ((static_cast<uint8_t>(text[at]) & 0xC0) == 0x80) continue;
    bool cut = false;
    return sequence_length(text, at, cut) == 0 && cut ? back : 0;
  }
  return 0;
}

size_t incomplete_utf16(std::string_view text, bool big) {
  const size_t odd = text.size() % 2;
  const size_t whole = text.size() - odd;
  if (whole < 2) return odd;
  const auto lead = static_cast<uint8_t>(text[whole - (big ? 2 : 1)]);
  return lead >= 0xD8 && lead <= 0xDB ? odd + 2 : odd;
}

v8::MaybeLocal<v8::String> decode_utf16(v8::Isolate* isolate, std::string_view text, bool big,
                                        bool fatal) {
  std::vector<uint16_t> units(text.size() / 2);
  for (size_t i = 0; i < units.size(); ++i) {
    const auto a = static_cast<uint8_t>(text[2 * i]), b = static_cast<uint8_t>(text[2 * i + 1]);
    units[i] = static_cast<uint16_t>(big ? a << 8 | b : b << 8 | a);
  }
  bool malformed = text.size() % 2 != 0;
  for (size_t i = 0; i < units.size(); ++i) {
    const bool lead = (units[i] & 0xFC00) == 0xD800;
    if (lead && i + 1 < units.size() && (units[i + 1] & 0xFC00) == 0xDC00) {
      ++i;
    } else if ((units[i] & 0xF800) == 0xD800) {
      malformed = true;
      units[i] = 0xFFFD;
    }
  }
  if (malformed && fatal) return {};
  if (text.size() % 2 != 0) units.push_back(0xFFFD);
  return v8::String::NewFromTwoByte(isolate, units.data(), v8::NewStringType::kNormal,
                                    static_cast<int>(units.size()));
}

v8::MaybeLocal<v8::String> decode_windows1252(v8::Isolate* isolate, std::string_view text) {
  // 0x80 to 0x9F; the rest is as in Latin-1.
  static constexpr std::array<uint16_t, 32> kTable = {
      0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
      0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
      0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};
  std::vector<uint16_t> units(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    units[i] = byte >= 0x80 && byte <= 0x9F ? kTable[byte - 0x80] : byte;
  }
  return v8::String::NewFromTwoByte(isolate, units.data(), v8::NewStringType::kNormal,
                                    static_cast<int>(units.size()));
}

v8::MaybeLocal<v8::String> decode(v8::Isolate* isolate, Encoding encoding, std::string_view text,
                                  bool fatal) {
  if (text.size() > static_cast<size_t>(v8::String::kMaxLength)) {
    throw_range_error(isolate, "Invalid string length");
    return {};
  }
  switch (encoding) {
    case Encoding::utf8:
      if (fatal && !well_formed_utf8(text)) return {};
      return to_js_string(isolate, text);
    case Encoding::utf16le:
    case Encoding::utf16be:
      return decode_utf16(isolate, text, encoding == Encoding::utf16be, fatal);
    case Encoding::windows1252:
      return decode_windows1252(isolate, text);
    case Encoding::legacy:
      break;
  }
  return {};
}

void decode_legacy_chunk(const Info& info, LegacyEncoding encoding) {
  v8::Isolate* isolate = info.GetIsolate();
  std::span<uint8_t> input, state;
  bytes_of(info[1], input);
  if (!bytes_of(info[2], state) || state.size() != kStateBytes) return;
  std::vector<uint16_t> units;
  if (!decode_legacy(encoding, input, state.first<kStateBytes>(), !info[3]->IsTrue(),
                     info[4]->IsTrue(), units)) {
    return;
  }
  if (units.size() > static_cast<size_t>(v8::String::kMaxLength)) {
    return throw_range_error(isolate, "Invalid string length");
  }
  v8::Local<v8::String> string;
  if (v8::String::NewFromTwoByte(isolate, units.data(), v8::NewStringType::kNormal,
                                 static_cast<int>(units.size()))
          .ToLocal(&string)) {
    info.GetReturnValue().Set(string);
  }
}

// encoding_decode(encoding, bytes, state or undefined, stream, fatal) -> string; undefined where it
// is malformed and fatal. state: as kStateBytes; left as the next chunk needs it.
void encoding_decode(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  constexpr uint32_t kFirstLegacy = static_cast<uint32_t>(Encoding::legacy);
  const uint32_t index = number(info, 0);
  if (index >= kFirstLegacy) {
    if (index - kFirstLegacy >= static_cast<uint32_t>(LegacyEncoding::count)) return;
    return decode_legacy_chunk(info, static_cast<LegacyEncoding>(index - kFirstLegacy));
  }
  const auto encoding = static_cast<Encoding>(index);
  std::span<uint8_t> input, state;
  bytes_of(info[1], input);
  std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
  std::string joined;
  const bool stream = info[3]->IsTrue();
  if (bytes_of(info[2], state) && state.size() == kStateBytes) {
    const size_t held = std::min<size_t>(state[0], kPendingBytes);
    if (held > 0) {
      joined.assign(reinterpret_cast<const char*>(state.data()) + 1, held);
      text = joined.append(text);
    }
    size_t keep = 0;
    if (stream && encoding == Encoding::utf8) keep = incomplete_utf8(text);
    if (stream && (encoding == Encoding::utf16le || encoding == Encoding::utf16be)) {
      keep = incomplete_utf16(text, encoding == Encoding::utf16be);
    }
    state[0] = static_cast<uint8_t>(keep);
    if (keep > 0) std::memcpy(state.data() + 1, text.data() + text.size() - keep, keep);
    text.remove_suffix(keep);
  }
  v8::Local<v8::String> string;
  if (decode(isolate, encoding, text, info[4]->IsTrue()).ToLocal(&string)) {
    info.GetReturnValue().Set(string);
  }
}

// encoding_encode_into(string, view, counts): counts[0] = code units read, counts[1] = bytes
// written
void encoding_encode_into(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  std::span<uint8_t> target, counts;
  if (!info[0]->IsString() || !bytes_of(info[2], counts) || counts.size() != 8) return;
  uint32_t result[2] = {0, 0};
  if (bytes_of(info[1], target) && !target.empty()) {
    size_t read = 0;
    result[1] = static_cast<uint32_t>(info[0].As<v8::String>()->WriteUtf8(
        isolate, reinterpret_cast<char*>(target.data()), target.size(),
        v8::String::WriteFlags::kReplaceInvalidUtf8, &read));
    result[0] = static_cast<uint32_t>(read);
  }
  std::memcpy(counts.data(), result, sizeof(result));
}

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The bytes of a string whose code units are all under 256; false otherwise.
bool to_latin1(v8::Isolate* isolate, v8::Local<v8::Value> value, std::string& out) {
  if (!value->IsString()) return false;
  v8::String::ValueView view(isolate, value.As<v8::String>());
  if (view.is_one_byte()) {
    out.assign(reinterpret_cast<const char*>(view.data8()), view.length());
    return true;
  }
  out.resize(view.length());
  for (uint32_t i = 0; i < view.length(); ++i) {
    if (view.data16()[i] > 255) return false;
    out[i] = static_cast<char>(view.data16()[i]);
  }
  return true;
}

// base64_encode(string) -> string; undefined where it has a character above U+00FF
void base64_encode(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  std::string in;
  if (!to_latin1(isolate, info[0], in)) return;
  std::string out;
  out.reserve((in.size() + 2) / 3 * 4);
  for (size_t i = 0; i < in.size(); i += 3) {
    const size_t left = std::min<size_t>(in.size() - i, 3);
    uint32_t bits = 0;
    for (size_t j = 0; j < 3; ++j)
      bits = bits << 8 | (j < left ? static_cast<uint8_t>(in[i + j]) : 0);
    for (size_t j = 0; j < 4; ++j) {
      out.push_back(j <= left ? kBase64[bits >> (18 - 6 * j) & 63] : '=');
    }
  }
  if (out.size() > static_cast<size_t>(v8::String::kMaxLength)) {
    return throw_range_error(isolate, "Invalid string length");
  }
  info.GetReturnValue().Set(js_latin1(isolate, out));
}

// "Forgiving-base64 decode" (Infra standard, 6).
bool forgiving_decode(std::string data, std::string& out) {
  std::erase_if(data, [](char c) { return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v'); });
  if (data.size() % 4 == 0) {
    if (data.ends_with("==")) {
      data.resize(data.size() - 2);
    } else if (data.ends_with("=")) {
      data.resize(data.size() - 1);
    }
  }
  if (data.size() % 4 == 1) return false;
  uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : data) {
    const size_t value = kBase64.find(c);
    if (value == std::string_view::npos) return false;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(bits >> count & 0xFF));
  }
  return true;
}

// base64_decode(string) -> string of bytes; undefined where it is not base64
void base64_decode(const Info& info) {
  std::string in, out;
  if (!to_latin1(info.GetIsolate(), info[0], in) || !forgiving_decode(std::move(in), out)) return;
  info.GetReturnValue().Set(js_latin1(info.GetIsolate(), out));
}

}  // namespace

std::span<const Op> encoding_ops() {
  static constexpr Op ops[] = {
      {"encoding_decode", encoding_decode},
      {"encoding_encode_into", encoding_encode_into},
      {"base64_encode", base64_encode},
      {"base64_decode", base64_decode},
  };
  return ops;
}

}  // namespace skep::api
