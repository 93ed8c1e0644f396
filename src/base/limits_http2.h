// Bounds of HTTP/2 (src/net/http2). What HTTP/1.1 has too (sizes of heads, time-outs) stands in
// limits.h and holds for both.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skep::limits {

inline constexpr uint32_t kHttp2Streams = 128;             // open at once on one connection
inline constexpr int32_t kHttp2StreamWindow = 256 * 1024;  // of a request's body, unread
inline constexpr int32_t kHttp2ConnectionWindow = 1 << 20;
inline constexpr size_t kHttp2HeaderTableBytes = 4096;  // HPACK's dynamic table, ours
// A connection's frames that make work and carry none: RST_STREAM, PING, SETTINGS, PRIORITY, empty
// DATA, CONTINUATION, and streams refused or broken. So many at once, and so many a second; more:
// ENHANCE_YOUR_CALM.
inline constexpr double kHttp2IdleFramesBurst = 500;
inline constexpr double kHttp2IdleFramesPerSecond = 100;
inline constexpr size_t kHttp2HeaderFields = 10'000;    // of one block, decoded before giving up
inline constexpr size_t kHttp2ContinuationFrames = 16;  // of one header block
// A connection that is to end takes new streams until its client has answered, or for so long.
inline constexpr int64_t kHttp2NoticeMs = 1'000;
inline constexpr size_t kHttp2AcksQueued = 1'000;  // answers to PING and SETTINGS unsent

}  // namespace skep::limits
