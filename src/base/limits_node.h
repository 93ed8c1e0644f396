// Bounds of Node.js's modules (src/api/node): native work that the watchdog cannot interrupt.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skep::limits {

// pbkdf2: as many as Workers allow.
inline constexpr uint32_t kPbkdf2Iterations = 100'000;
// What one call of it may do in all: a block of the output costs all iterations.
inline constexpr uint64_t kPbkdf2Work = uint64_t{16} * kPbkdf2Iterations;
// scrypt, which nothing can interrupt: N * r * p, about a tenth of a second, and its memory
// (N * r * 128).
inline constexpr uint64_t kScryptWork = 1u << 18;
inline constexpr uint64_t kScryptMemoryBytes = 64u << 20;
// What a key derivation may make at once.
inline constexpr size_t kDerivedKeyBytes = 1u << 20;
// PEM or DER of a key.
inline constexpr size_t kKeyBytes = 64u << 10;

}  // namespace skep::limits
