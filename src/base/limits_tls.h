// Bounds of TLS (src/net/tls, the broker's keys).
#pragma once

#include <cstddef>
#include <cstdint>

namespace skep::limits {

inline constexpr int64_t kTlsHandshakeMs = 10'000;       // first byte to finished: closed
inline constexpr size_t kTlsHandshakesPerShard = 4'096;  // under way at once; more: closed
inline constexpr size_t kTlsBacklogBytes = 256 * 1024;   // records that came while paused
inline constexpr size_t kCertificates = 10'000;          // [[certificate]] tables
inline constexpr size_t kNamesPerCertificate = 1'000;    // subject alternative names that count
inline constexpr size_t kCertificatesPerName = 4;        // one a kind of key; those after it rest
inline constexpr size_t kCertificateFileBytes = 1 << 20;
inline constexpr size_t kTlsSignInputBytes = 256;    // what a shard may ask to have signed
inline constexpr size_t kTlsSignatureBytes = 1'024;  // RSA's with 8,192 bits
inline constexpr size_t kTlsSignRepliesBytes =
    64 * 1024;                                        // not taken by the shard: no more is read
inline constexpr int64_t kTlsSignsPerSecond = 5'000;  // of one shard, after a burst of…
inline constexpr int64_t kTlsSignBurst = 20'000;
inline constexpr int64_t kTlsSlowSignCost = 10;  // RSA and the larger curves count as so many
inline constexpr int64_t kTicketKeyMs = 6 * 3600 * 1000;  // one key makes tickets so long…
inline constexpr size_t kTicketKeys = 4;                  // …and the last ones still open theirs
inline constexpr uint32_t kSessionSeconds = 12 * 3600;    // from its full handshake on
inline constexpr size_t kRootStoreBytes = 8 << 20;        // trusted roots for outbound connections

}  // namespace skep::limits
