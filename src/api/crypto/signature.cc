// Signatures of every kind, RSA-OAEP, and Diffie-Hellman.
#include <openssl/curve25519.h>
#include <openssl/ec_key.h>
#include <openssl/ecdh.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>

#include "api/crypto/native.h"
#include "base/limits_crypto.h"

namespace skep::api::crypto {
namespace {

// The digest of an argument; its length is 0 where there is none.
struct Digest {
  Digest(const Info& info, int hash, int data, int breath) : md(hash_of(info[hash])) {
    if (md) length = digest_into(info.GetIsolate(), info[breath], md, bytes_at(info[data]), bytes);
  }
  const EVP_MD* md;
  uint8_t bytes[EVP_MAX_MD_SIZE];
  size_t length = 0;
};

// --- HMAC ---

size_t hmac_into(const Info& info, const std::vector<uint8_t>& key, uint8_t* out) {
  const EVP_MD* md = hash_of(info[1]);
  bssl::ScopedHMAC_CTX context;
  unsigned length = 0;
  // BoringSSL takes a null key as "the same as before".
  const void* bytes = key.empty() ? static_cast<const void*>("") : key.data();
  if (!md || !HMAC_Init_ex(context.get(), bytes, key.size(), md, nullptr) ||
      !in_slices(info.GetIsolate(), info[3], bytes_at(info[2]), limits::kCryptoSliceBytes,
                 [&](Bytes slice) {
                   return HMAC_Update(context.get(), slice.data(), slice.size()) == 1;
                 })) {
    return 0;
  }
  return HMAC_Final(context.get(), out, &length) ? length : 0;
}

// hmac_sign(id, hash, data, breath) -> ArrayBuffer
void hmac_sign(const Info& info) {
  const auto key = secret_at(info, 0);
  uint8_t out[EVP_MAX_MD_SIZE];
  const size_t length = key ? hmac_into(info, key->secret, out) : 0;
  if (length > 0) return_bytes(info, {out, length});
}

// hmac_verify(id, hash, data, breath, signature) -> boolean
void hmac_verify(const Info& info) {
  const auto key = secret_at(info, 0);
  uint8_t out[EVP_MAX_MD_SIZE];
  const size_t length = key ? hmac_into(info, key->secret, out) : 0;
  if (length == 0) return;
  const Bytes given = bytes_at(info[4]);
  info.GetReturnValue().Set(given.size() == length &&
                            CRYPTO_memcmp(given.data(), out, length) == 0);
}

// --- RSA. salt: bytes of PSS's, or undefined for PKCS #1 v1.5 ---

// rsa_sign(id, hash, data, breath, salt) -> ArrayBuffer
void rsa_sign(const Info& info) {
  const ErrorScope errors;
  const KeyPointer pkey = pkey_at(info, 0, Kind::rsa, true);
  if (!pkey) return;
  RSA* rsa = EVP_PKEY_get0_RSA(pkey.get());
  const Digest digest(info, 1, 2, 3);
  Output out;
  if (digest.length == 0 || !out.make(info.GetIsolate(), RSA_size(rsa))) return;
  bool done;
  size_t length = 0;
  if (info[4]->IsUint32()) {
    // Longer than the modulus it cannot be, and a signed int it must be.
    const uint32_t salt = unsigned_at(info[4]);
    done = salt < out.size &&
           RSA_sign_pss_mgf1(rsa, &length, out.data, out.size, digest.bytes, digest.length,
                             digest.md, digest.md, static_cast<int>(salt));
  } else {
    unsigned written = 0;
    done = RSA_sign(EVP_MD_type(digest.md), digest.bytes, digest.length, out.data, &written, rsa);
    length = written;
  }
  if (done) return_output(info, out, length);
}

// rsa_verify(id, hash, data, breath, salt, signature) -> boolean
void rsa_verify(const Info& info) {
  const ErrorScope errors;
  const KeyPointer pkey = pkey_at(info, 0, Kind::rsa, false);
  if (!pkey) return;
  RSA* rsa = EVP_PKEY_get0_RSA(pkey.get());
  const Digest digest(info, 1, 2, 3);
  if (digest.length == 0) return;
  const Bytes signature = bytes_at(info[5]);
  bool valid;
  if (info[4]->IsUint32()) {
    const uint32_t salt = unsigned_at(info[4]);
    valid = salt < RSA_size(rsa) &&
            RSA_verify_pss_mgf1(rsa, digest.bytes, digest.length, digest.md, digest.md,
                                static_cast<int>(salt), signature.data(), signature.size());
  } else {
    valid = RSA_verify(EVP_MD_type(digest.md), digest.bytes, digest.length, signature.data(),
                       signature.size(), rsa);
  }
  info.GetReturnValue().Set(valid);
}

// rsa_oaep(id, hash, label or undefined, data, encrypt) -> ArrayBuffer
void rsa_oaep(const Info& info) {
  const ErrorScope errors;
  const bool encrypt = info[4]->IsTrue();
  const KeyPointer pkey = pkey_at(info, 0, Kind::rsa, !encrypt);
  const EVP_MD* md = hash_of(info[1]);
  if (!pkey || !md) return;
  bssl::UniquePtr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new(pkey.get(), nullptr));
  const Bytes label = bytes_at(info[2]), data = bytes_at(info[3]);
  if (!context ||
      !(encrypt ? EVP_PKEY_encrypt_init(context.get()) : EVP_PKEY_decrypt_init(context.get())) ||
      !EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) ||
      !EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), md) ||
      !EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), md)) {
    return;
  }
  if (!label.empty()) {
    auto* copy = static_cast<uint8_t*>(OPENSSL_memdup(label.data(), label.size()));
    if (!EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), copy, label.size())) {
      OPENSSL_free(copy);
      return;
    }
  }
  std::vector<uint8_t> out(EVP_PKEY_size(pkey.get()));
  size_t length = out.size();
  const int done =
      encrypt ? EVP_PKEY_encrypt(context.get(), out.data(), &length, data.data(), data.size())
              : EVP_PKEY_decrypt(context.get(), out.data(), &length, data.data(), data.size());
  if (done == 1) return_bytes(info, {out.data(), length});
  OPENSSL_cleanse(out.data(), out.size());
}

