// rpc::Outbound: the connections that one worker may have to the outside. The broker checks the
// address against the policy and connects to that very address; the shard gets the connected socket
// and speaks over it. The shard is hostile: it names a host and a port, and that is all it may say.
#pragma once

#include <memory>

#include "broker/options.h"
#include "loop/loop.h"
#include "rpc/skep.capnp.h"

namespace skep::broker {

class OutboundServer final : public rpc::Outbound::Server {
 public:
  OutboundServer(loop::Loop& loop, const BrokerOptions& options) : loop_(loop), options_(options) {}

  kj::Promise<void> connect(ConnectContext context) override;

 private:
  loop::Loop& loop_;
  const BrokerOptions& options_;
  const std::shared_ptr<size_t> connecting_ = std::make_shared<size_t>(0);
};

}  // namespace skep::broker
