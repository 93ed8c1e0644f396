#include "net/http2/sniffer.h"

#include <algorithm>
#include <utility>

#include "net/http1/connection.h"
#include "net/http2/session.h"
#include "net/proxy_protocol.h"

namespace skep::net::http2 {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

}  // namespace

Sniffer::Sniffer(std::shared_ptr<ServerCore> core, std::unique_ptr<Stream> stream,
                 loop::PeerAddress peer)
    : core_(std::move(core)),
      stream_(std::move(stream)),
      peer_(std::move(peer)),
      deadline_(core_->loop, [this] { close(); }) {}

void Sniffer::start() {
  stream_->set_events(this);
  stream_->receive();
  deadline_.set_ms(core_->options.header_timeout_ms);
}

void Sniffer::start_refused() {
  over_limit = true;
  close();
}

void Sniffer::on_data(std::span<const char> data) {
  received_.append(data.data(), data.size());
  const std::string_view seen = std::string_view(received_).substr(0, kPreface.size());
  if (seen == kPreface || !kPreface.starts_with(seen)) decide();
}

void Sniffer::decide() {
  if (received_.empty()) return close();
  add_reference();
  stream_->pause();
  const bool http2 = received_.starts_with(kPreface);
  auto core = core_;
  auto replayed = make_prefixed_stream(core->loop, std::move(stream_), std::move(received_));
  deadline_.cancel();
  core->remove(*this);
  if (http2) {
    core->add(*new Session(core, std::move(replayed), std::move(peer_)));
  } else {
    core->add(*new http1::Connection(core, std::move(replayed), std::move(peer_)));
  }
  drop_reference();
}

void Sniffer::close() {
  if (stream_ == nullptr) return;
  add_reference();
  deadline_.cancel();
  core_->remove(*this);
  stream_.reset();
  drop_reference();
}

}  // namespace skep::net::http2
