// HTTP/2 towards an origin (RFC 9113), on nghttp2: one connection that carries many exchanges at
// once, for the pools of net/client. Frames, header compression, flow control and the state machine
// are nghttp2's; bounds, time-outs and what the exchanges' owners hear are here. Owned by a pool.
// Runs in the shard, on the loop's thread; bytes of an origin are hostile.
#pragma once

#include <functional>
#include <memory>

#include "net/client/pool.h"
#include "net/stream.h"

namespace skep::net::http2 {

// As PoolOptions::http2 wants it: `stream` has agreed on "h2". A request given to start() has been
// through RequestCopy (its parts are valid, hop-by-hop headers are gone) and wants no upgrade.
// on_change comes on the loop's stack; after on_change(true) the session carries nothing more, and
// exchanges that still have something to tell live on without it.
std::unique_ptr<ClientSession> make_client_session(loop::Loop& loop, std::unique_ptr<Stream> stream,
                                                   std::function<void(bool broken)> on_change);

}  // namespace skep::net::http2
