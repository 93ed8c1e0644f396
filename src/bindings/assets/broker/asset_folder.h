// The files of one version of a worker's assets, as the broker has them: found by a walk over the
// directory when the version is made, opened one by one when a shard asks. Nothing outside of the
// directory is ever opened: links are not followed (openat2 with RESOLVE_BENEATH and
// RESOLVE_NO_SYMLINKS), and only what the walk found. Shared by the capabilities; the loop's
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "bindings/broker/shard_share.h"
#include "config/assets.h"
#include "rpc/skep.capnp.h"

namespace skep::bindings {

class AssetFolder {
 public:
  // Walks over `path` (absolute) and reads its _headers, _redirects and .assetsignore. What is
  // wrong with those are diagnostics. Errors: no such folder, too many files, one that is too
  // large.
  static Result<std::shared_ptr<AssetFolder>> open(std::string path, config::AssetsConfig config,
                                                   config::Diagnostics& diagnostics);

  struct Opened {
    UniqueFd fd;
    uint64_t size = 0;
    int64_t mtime_ms = 0;
    std::string etag;  // of the content
  };
  Result<Opened> open_file(uint32_t index);

  const config::AssetsConfig& config() const { return config_; }
  const config::AssetRules& rules() const { return rules_; }
  size_t files() const { return paths_.size(); }
  // A sealed memory file.
  int manifest() const { return manifest_.get(); }
  uint64_t manifest_bytes() const { return manifest_bytes_; }
  // Changes with every path, size and time of change, and with the rules: what a new version is
  // known by.
  const std::string& fingerprint() const { return fingerprint_; }
  // The folders of the walk: a change in one of them is a change of the site.
  const std::vector<std::string>& folders() const { return folders_; }

 private:
  friend class AssetWalk;
  struct Hashed {
    uint64_t inode = 0, size = 0;
    int64_t mtime_ns = 0;
    std::string etag;
  };
  Result<> read_rules(config::Diagnostics& diagnostics, config::AssetIgnore& ignore);
  Result<> make_manifest();

  std::string path_;
  config::AssetsConfig config_;
  config::AssetRules rules_;
  UniqueFd root_;
  std::vector<std::string> paths_;  // relative, sorted
  std::vector<std::string> folders_;
  std::string fingerprint_;
  UniqueFd manifest_;
  uint64_t manifest_bytes_ = 0;
  std::map<uint32_t, Hashed> hashes_;
};

// Fills `out` for one shard. has_worker: there is a module to run, too.
void write_assets(std::shared_ptr<AssetFolder> folder, bool has_worker,
                  std::shared_ptr<ShardShare> share, rpc::Assets::Builder out);

}  // namespace skep::bindings
