// Bounds of what an operator and a Worker see of the edge: proxies in front, the access log,
// metrics, compressed responses.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skep::limits {

inline constexpr size_t kTrustedProxies = 1'000;    // entries of trusted_proxies
inline constexpr int64_t kProxyHeaderMs = 5'000;    // accepted to the PROXY header's end: closed
inline constexpr size_t kProxyHeaderBytes = 2'048;  // version 2, with its TLVs; more: closed
inline constexpr size_t kProxyHeadersPerShard = 4'096;  // connections that have not sent theirs
inline constexpr size_t kForwardedHops = 32;            // addresses looked at, from the right
inline constexpr size_t kForwardedBytes = 4'096;        // of one such header; longer: not believed

inline constexpr size_t kTracestateBytes = 512;  // W3C Trace Context 3.3.1.5: what is passed on

inline constexpr size_t kCompressLeastBytes = 860;       // a shorter body is sent as it is
inline constexpr size_t kCompressWholeBytes = 64 << 10;  // a whole body up to this keeps a length
inline constexpr size_t kCompressStepBytes = 16 << 10;   // of output at a time
inline constexpr size_t kCompressorsPerShard = 256;      // at once; more bodies go out as they are

inline constexpr size_t kAccessQueueEntries = 8'192;       // of a shard; more: counted and dropped
inline constexpr size_t kAccessEntriesPerCall = 256;       // of an RPC
inline constexpr size_t kAccessFieldBytes = 2'048;         // of a line's url, referer, user agent
inline constexpr int64_t kAccessLinesPerSecond = 500'000;  // of one shard, after a burst of…
inline constexpr int64_t kAccessBurstLines = 1'000'000;
inline constexpr size_t kAccessBufferBytes = 8 << 20;  // lines that the disk has not taken

inline constexpr size_t kAdminConnections = 16;
inline constexpr int64_t kAdminStatsMs =
    2'000;  // a shard that has not answered by then is left out

// Upper bounds of the request histograms; what is above the last is in one more bucket.
inline constexpr double kLatencySeconds[] = {0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                             0.05,   0.1,    0.25,  0.5,    1,     2.5,  10};
inline constexpr size_t kLatencyBuckets = sizeof(kLatencySeconds) / sizeof(double) + 1;

}  // namespace skep::limits
