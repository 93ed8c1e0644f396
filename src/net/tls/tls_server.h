// The server's side of TLS: certificates chosen by the name that the client asks for, signatures
// asked of whoever holds the private keys, session tickets, client certificates. A context is one
// state of the configuration; a reload makes another, and connections keep the one that they began
// with. In the shard, which never holds a private key.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "loop/loop.h"
#include "net/stream.h"
#include "net/tls/tls_stream.h"

namespace skep::net::tls {

enum class ClientAuth : uint8_t {
  none,
  optional,  // asked for; what comes is judged and told, not refused
  require,   // without one that the client_ca vouches for there is no connection
};

struct ServerCertificate {
  std::vector<std::string> chain;  // DER, leaf first
  std::vector<std::string> names;  // of the leaf: "a.example", "*.example"; lower case
  std::string ocsp;                // a response to staple, DER; empty: none
  ClientAuth client_auth = ClientAuth::none;
  std::vector<std::string> client_ca;  // DER
  uint32_t key = 0;                    // what the signer calls its private key
};

struct ServerConfig {
  std::vector<ServerCertificate> certificates;  // the first is the default
  std::vector<std::string> ticket_keys;         // see tickets.h
};

// Whoever signs. `done` comes later, never from within the call. algorithm: TLS's SignatureScheme.
class Signer {
 public:
  virtual void sign(uint32_t key, uint16_t algorithm, std::span<const uint8_t> input,
                    std::function<void(Result<std::string>)> done) = 0;

 protected:
  ~Signer() = default;
};

class ServerContext {
 public:
  // `signer` outlives the context and its connections. Errors name the certificate by its place and
  // say what is wrong with it.
  static Result<std::shared_ptr<ServerContext>> create(const ServerConfig& config, Signer& signer);

  // Begins a handshake over an accepted connection. Offers HTTP/2 where asked to.
  std::unique_ptr<Handshake> accept(loop::Loop& loop, std::unique_ptr<Stream> under, bool http2,
                                    Handshake::Done done) const;

  // Which client certificates a host wants: 0 none, else a number that connections to it carry in
  // TlsFacts::client_auth_group. A request for a host whose group differs from its connection's
  // came round the check of that host (RFC 9110 15.5.20: 421). It is made of what is asked of
  // clients, so it outlives a reload that leaves that as it was.
  uint64_t client_auth_group(std::string_view host) const;

  struct Impl;
  explicit ServerContext(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace skep::net::tls
