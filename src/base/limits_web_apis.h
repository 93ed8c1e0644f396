// Bounds of the rarer web APIs: compression streams, HTMLRewriter, URLPattern and kin (src/api). In
// the manner of base/limits.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skep::limits {

// --- compression streams ---
inline constexpr size_t kCompressionStepInput = 256 * 1024;  // then other code may run
inline constexpr size_t kCompressionStepOutput = 64 * 1024;  // then the reader is waited for

// --- native objects that JavaScript holds, of one isolate ---
inline constexpr size_t kNativeStates = 4'096;
inline constexpr size_t kNativeStateBytes = 96 << 20;  // what they hold outside of V8's heap

}  // namespace skep::limits
