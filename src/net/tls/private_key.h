// A private key that signs TLS handshakes, and the certificates that go with it, as files hold
// them. In the broker alone: shards ask it to sign.
#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace skep::net::tls {

class PrivateKey {
 public:
  // PEM: PKCS#8, or the older "RSA PRIVATE KEY" and "EC PRIVATE KEY". Errors: no key in it, an
  // encrypted one, a type or size that TLS has no use for.
  static Result<std::unique_ptr<PrivateKey>> from_pem(std::string_view pem);
  explicit PrivateKey(bssl::UniquePtr<EVP_PKEY> key) : key_(std::move(key)) {}

  // A signature as a TLS server makes it (RFC 8446 4.2.3). Errors: an algorithm that does not fit
  // the key.
  Result<std::string> sign(uint16_t algorithm, std::span<const uint8_t> input) const;
  // What a signature costs, in those of P-256; roughly.
  int64_t cost() const;
  // Whether the certificate (DER) is for this key.
  bool matches(std::string_view certificate) const;

 private:
  const bssl::UniquePtr<EVP_PKEY> key_;
};

// Whether these are bytes that a TLS server signs in its handshake (RFC 8446 4.4.3; RFC 8422 5.4),
// and not a client's handshake, a certificate or a token: a key must sign nothing else.
bool is_server_handshake(std::span<const uint8_t> input);

// A certificate file.
struct CertificateChain {
  std::vector<std::string> der;    // leaf first, as in the file
  std::vector<std::string> names;  // DNS names and addresses of the leaf, lower case
  int64_t not_after_s = 0;         // of the leaf, since the epoch
  int64_t not_before_s = 0;
};

// Reads PEM. Errors: no certificate, one that does not parse, a leaf without any name.
Result<CertificateChain> read_certificate_chain(std::string_view pem);
// The certificates of a PEM text, DER each. Errors: none, or one that does not parse.
Result<std::vector<std::string>> read_certificates(std::string_view pem);

// A certificate for development, signed by itself: P-256, a year. `names` are DNS names or numeric
// addresses.
struct SelfSigned {
  std::string certificate_pem;
  std::string key_pem;
};
SelfSigned make_self_signed(const std::vector<std::string>& names);

}  // namespace skep::net::tls
