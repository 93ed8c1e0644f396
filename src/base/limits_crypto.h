// Bounds of Web Crypto (src/api/crypto). In the manner of base/limits.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skep::limits {

// A private operation takes time by the cube of the modulus: 8,192 bits cost some 30 ms that
// nothing can interrupt. Making a key can be interrupted, but a longer one takes minutes.
inline constexpr uint32_t kRsaImportBits = 8'192;
inline constexpr uint32_t kRsaGenerateBitsMin = 512;
inline constexpr uint32_t kRsaGenerateBitsMax = 4'096;
inline constexpr size_t kKeyImportBytes = 16 * 1024;  // of DER, or of one member of a JWK
// Of HMAC, HKDF, PBKDF2. Keys are not counted as the worker's memory, so that as many as it may
// hold (kNativeStates) have to be bearable.
inline constexpr size_t kSecretKeyBytes = 16 * 1024;
inline constexpr size_t kDerivedBytes = 1024 * 1024;  // of one PBKDF2

// What is done before V8 may interrupt: less than a millisecond each.
inline constexpr size_t kCryptoSliceBytes = 512 * 1024;
inline constexpr uint32_t kPbkdf2SliceIterations = 1'000;

}  // namespace skep::limits
