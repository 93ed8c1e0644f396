// rpc::Outbound: the connections that one worker may have to the outside. The broker resolves the
// name, checks each address against the policy and connects to that very address, so a name that
// changes its mind in between gains nothing; the shard gets the connected socket and speaks over
// it. The shard is hostile: it names a host and a port, and that is all it may say.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "broker/log_output.h"
#include "broker/options.h"
#include "broker/outbound_policy.h"
#include "broker/resolver.h"
#include "loop/loop.h"
#include "rpc/skep.capnp.h"

namespace skep::broker {

// What all shards' workers share.
struct OutboundService {
  loop::Loop& loop;
  OutboundPolicy policy;
  std::unique_ptr<Resolver> resolver;
};
// listening: sockets of ours, which workers may not connect to.
Result<std::shared_ptr<OutboundService>> make_outbound_service(
    loop::Loop& loop, const BrokerOptions& options, const std::vector<UniqueFd>& listening);

// What the workers of one shard share: how many connections it may still ask for.
struct OutboundShare {
  OutboundShare();
  RateLimit rate;
  size_t open = 0;  // being made, or not yet taken
};

class OutboundServer final : public rpc::Outbound::Server {
 public:
  OutboundServer(std::shared_ptr<OutboundService> service, std::shared_ptr<OutboundShare> share)
      : service_(std::move(service)), share_(std::move(share)) {}

  kj::Promise<void> connect(ConnectContext context) override;

 private:
  const std::shared_ptr<OutboundService> service_;
  const std::shared_ptr<OutboundShare> share_;
  const std::shared_ptr<size_t> open_ = std::make_shared<size_t>(0);  // of this worker
};

}  // namespace skep::broker
