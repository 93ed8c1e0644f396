// rpc::WorkerSource: one worker as one shard may ask for it. The shard is hostile: every argument
// is checked, and what it gives to be kept is bounded. Lives as long as the shard's connection.
#pragma once

#include "bindings/broker/bindings.h"
#include "broker/deployments.h"
#include "broker/log_output.h"
#include "loop/loop.h"
#include "rpc/skep.capnp.h"

namespace skep::broker {

class WorkerSourceServer final : public rpc::WorkerSource::Server {
 public:
  // cache_budget: bytes that this shard may still have kept; shared by all sources of the shard, as
  // `share` is. bindings: null where there are none to be had.
  WorkerSourceServer(loop::Loop& loop, Deployments& deployments, size_t index,
                     std::shared_ptr<RateLimit> cache_budget, rpc::Outbound::Client outbound,
                     bindings::BrokerBindings* bindings,
                     std::shared_ptr<bindings::ShardShare> share);

  kj::Promise<void> load(LoadContext context) override;
  kj::Promise<void> resolve(ResolveContext context) override;
  kj::Promise<void> storeCache(StoreCacheContext context) override;

 private:
  loop::Loop& loop_;
  Deployments& deployments_;
  size_t index_;
  std::shared_ptr<RateLimit> cache_budget_;
  rpc::Outbound::Client outbound_;  // handed over with the worker
  bindings::BrokerBindings* bindings_;
  std::shared_ptr<bindings::ShardShare> share_;

  void write_bindings(rpc::WorkerInfo::Builder out, const Deployment::Version& version);
};

}  // namespace skep::broker
