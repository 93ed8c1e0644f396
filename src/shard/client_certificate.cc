#include "shard/client_certificate.h"

#include <fmt/format.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/mem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <nlohmann/json.hpp>

namespace skep::shard {
namespace {

std::string hex(std::span<const uint8_t> bytes) {
  std::string out;
  for (const uint8_t byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

std::string text_of(BIO* bio) {
  const uint8_t* data = nullptr;
  size_t size = 0;
  if (BIO_mem_contents(bio, &data, &size) != 1) return {};
  return {reinterpret_cast<const char*>(data), size};
}

std::string name_text(const X509_NAME* name, unsigned long flags) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, flags) < 0) return {};
  return text_of(bio.get());
}

// "Dec  1 12:00:00 2026 GMT"
std::string time_text(const ASN1_TIME* time) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  if (!bio || ASN1_TIME_print(bio.get(), time) != 1) return {};
  return text_of(bio.get());
}

std::string serial_text(const X509* certificate) {
  const bssl::UniquePtr<BIGNUM> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  if (!number) return {};
  std::string digits(BN_num_bytes(number.get()), '\0');
  BN_bn2bin(number.get(), reinterpret_cast<uint8_t*>(digits.data()));
  return hex({reinterpret_cast<const uint8_t*>(digits.data()), digits.size()});
}

void add_fields(nlohmann::json& to, const std::string& der) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(der.data());
  uint8_t digest[SHA256_DIGEST_LENGTH], digest1[SHA_DIGEST_LENGTH];
  SHA256(bytes, der.size(), digest);
  SHA1(bytes, der.size(), digest1);
  to["certFingerprintSHA256"] = hex(digest);
  to["certFingerprintSHA1"] = hex(digest1);
  const uint8_t* at = bytes;
  const bssl::UniquePtr<X509> parsed(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!parsed) return;
  const X509* one = parsed.get();
  to["certSubjectDN"] = name_text(X509_get_subject_name(one), XN_FLAG_ONELINE);
  to["certIssuerDN"] = name_text(X509_get_issuer_name(one), XN_FLAG_ONELINE);
  to["certSubjectDNRFC2253"] = name_text(X509_get_subject_name(one), XN_FLAG_RFC2253);
  to["certIssuerDNRFC2253"] = name_text(X509_get_issuer_name(one), XN_FLAG_RFC2253);
  to["certSerial"] = serial_text(one);
  to["certNotBefore"] = time_text(X509_get0_notBefore(one));
  to["certNotAfter"] = time_text(X509_get0_notAfter(one));
}

}  // namespace

nlohmann::json client_auth_json(const std::optional<net::ClientCertificate>& certificate) {
  nlohmann::json out = {{"certPresented", certificate ? "1" : "0"},
                        {"certVerified", certificate ? certificate->verified : "NONE"},
                        {"certRevoked", "0"}};
  if (certificate) add_fields(out, certificate->der);
  return out;
}

}  // namespace skep::shard
