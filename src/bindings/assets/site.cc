#include "bindings/assets/site.h"

#include <sys/mman.h>

#include <cerrno>
#include <utility>

#include "base/limits_assets.h"
#include "bindings/kv/kv_binding.h"
#include "net/http_date.h"
#include "rpc/descriptor.h"
#include "rpc/outcome.h"

namespace skep::bindings {
namespace {

std::string to_string(capnp::Text::Reader text) {
  return {text.begin(), text.size()};
}

SiteSettings read_settings(rpc::Assets::Reader from) {
  SiteSettings settings;
  switch (from.getHtml()) {
    case rpc::Assets::Html::AUTO_TRAILING_SLASH:
      settings.html = HtmlHandling::auto_trailing_slash;
      break;
    case rpc::Assets::Html::FORCE_TRAILING_SLASH:
      settings.html = HtmlHandling::force_trailing_slash;
      break;
    case rpc::Assets::Html::DROP_TRAILING_SLASH:
      settings.html = HtmlHandling::drop_trailing_slash;
      break;
    case rpc::Assets::Html::NONE:
      settings.html = HtmlHandling::none;
      break;
  }
  if (from.getNotFound() == rpc::Assets::NotFound::PAGE404)
    settings.not_found = NotFoundHandling::page_404;
  if (from.getNotFound() == rpc::Assets::NotFound::SINGLE_PAGE_APPLICATION)
    settings.not_found = NotFoundHandling::single_page_application;
  settings.has_worker = from.getHasWorker();
  settings.worker_first = from.getWorkerFirst();
  for (const auto rule : from.getWorkerFirstRules())
    settings.worker_first_rules.push_back(to_string(rule));
  for (const auto rule : from.getHeaders()) {
    SiteHeaderRule& to = settings.headers.emplace_back();
    to.host = to_string(rule.getHost());
    to.path = to_string(rule.getPath());
    for (const auto change : rule.getChanges()) {
      to.changes.push_back(
          {to_string(change.getName()), to_string(change.getValue()), change.getRemove()});
    }
  }
  for (const auto rule : from.getRedirects()) {
    settings.redirects.push_back(
        {to_string(rule.getFrom()), to_string(rule.getTo()), rule.getStatus(), rule.getDynamic()});
  }
  return settings;
}

}  // namespace

kj::Promise<std::shared_ptr<AssetSite>> AssetSite::make(BindingContext& context,
                                                        rpc::Assets::Reader from) {
  auto settings = std::make_shared<SiteSettings>(read_settings(from));
  return rpc::take_descriptor(from.getManifest())
      .then([&context, settings, bytes = from.getManifestBytes(),
             client = from.getSite()](UniqueFd&& fd) mutable {
        void* mapped = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd.get(), 0);
        if (mapped == MAP_FAILED) rpc::throw_error(Error{"the assets' manifest", errno});
        const std::string_view view(static_cast<const char*>(mapped), bytes);
        const auto manifest = AssetManifest::read(view);
        if (!manifest) {
          munmap(mapped, bytes);
          rpc::throw_error(Error{"the assets' manifest makes no sense", 0});
        }
        return std::make_shared<AssetSite>(context, kj::mv(client), std::move(*settings), view,
                                           *manifest);
      });
}

AssetSite::AssetSite(BindingContext& context, rpc::AssetSite::Client client, SiteSettings settings,
                     std::string_view manifest_bytes, AssetManifest manifest)
    : context_(context),
      client_(kj::mv(client)),
      mapped_(manifest_bytes),
      rules_(std::move(settings), manifest),
      kept_(context.asset_cache) {}

AssetSite::~AssetSite() {
  munmap(const_cast<char*>(mapped_.data()), mapped_.size());
}

void AssetSite::open(uint32_t index, Opened done) {
  if (waiters_ >= limits::kAssetWaiters) return done(fail("too many requests wait for assets"));
  waiters_++;
  auto& waiting = waiting_[index];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;
  auto request = client_.openRequest();
  request.setIndex(index);
  auto promise = request.send().then([](auto&& response) {
    auto file = std::make_shared<AssetFile>();
    file->facts.etag = "\"" + to_string(response.getEtag()) + "\"";
    file->facts.size = response.getSize();
    file->facts.modified_s = static_cast<int64_t>(response.getMtimeMs() / 1000);
    const net::HttpDate date = net::format_http_date(file->facts.modified_s);
    file->facts.last_modified.assign(date.data(), date.size());
    return rpc::take_descriptor(response.getFile()).then([file](UniqueFd&& fd) {
      file->fd = std::move(fd);
      return file;
    });
  });
  context_.tasks.add(rpc::when_done(
      kj::mv(promise), [self = shared_from_this(), index](Result<std::shared_ptr<AssetFile>> file) {
        if (!file || (*file)->facts.size > limits::kAssetSmallBytes)
          return self->opened(index, std::move(file));
        self->read_small(index, std::move(*file));
      }));
}

// The whole of a small file, so that it can be answered from memory.
void AssetSite::read_small(uint32_t index, std::shared_ptr<AssetFile> file) {
  file->small = true;
  auto reader = std::make_shared<FileReader>(context_.loop, std::move(file->fd), file->facts.size);
  auto next = std::make_shared<std::function<void()>>();
  *next = [self = shared_from_this(), index, file, reader, next] {
    reader->read(limits::kAssetSmallBytes,
                 [self, index, file, reader, next](Result<std::string> piece) {
                   // The function holds itself until it is through.
                   if (!piece || piece->empty()) {
                     const auto last = std::move(*next);
                     *next = nullptr;
                     if (!piece)
                       return self->opened(index, std::unexpected(std::move(piece.error())));
                     return self->opened(index, file);
                   }
                   file->body += *piece;
                   const auto again = next;
                   (*again)();
                 });
  };
  const auto first = next;
  (*first)();
}

void AssetSite::opened(uint32_t index, Result<std::shared_ptr<AssetFile>> file) {
  const auto found = waiting_.find(index);
  if (found == waiting_.end()) return;
  const auto waiting = std::move(found->second);
  waiting_.erase(found);
  waiters_ -= waiting.size();
  if (file) kept_.insert(index, *file);
  for (const Opened& done : waiting) {
    if (file) {
      done(std::shared_ptr<const AssetFile>(*file));
    } else {
      done(std::unexpected(file.error()));
    }
  }
}

AssetSite::Variant AssetSite::variant_of(uint32_t index, std::string_view accept_encoding) const {
  struct Coding {
    std::string_view extension, name;
  };
  constexpr Coding kCodings[] = {{".br", "br"}, {".zst", "zstd"}, {".gz", "gzip"}};
  Variant variant{index, {}, false};
  const AssetManifest& manifest = rules_.manifest();
  const std::string_view path = manifest.path(index);
  // They stand right behind it or nearly so, but for the few whose names lie between.
  std::string name(path);
  for (const Coding& coding : kCodings) {
    name.resize(path.size());
    name += coding.extension;
    const auto found = manifest.find(name);
    if (!found) continue;
    variant.varies = true;
    if (variant.coding.empty() && accepts_coding(accept_encoding, coding.name)) {
      variant.index = *found;
      variant.coding = coding.name;
    }
  }
  return variant;
}

}  // namespace skep::bindings
