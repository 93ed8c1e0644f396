// The shard's listening sockets: accepts connections, does the TLS handshake where the listener
// wants one, and gives the streams on. Owned by the shard.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string_view>
#include <vector>

#include "base/network.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "loop/loop.h"
#include "loop/socket.h"
#include "net/proxy_protocol.h"
#include "net/stream.h"
#include "net/tls/tls_server.h"

namespace skep::shard {

struct PortOptions {
  bool tls = false;
  bool http2 = false;
  bool proxy_protocol = false;  // each connection begins with a PROXY header
};

class Ports {
 public:
  struct Callbacks {
    std::function<void(std::unique_ptr<net::Stream>, loop::PeerAddress, bool http2)> on_stream;
    std::function<void(int error)> on_accept_error;
  };
  struct Stats {
    uint64_t handshakes = 0;  // that were completed
    uint64_t handshakes_failed = 0;
    size_t handshakes_open = 0;
    uint64_t proxy_headers_failed = 0;  // none, not valid, or of a peer that is not trusted
  };

  // `signer` outlives the ports.
  Ports(loop::Loop& loop, net::tls::Signer& signer, Callbacks callbacks);
  ~Ports();

  // Whose PROXY headers count.
  void set_trusted(TrustedPeers trusted) { trusted_ = std::move(trusted); }
  // Certificates and keys for connections from now on. Errors leave what was.
  Result<> set_tls(const net::tls::ServerConfig& config);
  void listen(UniqueFd listening, PortOptions options);
  // Accepts no more, and gives up the handshakes under way.
  void stop();

  // The request came over a connection whose client certificate was not asked for as its host
  // demands (or was, for another host): RFC 9110 15.5.20.
  bool misdirected(const net::TlsFacts& connection, std::string_view host) const;
  Stats stats() const;

 private:
  class Port;
  using Handshakes = std::list<std::unique_ptr<net::tls::Handshake>>;
  void begin(std::unique_ptr<net::Stream> stream, loop::PeerAddress peer,
             const PortOptions& options);
  void begin_proxied(std::unique_ptr<net::Stream> stream, loop::PeerAddress peer,
                     const PortOptions& options);
  void begin_tls(std::unique_ptr<net::Stream> stream, loop::PeerAddress peer, bool http2);
  void handshake_done(Handshakes::iterator place, Result<std::unique_ptr<net::Stream>> result,
                      loop::PeerAddress peer, bool http2);

  loop::Loop& loop_;
  net::tls::Signer& signer_;
  Callbacks callbacks_;
  std::shared_ptr<net::tls::ServerContext> tls_;
  bool any_client_auth_ = false;
  std::vector<std::unique_ptr<Port>> ports_;
  Handshakes handshakes_;
  TrustedPeers trusted_;
  std::list<std::unique_ptr<net::ProxyWait>> proxied_;  // their headers have not come yet
  uint64_t proxy_failed_ = 0;
  uint64_t completed_ = 0, failed_ = 0;
};

}  // namespace skep::shard
