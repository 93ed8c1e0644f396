// Bounds of outbound fetch: the HTTP client (src/net/client) and the subrequests of an event
// (src/api/fetch). In the manner of base/limits.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skep::limits {

// --- HTTP client: of one worker on one shard (src/net/client) ---
inline constexpr size_t kClientConnections = 1'024;       // open and being opened; more wait
inline constexpr size_t kClientConnectionsPerHost = 256;  // to one scheme, host and port; more wait
inline constexpr size_t kClientIdleConnections = 128;     // kept for reuse; the oldest goes first
inline constexpr size_t kClientIdlePerHost = 64;
inline constexpr int64_t kClientIdleMs = 60'000;        // then an unused connection is closed
inline constexpr size_t kClientWaiting = 20'000;        // exchanges without a connection; failed
inline constexpr int64_t kClientConnectMs = 30'000;     // name, TCP and TLS together
inline constexpr int64_t kClientHeadMs = 120'000;       // request sent, no head of a response
inline constexpr int64_t kClientBodyMs = 300'000;       // no byte of a body that is waited for
inline constexpr int64_t kClientSendMs = 60'000;        // the origin takes nothing
inline constexpr int64_t kClientCheckMs = 5'000;        // how often progress is looked at
inline constexpr size_t kClientReadAhead = 128 * 1024;  // of a response body nobody asked for
inline constexpr size_t kClientSendHighWater = 256 * 1024;     // of a request body: then it waits
inline constexpr size_t kClientRequestHeadBytes = 256 * 1024;  // more: refused
inline constexpr unsigned kClientInterimResponses = 16;  // 1xx before an answer; then it failed
inline constexpr unsigned kClientRefusals =
    3;  // by HTTP/2 connections that go away; then it failed

// --- subrequests (src/api/fetch) ---
inline constexpr size_t kSubrequestsPerEvent = 10'000;   // [limits] subrequests
inline constexpr size_t kDecodedChunkBytes = 64 * 1024;  // of a coded body, in one step

}  // namespace skep::limits
