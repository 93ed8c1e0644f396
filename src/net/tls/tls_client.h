// The client's side of TLS, for outbound connections: verification against trusted roots, host
// name or address check, SNI, ALPN. In the shard; the roots are given by the broker.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "loop/loop.h"
#include "net/stream.h"
#include "net/tls/tls_stream.h"

namespace skep::net::tls {

struct ClientOptions {
  std::string host;               // what the certificate must be for: a name, or a numeric address
  std::vector<std::string> alpn;  // offered, in order of preference; empty: none
};

class ClientContext {
 public:
  // roots_pem: trusted certificates, one after another; what is not a certificate is skipped.
  // Errors: not one usable certificate.
  static Result<std::shared_ptr<ClientContext>> create(std::string_view roots_pem);

  // Begins a handshake over a connected stream. Errors come to `done`: "TLS handshake: unable to
  // get local issuer certificate" and the like. Which protocol was agreed on stands in the
  // stream's tls()->alpn.
  std::unique_ptr<Handshake> connect(loop::Loop& loop, std::unique_ptr<Stream> under,
                                     const ClientOptions& options, Handshake::Done done) const;

  struct Impl;
  explicit ClientContext(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace skep::net::tls
