// What is known of a TLS connection once its handshake is through: for the request's `cf`, the log
// and the choice of HTTP version. Made by tls_stream.cc; in the shard.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace skep::net {

// The client's certificate, for `request.cf.tlsClientAuth`.
struct ClientCertificate {
  std::string der;       // the leaf, as sent
  std::string verified;  // "SUCCESS", or "FAILED:" and why
};

struct TlsFacts {
  std::string version;  // "TLSv1.3", "TLSv1.2"
  std::string cipher;   // IANA's name: "TLS_AES_128_GCM_SHA256"
  std::string alpn;     // "h2", "http/1.1"; "" where none was agreed on
  std::string sni;      // lower case; "" where the client sent none
  bool resumed = false;
  // Of the server's side: how a client certificate was asked for (see tls_server.h), and what came.
  uint64_t client_auth_group = 0;
  std::optional<ClientCertificate> client;
};

}  // namespace skep::net
