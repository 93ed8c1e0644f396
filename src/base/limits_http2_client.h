// Bounds of HTTP/2 towards origins (src/net/http2/client_*). In the manner of base/limits.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/limits_fetch.h"

namespace skep::limits {

inline constexpr uint32_t kHttp2ClientStreams = 100;  // at once on one connection, or the origin's
// A stream's window is the bound of what waits for the worker; the connection's is no bound of its
// own (it opens as bytes arrive), so that a response nobody reads does not hold up its neighbours.
inline constexpr int32_t kHttp2ClientStreamWindow = kClientReadAhead;
inline constexpr int32_t kHttp2ClientConnectionWindow = 4 << 20;
// Frames of an origin that carry nothing: PING, SETTINGS, PRIORITY, empty DATA, unknown ones. So
// many at once, and so many a second; more: the connection is closed.
inline constexpr double kHttp2ClientIdleFramesBurst = 1'000;
inline constexpr double kHttp2ClientIdleFramesPerSecond = 200;

}  // namespace skep::limits
