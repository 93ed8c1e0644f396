#include "bindings/bindings.h"

#include <array>

#include "api/rpc/service_binding.h"
#include "bindings/assets/assets_binding.h"
#include "bindings/kv/kv_binding.h"
#include "bindings/ratelimit/ratelimit.h"
#include "bindings/secrets/secrets.h"

namespace skep::bindings {

// The list of kinds: what the broker's half (broker/bindings.cc) sends.
std::shared_ptr<api::Binding> make_binding(BindingContext& context, rpc::Binding::Reader from,
                                           std::shared_ptr<AssetSite> site) {
  switch (from.which()) {
    case rpc::Binding::TEXT:
    case rpc::Binding::JSON:
      return nullptr;
    case rpc::Binding::SERVICE: {
      const auto target = from.getService();
      const auto entrypoint = target.getEntrypoint();
      const auto props = target.getProps();
      return std::make_shared<api::ServiceBinding>(std::make_shared<api::EntrypointCapability>(
          context.service(target.getWorker()),
          api::EntryChoice{.name = {entrypoint.begin(), entrypoint.size()},
                           .props_json = {props.begin(), props.size()},
                           .props = nullptr}));
    }
    case rpc::Binding::KV:
      return std::make_shared<KvBinding>(context, from.getKv());
    case rpc::Binding::RATE_LIMIT:
      return std::make_shared<RateLimitBinding>(context, from.getRateLimit());
    case rpc::Binding::STORE_SECRET:
      return std::make_shared<StoreSecretBinding>(context, from.getStoreSecret());
    case rpc::Binding::ASSETS:
      return std::make_shared<AssetsBinding>(std::move(site));
  }
  return nullptr;
}

// The natives of the bindings' parts, by folder.
const api::Parts& parts() {
  static const api::Parts parts = [] {
    const std::array tables = {
        api::PartOps{"assets", assets_ops()},
        api::PartOps{"kv", kv_ops()},
        api::PartOps{"ratelimit", ratelimit_ops()},
        api::PartOps{"secrets", secrets_ops()},
    };
    return api::make_embedded_parts(tables);
  }();
  return parts;
}

}  // namespace skep::bindings
