// SHA-256, by which the broker knows modules and what was derived from them.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace skep::broker {

using Digest = std::array<uint8_t, 32>;

// Of the parts, each with its length before it, so that ("ab", "c") and ("a", "bc") differ.
Digest digest_of(std::initializer_list<std::string_view> parts);
// Of the bytes alone.
Digest digest_of_bytes(std::string_view bytes);
std::string to_hex(const Digest& digest);

}  // namespace skep::broker
