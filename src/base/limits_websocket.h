// Bounds of WebSockets: frames and messages (src/net/websocket), sockets of a worker
// (src/api/websocket). In the manner of base/limits.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skep::limits {

inline constexpr size_t kWebSocketMessageBytes = 32ull << 20;  // received, decoded; more: 1009
inline constexpr size_t kWebSocketSendBytes = 64ull << 20;  // unsent of one socket; then it is cut
inline constexpr size_t kWebSocketUnsentBytes = 256ull << 20;  // unsent of all of one isolate
inline constexpr size_t kWebSocketQueueBytes =
    256 * 1024;                                          // received, not yet told: then it pauses
inline constexpr size_t kWebSocketQueueMessages = 256;   // the same, counted in messages
inline constexpr size_t kWebSocketsPerIsolate = 12'000;  // of clients; more: 503
inline constexpr int64_t kWebSocketQuietMs = 60'000;     // nothing heard: a ping
inline constexpr int64_t kWebSocketPongMs = 60'000;      // no answer to it either: gone
inline constexpr int64_t kWebSocketCloseMs = 10'000;     // from our Close frame to the peer's
inline constexpr int64_t kWebSocketLingerMs = 2'000;     // both Close frames through: until FIN
inline constexpr size_t kWebSocketPongsQueued =
    64 * 1024;                                         // unsent bytes; then pings go unanswered
inline constexpr size_t kWebSocketDeflateBytes = 256;  // smaller messages are sent as they are
inline constexpr size_t kWebSocketProtocolsBytes = 8 * 1024;  // of a client's list of subprotocols

}  // namespace skep::limits
