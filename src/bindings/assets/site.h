// The assets of one version of a worker on this shard: the rules, the manifest mapped from the
// broker's memory file, and what was opened lately. Small files are kept whole; of larger ones the
// descriptor. Shared by the requests and the isolates of that version; on the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "bindings/assets/asset_cache.h"
#include "bindings/assets/reply.h"
#include "bindings/assets/site_rules.h"
#include "bindings/bindings.h"
#include "rpc/skep.capnp.h"

namespace skep::bindings {

class AssetSite : public std::enable_shared_from_this<AssetSite> {
 public:
  using Opened = std::function<void(Result<std::shared_ptr<const AssetFile>>)>;

  // Takes the manifest's descriptor when it has come; fails where what came makes no sense.
  static kj::Promise<std::shared_ptr<AssetSite>> make(BindingContext& context,
                                                      rpc::Assets::Reader from);
  AssetSite(BindingContext& context, rpc::AssetSite::Client client, SiteSettings settings,
            std::string_view manifest_bytes, AssetManifest manifest);
  ~AssetSite();

  const SiteRules& rules() const { return rules_; }
  // The worker has the flag assets_navigation_prefers_asset_serving.
  bool serves_navigation = false;
  bool has_worker() const { return rules_.settings().has_worker; }

  // What is kept of a file; null: open it. Valid until the loop turns.
  const std::shared_ptr<const AssetFile>* kept(uint32_t index) { return kept_.find(index); }
  // Opens it, or joins those who wait for it. `done` comes later, or at once with an error.
  void open(uint32_t index, Opened done);

  // The file of `index` as this client may have it: a sibling "x.br", "x.zst" or "x.gz" where the
  // client takes that coding.
  struct Variant {
    uint32_t index = 0;
    std::string_view coding;  // "" : none
    bool varies = false;
  };
  Variant variant_of(uint32_t index, std::string_view accept_encoding) const;

  BindingContext& context() { return context_; }

 private:
  void opened(uint32_t index, Result<std::shared_ptr<AssetFile>> file);
  void read_small(uint32_t index, std::shared_ptr<AssetFile> file);

  BindingContext& context_;
  rpc::AssetSite::Client client_;
  const std::string_view mapped_;
  const SiteRules rules_;
  AssetSpace kept_;
  std::unordered_map<uint32_t, std::vector<Opened>> waiting_;
  size_t waiters_ = 0;
};

}  // namespace skep::bindings
