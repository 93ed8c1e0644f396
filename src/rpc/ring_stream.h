// A connected UNIX stream socket as KJ wants it: bytes and descriptors, sent and received by the
// ring alone (SENDMSG, RECVMSG, SHUTDOWN), because a shard's seccomp filter knows no other way.
// Owned by a Connection, on the loop's thread of broker or shard.
#pragma once

#include <kj/async-io.h>

#include "base/unique_fd.h"
#include "loop/loop.h"

namespace skep::rpc {

// Makes the stream of a connected socket. receive_descriptors: false makes the kernel throw away
// whatever descriptors the peer sends. A read or a write whose promise is dropped ends the stream:
// bytes may be lost then, and nothing tells which.
kj::Own<kj::AsyncCapabilityStream> make_ring_stream(loop::Loop& loop, UniqueFd socket,
                                                    bool receive_descriptors);

}  // namespace skep::rpc