// --- curves ---

// ecdsa_sign(id, kind, hash, data, breath) -> ArrayBuffer
void ecdsa_sign(const Info& info) {
  const ErrorScope errors;
  Kind kind;
  const KeyPointer pkey = kind_at(info[1], kind) ? pkey_at(info, 0, kind, true) : nullptr;
  const EC_KEY* ec = pkey ? EVP_PKEY_get0_EC_KEY(pkey.get()) : nullptr;
  if (!ec) return;
  const Digest digest(info, 2, 3, 4);
  Output out;
  size_t length = 0;
  if (digest.length > 0 && out.make(info.GetIsolate(), ECDSA_size_p1363(ec)) &&
      ECDSA_sign_p1363(digest.bytes, digest.length, out.data, &length, out.size, ec)) {
    return_output(info, out, length);
  }
}

// ecdsa_verify(id, kind, hash, data, breath, signature) -> boolean
void ecdsa_verify(const Info& info) {
  const ErrorScope errors;
  Kind kind;
  const KeyPointer pkey = kind_at(info[1], kind) ? pkey_at(info, 0, kind, false) : nullptr;
  const EC_KEY* ec = pkey ? EVP_PKEY_get0_EC_KEY(pkey.get()) : nullptr;
  if (!ec) return;
  const Digest digest(info, 2, 3, 4);
  if (digest.length == 0) return;
  const Bytes signature = bytes_at(info[5]);
  info.GetReturnValue().Set(
      ECDSA_verify_p1363(digest.bytes, digest.length, signature.data(), signature.size(), ec) == 1);
}

// ed25519_sign(id, data) -> ArrayBuffer. Not in slices: the data is hashed twice, and the shortest
// way to hold a shard with it (all memory that a worker may have) takes less than half a second.
void ed25519_sign(const Info& info) {
  const ErrorScope errors;
  const KeyPointer pkey = pkey_at(info, 0, Kind::ed25519, true);
  const Bytes data = bytes_at(info[1]);
  bssl::ScopedEVP_MD_CTX context;
  uint8_t out[ED25519_SIGNATURE_LEN];
  size_t length = sizeof(out);
  if (pkey && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, pkey.get()) &&
      EVP_DigestSign(context.get(), out, &length, data.data(), data.size())) {
    return_bytes(info, {out, length});
  }
}

