#include "api/node/encodings.h"

#include <algorithm>
#include <array>

namespace skep::api {
namespace {

constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr uint8_t kNone = 0xff;

constexpr std::array<uint8_t, 256> base64_values() {
  std::array<uint8_t, 256> values{};
  values.fill(kNone);
  for (uint8_t i = 0; i < 64; ++i) {
    values[static_cast<uint8_t>(kStandard[i])] = i;
    values[static_cast<uint8_t>(kUrl[i])] = i;
  }
  return values;
}

uint8_t hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<uint8_t>(c - 'A' + 10);
  return kNone;
}

}  // namespace

std::string encode_base64(std::span<const uint8_t> bytes, bool url) {
  const std::string_view digits = url ? kUrl : kStandard;
  std::string out;
  out.reserve(bytes.size() / 3 * 4 + 4);
  size_t at = 0;
  for (; at + 3 <= bytes.size(); at += 3) {
    const uint32_t group =
        static_cast<uint32_t>(bytes[at] << 16 | bytes[at + 1] << 8 | bytes[at + 2]);
    for (int shift = 18; shift >= 0; shift -= 6) out.push_back(digits[group >> shift & 63]);
  }
  const size_t left = bytes.size() - at;
  if (left == 0) return out;
  const uint32_t group =
      static_cast<uint32_t>(bytes[at] << 16 | (left == 2 ? bytes[at + 1] << 8 : 0));
  out.push_back(digits[group >> 18 & 63]);
  out.push_back(digits[group >> 12 & 63]);
  if (left == 2) out.push_back(digits[group >> 6 & 63]);
  if (!url) out.append(left == 2 ? "=" : "==");
  return out;
}

std::string encode_hex(std::span<const uint8_t> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

size_t decode_base64(std::string_view text, std::span<uint8_t> out) {
  static constexpr auto kValues = base64_values();
  size_t made = 0;
  uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    if (c == '=' || made == out.size()) break;
    const uint8_t value = kValues[static_cast<uint8_t>(c)];
    if (value == kNone) continue;
    group = group << 6 | value;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out[made++] = static_cast<uint8_t>(group >> bits);
    group &= (1u << bits) - 1;
  }
  return made;
}

size_t decode_hex(std::string_view text, std::span<uint8_t> out) {
  size_t made = 0;
  for (size_t at = 0; at + 1 < text.size() && made < out.size(); at += 2) {
    const uint8_t high = hex_value(text[at]), low = hex_value(text[at + 1]);
    if (high == kNone || low == kNone) break;
    out[made++] = static_cast<uint8_t>(high << 4 | low);
  }
  return made;
}

bool is_utf8(std::span<const uint8_t> bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const uint8_t lead = bytes[at++];
    if (lead < 0x80) continue;
    const size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || bytes.size() - at < more) return false;
    const uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (bytes[at] < low || bytes[at] > high) return false;
    const bool others = std::ranges::all_of(bytes.subspan(at + 1, more - 1),
                                            [](uint8_t byte) { return (byte & 0xc0) == 0x80; });
    if (!others) return false;
    at += more;
  }
  return true;
}

}  // namespace skep::api
