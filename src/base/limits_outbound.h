// Bounds of outbound connections: what the broker resolves and connects for shards (src/broker),
// and the sockets of an event (src/api/sockets). In the manner of base/limits.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skep::limits {

// --- connections, of one shard (src/broker/outbound.h) ---
inline constexpr size_t kOutboundPerWorker = 1'024;    // being made or not yet taken; refused
inline constexpr size_t kOutboundPerShard = 4'096;     // as above, of all its workers
inline constexpr int64_t kOutboundPerSecond = 2'000;   // connections begun; more are refused
inline constexpr int64_t kOutboundBurst = 8'000;       // as above, at once
inline constexpr int64_t kOutboundConnectMs = 20'000;  // all addresses of a name together
inline constexpr int64_t kOutboundStaggerMs = 250;     // then the next address is tried as well
inline constexpr size_t kOutboundAddresses = 16;       // of one name; the rest are not tried
inline constexpr size_t kOutboundHostBytes = 253;      // a name; longer: refused
inline constexpr size_t kOutboundRules = 1'000;        // of [outbound] in skep.toml, each list
inline constexpr size_t kOutboundResolvers = 8;        // of [outbound] in skep.toml

// --- names (src/broker/resolver.h) ---
inline constexpr size_t kResolverNames = 4'096;     // known or being asked for
inline constexpr size_t kResolverWaiting = 16'384;  // for answers; more fail at once
inline constexpr int kResolverTimeoutMs = 1'500;    // of the first try, then doubled
inline constexpr int kResolverTries = 3;
inline constexpr int64_t kResolverLeastTtlMs = 1'000;
inline constexpr int64_t kResolverMostTtlMs = 300'000;
inline constexpr int64_t kResolverNegativeMs = 5'000;  // no such name
inline constexpr int64_t kResolverFailedMs = 1'000;    // no answer
inline constexpr int64_t kResolverConfigMs = 5'000;    // how often resolv.conf is looked at

// --- cloudflare:sockets (src/api/sockets) ---
inline constexpr size_t kSocketsPerEvent = 64;              // open at once; more: an error
inline constexpr size_t kSocketReadAhead = 64 * 1024;       // bytes that nobody has asked for
inline constexpr size_t kSocketSendHighWater = 256 * 1024;  // then a write waits

}  // namespace skep::limits
