#include "net/tls/private_key.h"

#include <arpa/inet.h>
#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <utility>

#include "base/ascii.h"
#include "base/assert.h"
#include "base/limits_tls.h"
#include "net/tls/tls_stream.h"

namespace skep::net::tls {
namespace {

constexpr int kLeastRsaBits = 2048;
constexpr int64_t kSelfSignedSeconds = 365ll * 24 * 3600;

bssl::UniquePtr<BIO> text_of(std::string_view pem) {
  return bssl::UniquePtr<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// A password is asked of nobody: the broker has no terminal.
int no_password(char*, int, int, void*) {
  return -1;
}

Result<> check_usable(const EVP_PKEY* key) {
  switch (EVP_PKEY_id(key)) {
    case EVP_PKEY_RSA:
      if (EVP_PKEY_bits(key) < kLeastRsaBits) return fail("an RSA key needs 2048 bits at least");
      return {};
    case EVP_PKEY_EC: {
      const int curve = EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)));
      if (curve == NID_X9_62_prime256v1 || curve == NID_secp384r1 || curve == NID_secp521r1)
        return {};
      return fail("the key is on a curve that TLS clients do not know: P-256 is what they expect");
    }
    case EVP_PKEY_ED25519:
      return {};
    default:
      return fail("the key must be ECDSA, RSA or Ed25519");
  }
}

std::string address_text(const ASN1_OCTET_STRING* bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  const int size = ASN1_STRING_length(bytes);
  if (size == 4 || size == 16) {
    inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(bytes), text, sizeof text);
  }
  return text;
}

std::vector<std::string> names_of(const X509* leaf) {
  std::vector<std::string> names;
  const bssl::UniquePtr<GENERAL_NAMES> list(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr)));
  const size_t count = list ? sk_GENERAL_NAME_num(list.get()) : 0;
  for (size_t i = 0; i < count && names.size() < limits::kNamesPerCertificate; i++) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list.get(), i);
    if (name->type == GEN_DNS) {
      const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
      names.push_back(ascii_lower(
          std::string_view(data, static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)))));
    } else if (name->type == GEN_IPADD) {
      if (std::string text = address_text(name->d.iPAddress); !text.empty()) {
        names.push_back(std::move(text));
      }
    }
  }
  return names;
}

int64_t seconds_of(const ASN1_TIME* time) {
  int64_t seconds = 0;
  return ASN1_TIME_to_posix(time, &seconds) ? seconds : 0;
}

std::string der_of(const X509* certificate) {
  uint8_t* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  SKEP_ASSERT(size > 0);
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

Result<std::vector<bssl::UniquePtr<X509>>> parse_certificates(std::string_view pem) {
  if (pem.size() > limits::kCertificateFileBytes) return fail("the file is too large");
  const auto text = text_of(pem);
  std::vector<bssl::UniquePtr<X509>> certificates;
  for (;;) {
    bssl::UniquePtr<X509> one(PEM_read_bio_X509(text.get(), nullptr, no_password, nullptr));
    if (!one) break;
    certificates.push_back(std::move(one));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  std::string reason = take_ssl_error();
  if (!at_end) return fail("a certificate in it does not parse: " + reason);
  if (certificates.empty()) return fail("there is no certificate (PEM) in it");
  return certificates;
}

}  // namespace

// ---- PrivateKey ----

Result<std::unique_ptr<PrivateKey>> PrivateKey::from_pem(std::string_view pem) {
  const auto text = text_of(pem);
  bssl::UniquePtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(text.get(), nullptr, no_password, nullptr));
  if (!key) {
    take_ssl_error();
    if (pem.find("ENCRYPTED") != std::string_view::npos) {
      return fail("the key is encrypted: store it without a password, readable by skep alone");
    }
    return fail("there is no private key (PEM) in it");
  }
  SKEP_TRY(check_usable(key.get()));
  return std::make_unique<PrivateKey>(std::move(key));
}

Result<std::string> PrivateKey::sign(uint16_t algorithm, std::span<const uint8_t> input) const {
  if (SSL_get_signature_algorithm_key_type(algorithm) != EVP_PKEY_id(key_.get())) {
    return fail("signature: the algorithm does not fit the key");
  }
  bssl::ScopedEVP_MD_CTX context;
  EVP_PKEY_CTX* parameters = nullptr;
  if (!EVP_DigestSignInit(context.get(), &parameters, SSL_get_signature_algorithm_digest(algorithm),
                          nullptr, key_.get())) {
    return fail("signature: " + take_ssl_error());
  }
  if (SSL_is_signature_algorithm_rsa_pss(algorithm) &&
      (!EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) ||
       !EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST))) {
    return fail("signature: " + take_ssl_error());
  }
  std::string signature(static_cast<size_t>(EVP_PKEY_size(key_.get())), '\0');
  size_t size = signature.size();
  if (!EVP_DigestSign(context.get(), reinterpret_cast<uint8_t*>(signature.data()), &size,
                      input.data(), input.size())) {
    return fail("signature: " + take_ssl_error());
  }
  signature.resize(size);
  return signature;
}

int64_t PrivateKey::cost() const {
  const bool quick =
      EVP_PKEY_id(key_.get()) == EVP_PKEY_ED25519 || EVP_PKEY_bits(key_.get()) == 256;
  return quick ? 1 : limits::kTlsSlowSignCost;
}

bool PrivateKey::matches(std::string_view certificate) const {
  const auto* at = reinterpret_cast<const uint8_t*>(certificate.data());
  const bssl::UniquePtr<X509> parsed(d2i_X509(nullptr, &at, static_cast<long>(certificate.size())));
  const bool same = parsed && X509_check_private_key(parsed.get(), key_.get()) == 1;
  ERR_clear_error();
  return same;
}

