// Reading keys from bytes of strangers: DER, raw points, members of a JWK. Knows no JavaScript, so
// that a fuzzer can call it. In the shard.
#pragma once

#include <openssl/ec_key.h>
#include <openssl/rsa.h>

#include <string>
#include <string_view>
#include <vector>

#include "api/crypto/native.h"

namespace skep::api::crypto {

enum class Form : uint32_t { raw, spki, pkcs8 };  // as in lib/codes.js

// Null: it is no key of that kind, or one beyond the bounds.
KeyPointer read_key(Form form, Kind kind, Bytes bytes);
// The members of a JWK, in base64url: for RSA n, e, d, p, q, dp, dq, qi; for curves x, y, d; for
// OKP x, d. Those of a public key end before d. Null: it is no such key.
KeyPointer read_jwk(Kind kind, const std::vector<std::string>& members);
// Strict (RFC 7515, 2): no padding, no other alphabet, unused bits zero.
bool decode_base64url(std::string_view text, std::vector<uint8_t>& out);
std::string encode_base64url(Bytes bytes);

// Null for what is no curve of that family.
const EC_GROUP* group_of(Kind kind);
KeyPointer wrap(bssl::UniquePtr<EC_KEY> ec);
KeyPointer wrap(bssl::UniquePtr<RSA> rsa);
bool is_acceptable(const EVP_PKEY* key, Kind kind);

}  // namespace skep::api::crypto
