#include "net/testing.h"

#include <algorithm>
#include <charconv>

#include "base/assert.h"

namespace skep::net::testing {
namespace {

constexpr size_t kStreamPieceBytes = 16 * 1024;

uint64_t number_after(std::string_view path, std::string_view prefix) {
  uint64_t value = 0;
  path.remove_prefix(prefix.size());
  std::from_chars(path.data(), path.data() + path.size(), value);
  return value;
}

const Header kTextHeaders[] = {{"Content-Type", "text/plain"}};

}  // namespace

void Site::on_request(HttpExchange& exchange) {
  requests++;
  auto& visit = open.emplace_back(std::make_unique<Visit>(*this, exchange));
  exchange.set_events(visit.get());
  Visit* started = visit.get();
  call_hook("request");
  // The hook may have destroyed the server, and with it the visit.
  const auto still = [&](const auto& one) { return one.get() == started; };
  if (std::ranges::any_of(open, still)) started->start();
}

void Site::remove(Visit* visit) {
  std::erase_if(open, [&](const auto& one) { return one.get() == visit; });
}

void Visit::start() {
  path_ = exchange_->head().target;
  const std::string_view path = path_;
  if (path == "/hold") return;
  if (path == "/abort") return exchange_->abort();
  if (path == "/echo" || path == "/pipe") {
    if (path == "/pipe") exchange_->respond({.headers = kTextHeaders}, "", false);
    return exchange_->pull_body();
  }
  if (path.starts_with("/stream/") || path.starts_with("/sized/")) {
    const bool sized = path.starts_with("/sized/");
    stream_left_ =
        std::min(number_after(path, sized ? "/sized/" : "/stream/"), site_.most_stream_bytes);
    ResponseHead head{.headers = kTextHeaders};
    if (sized) head.content_length = stream_left_;
    exchange_->respond(head, "", false);
    return stream_more();
  }
  if (path == "/cut") {
    exchange_->respond({.headers = kTextHeaders, .content_length = 10}, "12345", false);
    return exchange_->finish();
  }
  exchange_->respond({.headers = kTextHeaders}, "hello\n", true);
}

void Visit::stream_more() {
  static const std::string piece(kStreamPieceBytes, 'x');
  while (stream_left_ > 0) {
    const size_t bytes = std::min<uint64_t>(stream_left_, piece.size());
    stream_left_ -= bytes;
    if (!exchange_->write(std::string_view(piece).substr(0, bytes))) return;
  }
  exchange_->finish();
}

void Visit::on_body(std::span<const char> data) {
  site_.body_bytes += data.size();
  if (site_.keep_bodies) body.append(data.data(), data.size());
  Site& site = site_;
  const std::string path = path_;
  const size_t open_before = site.open.size();
  site.call_hook("body");
  if (site.open.size() != open_before) return;
  if (path == "/pipe") {
    // Pulls again only when the client takes what it gets.
    if (!exchange_->write({data.data(), data.size()})) return;
  }
  exchange_->pull_body();
}

void Visit::on_body_end() {
  Site& site = site_;
  const size_t open_before = site.open.size();
  site.call_hook("body_end");
  if (site.open.size() != open_before) return;
  site.log.append(exchange_->head().method).append(" ").append(path_);
  site.log.append(" (").append(body).append(")\n");
  if (path_ == "/echo") exchange_->respond({.headers = kTextHeaders}, body, true);
  if (path_ == "/pipe") exchange_->finish();
}

void Visit::on_writable() {
  writables++;
  Site& site = site_;
  const size_t open_before = site.open.size();
  site.call_hook("writable");
  if (site.open.size() != open_before) return;
  if (path_ == "/pipe") exchange_->pull_body();
  if (path_.starts_with("/stream/") || path_.starts_with("/sized/")) stream_more();
}

void Visit::on_closed(bool complete) {
  Site& site = site_;
  site.path_at_close.assign(exchange_->head().target);
  (complete ? site.completed : site.broken)++;
  site.remove(this);
  site.call_hook("closed");
}

std::unique_ptr<loop::Loop> make_loop() {
  auto loop = loop::Loop::create(
      {.entries = 64, .fixed_files = 0, .recv_buffer_bytes = 0, .recv_buffer_count = 0});
  SKEP_ASSERT(loop);
  return std::move(*loop);
}

void run_turns(loop::Loop& loop, Wire& wire) {
  for (int i = 0; i < 3; i++) {
    SKEP_ASSERT(loop.turn(false));
    wire.report_sent();
    wire.pump();
  }
}

}  // namespace skep::net::testing