// Encodings of the points whose order divides 8, without the sign: the y of RFC 8032, 5.1.2, in
// little-endian order, and those that are not reduced. Secure Curves in Web Cryptography, 4.3.2: a
// signature with one of them is not valid.
using Point = std::array<uint8_t, 32>;
constexpr Point point(uint8_t first, uint8_t middle, uint8_t last) {
  Point p;
  p.fill(middle);
  p.front() = first;
  p.back() = last;
  return p;
}
constexpr std::array<Point, 7> kSmallOrder = {{
    point(0x00, 0x00, 0x00),
    point(0x01, 0x00, 0x00),
    point(0xec, 0xff, 0x7f),
    point(0xed, 0xff, 0x7f),
    point(0xee, 0xff, 0x7f),
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
}};

bool is_small_order(Bytes encoded) {
  Point p;
  std::ranges::copy(encoded.first(32), p.begin());
  p.back() &= 0x7f;
  return std::ranges::find(kSmallOrder, p) != kSmallOrder.end();
}

// ed25519_verify(id, data, signature) -> boolean
void ed25519_verify(const Info& info) {
  const ErrorScope errors;
  const KeyPointer pkey = pkey_at(info, 0, Kind::ed25519, false);
  const Bytes data = bytes_at(info[1]), signature = bytes_at(info[2]);
  uint8_t key[ED25519_PUBLIC_KEY_LEN];
  size_t length = sizeof(key);
  if (!pkey || !EVP_PKEY_get_raw_public_key(pkey.get(), key, &length)) return;
  info.GetReturnValue().Set(signature.size() == ED25519_SIGNATURE_LEN && !is_small_order(key) &&
                            !is_small_order(signature) &&
                            ED25519_verify(data.data(), data.size(), signature.data(), key) == 1);
}

// agree(private id, public id, kind) -> ArrayBuffer: the shared secret
void agree(const Info& info) {
  const ErrorScope errors;
  Kind kind;
  if (!kind_at(info[2], kind)) return;
  const KeyPointer own = pkey_at(info, 0, kind, true);
  const KeyPointer other = pkey_at(info, 1, kind, false);
  if (!own || !other) return;
  uint8_t secret[66];
  size_t length = sizeof(secret);
  if (const EC_KEY* ec = EVP_PKEY_get0_EC_KEY(own.get())) {
    const EC_POINT* point = EC_KEY_get0_public_key(EVP_PKEY_get0_EC_KEY(other.get()));
    const int made = ECDH_compute_key(secret, sizeof(secret), point, ec, nullptr);
    if (made <= 0) return;
    length = static_cast<size_t>(made);
  } else {
    uint8_t scalar[32], point[32];
    size_t scalar_length = sizeof(scalar), point_length = sizeof(point);
    const bool done = EVP_PKEY_get_raw_private_key(own.get(), scalar, &scalar_length) &&
                      EVP_PKEY_get_raw_public_key(other.get(), point, &point_length) &&
                      X25519(secret, scalar, point);
    OPENSSL_cleanse(scalar, sizeof(scalar));
    if (!done) return;
    length = 32;
  }
  return_bytes(info, {secret, length});
  OPENSSL_cleanse(secret, sizeof(secret));
}

}  // namespace

std::span<const Op> signature_ops() {
  static constexpr Op ops[] = {{"hmac_sign", hmac_sign},
                               {"hmac_verify", hmac_verify},
                               {"rsa_sign", rsa_sign},
                               {"rsa_verify", rsa_verify},
                               {"rsa_oaep", rsa_oaep},
                               {"ecdsa_sign", ecdsa_sign},
                               {"ecdsa_verify", ecdsa_verify},
                               {"ed25519_sign", ed25519_sign},
                               {"ed25519_verify", ed25519_verify},
                               {"agree", agree}};
  return ops;
}

}  // namespace skep::api::crypto
