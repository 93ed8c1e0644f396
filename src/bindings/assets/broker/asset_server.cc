// AssetSite: what a shard may ask of the assets of one version.
#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>

#include "base/limits_assets.h"
#include "base/log.h"
#include "bindings/assets/broker/asset_folder.h"
#include "rpc/descriptor.h"
#include "rpc/outcome.h"

namespace skep::bindings {
namespace {

capnp::Text::Reader text(const std::string& from) {
  return {from.c_str(), from.size()};
}

// Counted while the shard holds it.
class FileServer final : public rpc::AssetFile::Server {
 public:
  FileServer(UniqueFd fd, std::shared_ptr<ShardShare> share)
      : fd_(std::move(fd)), share_(std::move(share)), held_(share_->asset_files) {}
  kj::Maybe<int> getFd() override { return fd_.get(); }

 private:
  UniqueFd fd_;
  std::shared_ptr<ShardShare> share_;
  Held held_;
};

class ManifestServer final : public rpc::AssetFile::Server {
 public:
  explicit ManifestServer(std::shared_ptr<AssetFolder> folder) : folder_(std::move(folder)) {}
  kj::Maybe<int> getFd() override { return folder_->manifest(); }

 private:
  std::shared_ptr<AssetFolder> folder_;
};

class SiteServer final : public rpc::AssetSite::Server {
 public:
  SiteServer(std::shared_ptr<AssetFolder> folder, std::shared_ptr<ShardShare> share)
      : folder_(std::move(folder)), share_(std::move(share)) {}

  kj::Promise<void> open(OpenContext context) override {
    if (share_->asset_files >= limits::kAssetFilesHeld)
      rpc::throw_error(Error{"too many assets are open at once", EMFILE});
    auto opened = folder_->open_file(context.getParams().getIndex());
    if (!opened) {
      log_warn("asset {}", opened.error().message);
      rpc::throw_error(opened.error());
    }
    auto results = context.getResults();
    results.setFile(kj::heap<FileServer>(std::move(opened->fd), share_));
    results.setSize(opened->size);
    results.setMtimeMs(static_cast<uint64_t>(std::max<int64_t>(0, opened->mtime_ms)));
    results.setEtag(text(opened->etag));
    return kj::READY_NOW;
  }

 private:
  std::shared_ptr<AssetFolder> folder_;
  std::shared_ptr<ShardShare> share_;
};

rpc::Assets::Html wire(config::HtmlHandling html) {
  switch (html) {
    case config::HtmlHandling::auto_trailing_slash:
      return rpc::Assets::Html::AUTO_TRAILING_SLASH;
    case config::HtmlHandling::force_trailing_slash:
      return rpc::Assets::Html::FORCE_TRAILING_SLASH;
    case config::HtmlHandling::drop_trailing_slash:
      return rpc::Assets::Html::DROP_TRAILING_SLASH;
    case config::HtmlHandling::none:
      break;
  }
  return rpc::Assets::Html::NONE;
}

rpc::Assets::NotFound wire(config::NotFoundHandling handling) {
  switch (handling) {
    case config::NotFoundHandling::page_404:
      return rpc::Assets::NotFound::PAGE404;
    case config::NotFoundHandling::single_page_application:
      return rpc::Assets::NotFound::SINGLE_PAGE_APPLICATION;
    case config::NotFoundHandling::none:
      break;
  }
  return rpc::Assets::NotFound::NONE;
}

void write_rules(const config::AssetRules& rules, rpc::Assets::Builder out) {
  auto headers = out.initHeaders(static_cast<unsigned>(rules.headers.size()));
  for (unsigned i = 0; i < headers.size(); ++i) {
    const config::AssetHeaderRule& rule = rules.headers[i];
    headers[i].setHost(text(rule.host));
    headers[i].setPath(text(rule.path));
    auto changes = headers[i].initChanges(static_cast<unsigned>(rule.changes.size()));
    for (unsigned j = 0; j < changes.size(); ++j) {
      changes[j].setName(text(rule.changes[j].name));
      changes[j].setValue(text(rule.changes[j].value));
      changes[j].setRemove(rule.changes[j].remove);
    }
  }
  auto redirects = out.initRedirects(static_cast<unsigned>(rules.redirects.size()));
  for (unsigned i = 0; i < redirects.size(); ++i) {
    const config::AssetRedirect& rule = rules.redirects[i];
    redirects[i].setFrom(text(rule.from));
    redirects[i].setTo(text(rule.to));
    redirects[i].setStatus(rule.status);
    redirects[i].setDynamic(rule.dynamic);
  }
}

}  // namespace

void write_assets(std::shared_ptr<AssetFolder> folder, bool has_worker,
                  std::shared_ptr<ShardShare> share, rpc::Assets::Builder out) {
  const config::AssetsConfig& config = folder->config();
  out.setManifest(kj::heap<ManifestServer>(folder));
  out.setManifestBytes(folder->manifest_bytes());
  out.setHtml(wire(config.html));
  out.setNotFound(wire(config.not_found));
  out.setWorkerFirst(config.worker_first);
  auto first = out.initWorkerFirstRules(static_cast<unsigned>(config.worker_first_rules.size()));
  for (unsigned i = 0; i < first.size(); ++i) first.set(i, text(config.worker_first_rules[i]));
  write_rules(folder->rules(), out);
  out.setHasWorker(has_worker);
  out.setSite(kj::heap<SiteServer>(std::move(folder), std::move(share)));
}

}  // namespace skep::bindings
