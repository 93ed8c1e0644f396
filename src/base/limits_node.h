// Bounds of Node.js's modules (src/api/node): native work that the watchdog cannot interrupt.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skep::limits {

// pbkdf2: as many as Workers allow.
inline constexpr uint32_t kPbkdf2Iterations = 100'000;
// scrypt: N * r * p, about half a second, and its memory (N * r * 128).
inline constexpr uint64_t kScryptWork = 1u << 20;
inline constexpr uint64_t kScryptMemoryBytes = 64u << 20;
// What a key derivation may make at once.
inline constexpr size_t kDerivedKeyBytes = 1u << 20;
// RSA keys that are made; those that are read may be twice as long.
inline constexpr uint32_t kRsaGeneratedBits = 4096;
// PEM or DER of a key.
inline constexpr size_t kKeyBytes = 64u << 10;

}  // namespace skep::limits
