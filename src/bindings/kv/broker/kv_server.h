// rpc::KvNamespace: one namespace as one worker on one shard holds it. The shard is hostile: every
// argument is checked, and what it may hold is counted. Lives as long as its capability.
#pragma once

#include <memory>

#include "bindings/broker/shard_share.h"
#include "bindings/kv/broker/kv_store.h"
#include "rpc/skep.capnp.h"

namespace skep::bindings {

class KvServer final : public rpc::KvNamespace::Server {
 public:
  KvServer(std::shared_ptr<KvData> data, std::shared_ptr<ShardShare> share);

  kj::Promise<void> get(GetContext context) override;
  kj::Promise<void> put(PutContext context) override;
  kj::Promise<void> putLarge(PutLargeContext context) override;
  kj::Promise<void> delete_(DeleteContext context) override;
  kj::Promise<void> list(ListContext context) override;
  kj::Promise<void> generations(GenerationsContext context) override;

 private:
  std::shared_ptr<KvData> data_;
  std::shared_ptr<ShardShare> share_;
};

}  // namespace skep::bindings
