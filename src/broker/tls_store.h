// The certificates and private keys of skep.toml, and the keys of session tickets. The keys stay in
// this process: shards may have something signed with one (signing_desk.h). Owned by the broker.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "broker/watcher.h"
#include "config/certificates.h"
#include "loop/loop.h"
#include "net/tls/private_key.h"
#include "rpc/skep.capnp.h"

namespace skep::broker {

class TlsStore {
 public:
  // Reads all files. Errors name the table's line and the file. Keys may be readable by root alone:
  // call it before root is given up (a reload then needs them readable by the user that is left).
  static Result<std::unique_ptr<TlsStore>> load(std::vector<config::CertificateFiles> files);

  // From now on: new ticket keys from time to time, and a look at the files when they change.
  // `on_change`: the shards are to be told.
  Result<> start(loop::Loop& loop, std::function<void()> on_change);
  // Reads the files again (SIGHUP). What cannot be read is logged, and the old stays in use.
  void reload();

  bool empty() const { return identities_.empty(); }
  // What a shard is told.
  void write(rpc::TlsConfig::Builder to) const;
  // The key that a shard was told by this number; null: none, or one of two reloads ago. Not to be
  // kept.
  const net::tls::PrivateKey* find_key(uint32_t number) const;

 private:
  struct Identity {
    net::tls::CertificateChain chain;
    std::unique_ptr<const net::tls::PrivateKey> key;
    uint32_t number = 0;  // of the key
    std::string ocsp;
    std::vector<std::string> client_ca;
    config::ClientAuth client_auth = config::ClientAuth::none;
  };

  explicit TlsStore(std::vector<config::CertificateFiles> files) : files_(std::move(files)) {}
  static Result<Identity> read(const config::CertificateFiles& files);
  static Result<std::vector<Identity>> read_all(const std::vector<config::CertificateFiles>& files);
  void take(std::vector<Identity> identities);
  void add_ticket_key();
  void rotate();

  const std::vector<config::CertificateFiles> files_;
  std::vector<Identity> identities_, before_;
  uint32_t next_number_ = 0;
  std::vector<std::string> ticket_keys_;  // newest first
  std::function<void()> on_change_;
  std::unique_ptr<Watcher> watcher_;
  std::optional<loop::Timer> rotation_;
};

// The system's trusted roots (PEM), read once: what outbound TLS is verified against.
Result<std::string> read_trusted_roots();
// A file of certificates (PEM), of bounded size.
Result<std::string> read_certificates(const std::string& path);

// skep dev --https: the project's own certificate, made where there is none that is still good.
// Lies in `folder`. Errors: it cannot be written.
Result<config::CertificateFiles> development_certificate(const std::string& folder);

}  // namespace skep::broker
