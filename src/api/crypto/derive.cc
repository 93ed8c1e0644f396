// Keys from secrets and passwords: HKDF (RFC 5869) and PBKDF2 (RFC 8018, 5.2). The latter is meant
// to take long, and BoringSSL's cannot be interrupted, so its loop is here, on BoringSSL's HMAC.
#include <openssl/hkdf.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>

#include <algorithm>

#include "api/crypto/native.h"
#include "base/limits_crypto.h"

namespace skep::api::crypto {
namespace {

// hkdf(id, hash, salt, info, bytes) -> ArrayBuffer; undefined: more than it can give
void hkdf(const Info& info) {
  const ErrorScope errors;
  const auto key = secret_at(info, 0);
  const EVP_MD* md = hash_of(info[1]);
  const size_t size = unsigned_at(info[4]);
  Output out;
  if (!key || !md || size > 255 * EVP_MD_size(md) || !out.make(info.GetIsolate(), size)) return;
  const Bytes salt = bytes_at(info[2]), context = bytes_at(info[3]);
  if (HKDF(out.data, size, md, key->secret.data(), key->secret.size(), salt.data(), salt.size(),
           context.data(), context.size())) {
    return_output(info, out, size);
  }
}

// One block of PBKDF2's output: the function F of RFC 8018, 5.2.
class Pbkdf2Block {
 public:
  // The password's state, before any data.
  explicit Pbkdf2Block(const HMAC_CTX* keyed) : keyed_(keyed), size_(HMAC_size(keyed)) {}
  ~Pbkdf2Block() {
    OPENSSL_cleanse(last_, sizeof(last_));
    OPENSSL_cleanse(sum_, sizeof(sum_));
  }
  bool first(const std::vector<uint8_t>& salt, uint32_t index) {
    const uint8_t number[] = {static_cast<uint8_t>(index >> 24), static_cast<uint8_t>(index >> 16),
                              static_cast<uint8_t>(index >> 8), static_cast<uint8_t>(index)};
    unsigned length = 0;
    if (!HMAC_CTX_copy_ex(context_.get(), keyed_) ||
        !HMAC_Update(context_.get(), salt.data(), salt.size()) ||
        !HMAC_Update(context_.get(), number, sizeof(number)) ||
        !HMAC_Final(context_.get(), last_, &length)) {
      return false;
    }
    std::copy_n(last_, size_, sum_);
    return true;
  }
  bool iterate(uint32_t times) {
    unsigned length = 0;
    for (uint32_t i = 0; i < times; ++i) {
      // The same key again, without hashing it anew.
      if (!HMAC_Init_ex(context_.get(), nullptr, 0, nullptr, nullptr) ||
          !HMAC_Update(context_.get(), last_, size_) ||
          !HMAC_Final(context_.get(), last_, &length)) {
        return false;
      }
      for (size_t j = 0; j < size_; ++j) sum_[j] ^= last_[j];
    }
    return true;
  }
  Bytes sum() const { return {sum_, size_}; }

 private:
  const HMAC_CTX* keyed_;
  const size_t size_;
  bssl::ScopedHMAC_CTX context_;
  uint8_t last_[EVP_MAX_MD_SIZE], sum_[EVP_MAX_MD_SIZE];
};

// BoringSSL takes a null key as "the same as before".
const void* password_of(const KeyData& key) {
  return key.secret.empty() ? static_cast<const void*>("") : key.secret.data();
}

bool run_block(const Info& info, Pbkdf2Block& block, uint32_t iterations) {
  for (uint32_t left = iterations - 1; left > 0;) {
    const uint32_t now = std::min(left, limits::kPbkdf2SliceIterations);
    if (!block.iterate(now)) return false;
    left -= now;
    if (!breathe(info.GetIsolate(), info[5])) return false;
  }
  return true;
}

// pbkdf2(id, hash, salt, iterations, bytes, breath) -> ArrayBuffer
void pbkdf2(const Info& info) {
  const ErrorScope errors;
  const auto key = secret_at(info, 0);
  const EVP_MD* md = hash_of(info[1]);
  const uint32_t iterations = unsigned_at(info[3]);
  const size_t size = unsigned_at(info[4]);
  const Bytes given = bytes_at(info[2]);
  const std::vector<uint8_t> salt(given.begin(), given.end());
  bssl::ScopedHMAC_CTX keyed;
  Output out;
  if (!key || !md || iterations == 0 || size > limits::kDerivedBytes ||
      !HMAC_Init_ex(keyed.get(), password_of(*key), key->secret.size(), md, nullptr) ||
      !out.make(info.GetIsolate(), size)) {
    return;
  }
  for (size_t at = 0; at < size;) {
    Pbkdf2Block block(keyed.get());
    const auto index = static_cast<uint32_t>(at / EVP_MD_size(md)) + 1;
    if (!block.first(salt, index) || !run_block(info, block, iterations)) return;
    const size_t taken = std::min(block.sum().size(), size - at);
    std::copy_n(block.sum().data(), taken, out.data + at);
    at += taken;
    // Many blocks of few iterations take long too.
    if (index % 64 == 0 && !breathe(info.GetIsolate(), info[5])) return;
  }
  return_output(info, out, size);
}

}  // namespace

std::span<const Op> derive_ops() {
  static constexpr Op ops[] = {{"hkdf", hkdf}, {"pbkdf2", pbkdf2}};
  return ops;
}

}  // namespace skep::api::crypto
