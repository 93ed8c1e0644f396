// The encodings of Node.js's Buffer between bytes and text, leniently as there: what is no digit of
// base64 is skipped, hex ends at the first pair that is none. Pure; in the shard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace skep::api {

// "+/" with padding, or "-_" without.
std::string encode_base64(std::span<const uint8_t> bytes, bool url);
std::string encode_hex(std::span<const uint8_t> bytes);

// How many bytes decode_base64 may make of so many characters, at most.
constexpr size_t base64_bytes(size_t characters) {
  return characters / 4 * 3 + 3;
}
// Both alphabets; ends at '='. Returns the number of bytes written, at most out.size().
size_t decode_base64(std::string_view text, std::span<uint8_t> out);
size_t decode_hex(std::string_view text, std::span<uint8_t> out);

// Whether it is UTF-8 without an error.
bool is_utf8(std::span<const uint8_t> bytes);

}  // namespace skep::api