bool is_server_handshake(std::span<const uint8_t> input) {
  // RFC 8446 4.4.3: 64 spaces, the context, a zero byte, the hash of the transcript.
  constexpr std::string_view kContext = "TLS 1.3, server CertificateVerify";
  constexpr size_t kSpaces = 64;
  const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
  constexpr size_t kHead = kSpaces + kContext.size() + 1;
  if (text.size() > kHead && text.substr(0, kSpaces) == std::string(kSpaces, ' ')) {
    const size_t hash = text.size() - kHead;
    return (hash == 32 || hash == 48) && text[kHead - 1] == 0 &&
           text.substr(kSpaces, kContext.size()) == kContext;
  }
  // RFC 8422 5.4, TLS 1.2: both sides' random bytes, then named_curve (3), the curve, the point.
  struct Curve {
    std::string_view parameters;
    size_t point_bytes;
  };
  constexpr size_t kRandoms = 64;
  constexpr Curve kCurves[] = {{{"\x03\x00\x1d\x20", 4}, 32},   // X25519
                               {{"\x03\x00\x17\x41", 4}, 65},   // P-256
                               {{"\x03\x00\x18\x61", 4}, 97}};  // P-384
  for (const Curve& curve : kCurves) {
    if (text.size() == kRandoms + 4 + curve.point_bytes &&
        text.substr(kRandoms, 4) == curve.parameters) {
      return true;
    }
  }
  return false;
}

// ---- certificates ----

Result<CertificateChain> read_certificate_chain(std::string_view pem) {
  SKEP_TRY_ASSIGN(const auto certificates, parse_certificates(pem));
  CertificateChain chain;
  for (const auto& certificate : certificates) chain.der.push_back(der_of(certificate.get()));
  const X509* leaf = certificates.front().get();
  chain.names = names_of(leaf);
  if (chain.names.empty()) {
    return fail("its first certificate has no names (subjectAltName), so no client takes it");
  }
  chain.not_before_s = seconds_of(X509_get0_notBefore(leaf));
  chain.not_after_s = seconds_of(X509_get0_notAfter(leaf));
  return chain;
}

Result<std::vector<std::string>> read_certificates(std::string_view pem) {
  SKEP_TRY_ASSIGN(const auto certificates, parse_certificates(pem));
  std::vector<std::string> der;
  for (const auto& certificate : certificates) der.push_back(der_of(certificate.get()));
  return der;
}

// ---- development ----

namespace {

void add_names(X509* certificate, const std::vector<std::string>& names) {
  const bssl::UniquePtr<GENERAL_NAMES> list(GENERAL_NAMES_new());
  for (const std::string& name : names) {
    bssl::UniquePtr<GENERAL_NAME> entry(GENERAL_NAME_new());
    uint8_t bytes[sizeof(in6_addr)];
    const int size = inet_pton(AF_INET, name.c_str(), bytes) == 1    ? 4
                     : inet_pton(AF_INET6, name.c_str(), bytes) == 1 ? 16
                                                                     : 0;
    if (size > 0) {
      ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
      SKEP_ASSERT(ASN1_STRING_set(value, bytes, size));
      GENERAL_NAME_set0_value(entry.get(), GEN_IPADD, value);
    } else {
      ASN1_IA5STRING* value = ASN1_IA5STRING_new();
      SKEP_ASSERT(ASN1_STRING_set(value, name.data(), static_cast<int>(name.size())));
      GENERAL_NAME_set0_value(entry.get(), GEN_DNS, value);
    }
    bssl::PushToStack(list.get(), std::move(entry));
  }
  SKEP_ASSERT(X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), 0, 0));
}

std::string pem_of(BIO* text) {
  const uint8_t* data = nullptr;
  size_t size = 0;
  SKEP_ASSERT(BIO_mem_contents(text, &data, &size));
  return std::string(reinterpret_cast<const char*>(data), size);
}

}  // namespace

SelfSigned make_self_signed(const std::vector<std::string>& names) {
  SKEP_ASSERT(!names.empty());
  const bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  const bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  SKEP_ASSERT(ec && key && EC_KEY_generate_key(ec.get()));
  SKEP_ASSERT(EVP_PKEY_set1_EC_KEY(key.get(), ec.get()));

  const bssl::UniquePtr<X509> certificate(X509_new());
  SKEP_ASSERT(X509_set_version(certificate.get(), X509_VERSION_3));
  const bssl::UniquePtr<BIGNUM> serial(BN_new());
  SKEP_ASSERT(BN_rand(serial.get(), 63, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY));
  SKEP_ASSERT(BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate.get())));
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -300);  // clocks differ a little
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kSelfSignedSeconds);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  // A subject of its own: clients look their trusted certificates up by it.
  const std::string common_name = "skep development " + std::to_string(BN_get_word(serial.get()));
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const uint8_t*>(common_name.data()),
                             static_cast<ossl_ssize_t>(common_name.size()), -1, 0);
  SKEP_ASSERT(X509_set_issuer_name(certificate.get(), subject));
  SKEP_ASSERT(X509_set_pubkey(certificate.get(), key.get()));
  add_names(certificate.get(), names);
  SKEP_ASSERT(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);

  const bssl::UniquePtr<BIO> certificate_text(BIO_new(BIO_s_mem()));
  SKEP_ASSERT(PEM_write_bio_X509(certificate_text.get(), certificate.get()));
  const bssl::UniquePtr<BIO> key_text(BIO_new(BIO_s_mem()));
  SKEP_ASSERT(
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr));
  return {.certificate_pem = pem_of(certificate_text.get()), .key_pem = pem_of(key_text.get())};
}

}  // namespace skep::net::tls
