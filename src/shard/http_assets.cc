// Requests that a worker's assets answer: no isolate is woken. Small files leave from memory in one
// write, large ones piece by piece as fast as the client takes them.
#include <fcntl.h>

#include "base/limits_assets.h"
#include "bindings/assets/mime.h"
#include "net/headers.h"
#include "shard/http_request.h"

namespace skep::shard {

bool HttpRequest::on_assets(const std::shared_ptr<bindings::AssetSite>& site) {
  const net::RequestHead& head = exchange_->head();
  bindings::SiteRequest request{head.method, url_.path, {}, false};
  const size_t after = static_cast<size_t>(url_.path.data() - url_.href.data()) + url_.path.size();
  request.query = std::string_view(url_.href).substr(after);
  request.navigation =
      site->serves_navigation && net::header_value(head.headers, "sec-fetch-mode") == "navigate";
  const bindings::SiteAnswer answer = site->rules().route(request);
  if (answer.kind == bindings::SiteAnswer::Kind::worker) return false;
  waiting_ = false;
  if (answer.kind == bindings::SiteAnswer::Kind::file) {
    open_asset(site, answer.index, answer.status);
    return true;
  }
  send_asset(bindings::reply_without_file(
                 {site->rules(), head.method, url_.host, url_.path, head.headers}, answer),
             nullptr);
  return true;
}

void HttpRequest::open_asset(const std::shared_ptr<bindings::AssetSite>& site, uint32_t index,
                             int status) {
  const auto variant =
      site->variant_of(index, net::header_value(exchange_->head().headers, "accept-encoding"));
  const auto send = [this, site, index, status, variant](const bindings::AssetFile& file) {
    const net::RequestHead& head = exchange_->head();
    send_asset(bindings::reply_with_file(
                   {site->rules(), head.method, url_.host, url_.path, head.headers}, file.facts,
                   status, bindings::content_type_of(site->rules().manifest().path(index)),
                   variant.coding, variant.varies),
               &file);
  };
  if (const auto* kept = site->kept(variant.index)) {
    const auto file = *kept;
    return send(*file);
  }
  asset_wait_ = std::make_shared<char>();
  site->open(variant.index, [this, wait = std::weak_ptr<char>(asset_wait_),
                             send](Result<std::shared_ptr<const bindings::AssetFile>> file) {
    // The client has gone, and this object with it, or it serves another.
    if (wait.expired()) return;
    asset_wait_.reset();
    if (file) return send(**file);
    end_asset(api::Outcome::exception);
    answer_plain(file.error().code == ENOENT ? 404 : 503);
  });
}

void HttpRequest::send_asset(const bindings::AssetReply& reply, const bindings::AssetFile* file) {
  net::ResponseHead head;
  head.status = reply.status;
  head.headers = reply.headers;
  status_ = reply.status;
  const bool has_file = file != nullptr && reply.status != 304 && reply.status != 416;
  if (has_file && !file->small) return stream_asset(head, reply, *file);
  std::string_view body;
  if (has_file) body = std::string_view(file->body).substr(reply.begin, reply.end - reply.begin);
  end_asset(api::Outcome::ok);
  finished_ = true;
  // The exchange leaves the body out where the request was a HEAD.
  const bool whole = has_file && body.size() == file->body.size();
  send(head, body, true, whole ? &file->encoded : nullptr);
}

void HttpRequest::stream_asset(const net::ResponseHead& from, const bindings::AssetReply& reply,
                               const bindings::AssetFile& file) {
  net::ResponseHead head = from;
  head.content_length = reply.end - reply.begin;
  if (!reply.body) {
    end_asset(api::Outcome::ok);
    finished_ = true;
    exchange_->respond(head, {}, false);
    if (exchange_ != nullptr) exchange_->finish();
    return;
  }
  // Of its own, so that what is kept may be given up meanwhile.
  UniqueFd fd(fcntl(file.fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!fd) {
    end_asset(api::Outcome::exception);
    return answer_plain(503);
  }
  asset_ =
      std::make_unique<bindings::FileReader>(owner_.loop(), std::move(fd), reply.end, reply.begin);
  send(head, {}, false);
  pump_asset();
}

void HttpRequest::pump_asset() {
  // One read at a time: while it runs, the next piece is on its way already.
  if (exchange_ == nullptr || !asset_ || asset_->reading()) return;
  asset_->read(limits::kAssetChunkBytes, [this, use = use_](Result<std::string> piece) {
    if (use == use_) on_asset_piece(std::move(piece));
  });
}

void HttpRequest::on_asset_piece(Result<std::string> piece) {
  if (!piece) {
    // The client must not take it for the whole.
    end_asset(api::Outcome::exception);
    return abort();
  }
  if (piece->empty()) {
    asset_.reset();
    end_asset(api::Outcome::ok);
    return finish();
  }
  if (write(*piece)) pump_asset();
}

void HttpRequest::end_asset(api::Outcome outcome) {
  asset_.reset();
  asset_wait_.reset();
  ended_ns_ = owner_.loop().now_ns();
  note_end(outcome, 0);
  if (!owner_.config().dev) return;
  api::EventResult result;
  result.outcome = outcome;
  log_line(result);
}

}  // namespace skep::shard
