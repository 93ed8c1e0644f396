// A worker's connections to the outside: the broker is asked for a connected socket; what is spoken
// over it is the shard's affair. Owned by the worker; on the loop's thread.
#pragma once

#include "loop/loop.h"
#include "net/client/connector.h"
#include "shard/host_link.h"

namespace skep::shard {

class OutboundConnector final : public net::Connector {
 public:
  OutboundConnector(loop::Loop& loop, HostLink& host, uint32_t worker)
      : loop_(loop), host_(host), worker_(worker) {}

  std::unique_ptr<net::ConnectAttempt> connect(const net::ConnectTarget& target,
                                               Done done) override;

 private:
  loop::Loop& loop_;
  HostLink& host_;
  const uint32_t worker_;
};

}  // namespace skep::shard
