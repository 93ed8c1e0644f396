// Cap'n Proto RPC over one UNIX socket between broker and shard. The broker makes one Connection a
// shard; a shard makes one. Destroying it ends the connection: calls in flight fail as
// disconnected.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <capnp/serialize-async.h>
#include <kj/async.h>

#include "base/unique_fd.h"
#include "loop/loop.h"

namespace skep::rpc {

enum class Role { broker, shard };

class Connection {
 public:
  // Takes a connected stream socket. `bootstrap` is what the peer gets when it asks for our first
  // capability; null where it never does. The broker throws away descriptors that a shard sends: it
  // has no use for any.
  Connection(loop::Loop& loop, UniqueFd socket, Role role, capnp::Capability::Client bootstrap);
  KJ_DISALLOW_COPY_AND_MOVE(Connection);

  // The peer's first capability.
  capnp::Capability::Client bootstrap();

  // Done when the peer is gone or has broken the protocol.
  kj::Promise<void> on_disconnect() { return network_.onDisconnect(); }

  // Bytes of messages that the peer has not yet read. A peer that asks and never reads is cut off
  // by whoever owns the connection.
  size_t queued_bytes() { return network_.getCurrentQueueSize(); }

 private:
  // In the order of their making: what is below uses what is above.
  kj::Own<kj::AsyncCapabilityStream> stream_;
  // Not the buffered one: it loses descriptors of a message that is longer than its buffer and
  // comes right behind another.
  capnp::AsyncCapabilityMessageStream messages_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> system_;
  Role role_;
  bool gone_ = false;
  kj::Promise<void> watch_;
  kj::Maybe<capnp::Capability::Client> peer_;  // asked for when it is wanted
};

}  // namespace skep::rpc
