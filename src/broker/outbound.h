// rpc::Outbound: the connections that one worker may have to the outside. The broker checks the
// address against the policy and connects to that very address; the shard gets the connected socket
// and speaks over it. The shard is hostile: it names a host and a port, and that is all it may say.
#pragma once

#include <memory>

#include "loop/loop.h"
#include "rpc/skep.capnp.h"

namespace skep::broker {

struct OutboundPolicy {
  bool local = false;  // loopback, link-local and private addresses too: dev mode
};

class OutboundServer final : public rpc::Outbound::Server {
 public:
  OutboundServer(loop::Loop& loop, OutboundPolicy policy) : loop_(loop), policy_(policy) {}

  kj::Promise<void> connect(ConnectContext context) override;

 private:
  loop::Loop& loop_;
  OutboundPolicy policy_;
  const std::shared_ptr<size_t> connecting_ = std::make_shared<size_t>(0);
};

}  // namespace skep::broker
