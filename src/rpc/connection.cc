#include "rpc/connection.h"

#include <kj/debug.h>

#include "base/limits.h"
#include "rpc/ring_stream.h"

namespace skep::rpc {
namespace {

using capnp::rpc::twoparty::Side;

Side side_of(Role role) {
  return role == Role::broker ? Side::SERVER : Side::CLIENT;
}

// Cap'n Proto refuses a message longer than what may be traversed of it, before it takes memory for
// it, so this one number bounds both.
capnp::ReaderOptions reader_options() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = limits::kRpcMessageWords;
  options.nestingLimit = 64;
  return options;
}

capnp::Capability::Client bootstrap_of_peer(capnp::RpcSystem<capnp::rpc::twoparty::VatId>& system,
                                            Role role) {
  capnp::MallocMessageBuilder message(4);
  auto peer = message.initRoot<capnp::rpc::twoparty::VatId>();
  peer.setSide(side_of(role == Role::broker ? Role::shard : Role::broker));
  return system.bootstrap(peer);
}

}  // namespace

Connection::Connection(loop::Loop& loop, UniqueFd socket, Role role,
                       capnp::Capability::Client bootstrap)
    : stream_(make_ring_stream(loop, std::move(socket), role == Role::shard)),
      messages_(*stream_),
      network_(messages_, limits::kRpcFdsPerMessage, side_of(role), reader_options()),
      system_(capnp::makeRpcServer(network_, kj::mv(bootstrap))),
      role_(role),
      watch_(network_.onDisconnect().then([this] { gone_ = true; }).eagerlyEvaluate(nullptr)) {
  // Asking for the peer's capability is also what makes the shard's side of the network begin to
  // read.
  if (role == Role::shard) peer_ = bootstrap_of_peer(system_, role);
  // Calls that wait for their answer may hold this much; above it nothing more is read.
  system_.setFlowLimit(limits::kRpcMessageWords);
}

capnp::Capability::Client Connection::bootstrap() {
  KJ_IF_MAYBE (peer, peer_) return *peer;
  // Cap'n Proto would begin a new conversation on the socket that it has shut down.
  if (gone_) return KJ_EXCEPTION(DISCONNECTED, "the peer is gone");
  auto peer = bootstrap_of_peer(system_, role_);
  peer_ = peer;
  return peer;
}

}  // namespace skep::rpc
