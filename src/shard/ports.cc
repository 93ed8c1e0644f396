#include "shard/ports.h"

#include <algorithm>
#include <utility>

#include "base/limits_edge.h"
#include "base/limits_tls.h"
#include "net/tls/tls_facts.h"

namespace skep::shard {

class Ports::Port final : public loop::AcceptorEvents {
 public:
  Port(Ports& ports, UniqueFd listening, PortOptions options)
      : ports_(ports), options_(options), acceptor_(ports.loop_, std::move(listening), *this) {
    acceptor_.start();
  }

  void on_connection(UniqueFd fd, loop::PeerAddress peer) override {
    auto stream = net::make_socket_stream(ports_.loop_, std::move(fd));
    if (options_.proxy_protocol)
      return ports_.begin_proxied(std::move(stream), std::move(peer), options_);
    ports_.begin(std::move(stream), std::move(peer), options_);
  }
  void on_accept_error(int error) override { ports_.callbacks_.on_accept_error(error); }
  void stop() { acceptor_.stop(); }

 private:
  Ports& ports_;
  const PortOptions options_;
  loop::Acceptor acceptor_;
};

Ports::Ports(loop::Loop& loop, net::tls::Signer& signer, Callbacks callbacks)
    : loop_(loop), signer_(signer), callbacks_(std::move(callbacks)) {}

Ports::~Ports() = default;

Result<> Ports::set_tls(const net::tls::ServerConfig& config) {
  if (config.certificates.empty()) return {};
  SKEP_TRY_ASSIGN(tls_, net::tls::ServerContext::create(config, signer_));
  any_client_auth_ =
      std::any_of(config.certificates.begin(), config.certificates.end(),
                  [](const auto& one) { return one.client_auth != net::tls::ClientAuth::none; });
  return {};
}

void Ports::listen(UniqueFd listening, PortOptions options) {
  ports_.push_back(std::make_unique<Port>(*this, std::move(listening), options));
}

void Ports::stop() {
  for (auto& port : ports_) port->stop();
  handshakes_.clear();
  proxied_.clear();
}

void Ports::begin(std::unique_ptr<net::Stream> stream, loop::PeerAddress peer,
                  const PortOptions& options) {
  if (options.tls) return begin_tls(std::move(stream), std::move(peer), options.http2);
  callbacks_.on_stream(std::move(stream), std::move(peer), options.http2);
}

void Ports::begin_proxied(std::unique_ptr<net::Stream> stream, loop::PeerAddress peer,
                          const PortOptions& options) {
  if (!trusted_.trusts(peer.address) || proxied_.size() >= limits::kProxyHeadersPerShard) {
    proxy_failed_++;
    return;
  }
  const auto place = proxied_.emplace(proxied_.end());
  *place = std::make_unique<net::ProxyWait>(
      loop_, std::move(stream), std::move(peer),
      [this, place, options](Result<net::ProxyWait::Arrived> arrived) {
        const std::unique_ptr<net::ProxyWait> ended = std::move(*place);
        proxied_.erase(place);
        if (!arrived) {
          proxy_failed_++;
          return;
        }
        begin(std::move(arrived->stream), std::move(arrived->peer), options);
      });
}

void Ports::begin_tls(std::unique_ptr<net::Stream> stream, loop::PeerAddress peer, bool http2) {
  if (!tls_ || handshakes_.size() >= limits::kTlsHandshakesPerShard) {
    failed_++;
    return;
  }
  const auto place = handshakes_.emplace(handshakes_.end());
  *place = tls_->accept(loop_, std::move(stream), http2,
                        [this, place, http2, peer = std::move(peer)](
                            Result<std::unique_ptr<net::Stream>> result) mutable {
                          handshake_done(place, std::move(result), std::move(peer), http2);
                        });
  (*place)->start();
}

void Ports::handshake_done(Handshakes::iterator place, Result<std::unique_ptr<net::Stream>> result,
                           loop::PeerAddress peer, bool http2) {
  // A client that fails its handshake is no news: anybody's scanner does. It is counted.
  const std::unique_ptr<net::tls::Handshake> ended = std::move(*place);
  handshakes_.erase(place);
  if (!result) {
    failed_++;
    return;
  }
  completed_++;
  callbacks_.on_stream(std::move(*result), std::move(peer), http2);
}

bool Ports::misdirected(const net::TlsFacts& connection, std::string_view host) const {
  return any_client_auth_ && tls_->client_auth_group(host) != connection.client_auth_group;
}

Ports::Stats Ports::stats() const {
  return {.handshakes = completed_,
          .handshakes_failed = failed_,
          .handshakes_open = handshakes_.size(),
          .proxy_headers_failed = proxy_failed_};
}

}  // namespace skep::shard
