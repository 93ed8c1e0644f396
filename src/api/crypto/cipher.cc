// AES in all modes of Web Crypto. Output is written where it stays.
#include <openssl/aead.h>
#include <openssl/aes.h>
#include <openssl/cipher.h>

#include <algorithm>
#include <cstring>

#include "api/crypto/native.h"
#include "base/limits_crypto.h"

namespace skep::api::crypto {
namespace {

constexpr size_t kBlock = 16;

const EVP_CIPHER* cbc_of(size_t key_bytes) {
  return key_bytes == 16   ? EVP_aes_128_cbc()
         : key_bytes == 24 ? EVP_aes_192_cbc()
         : key_bytes == 32 ? EVP_aes_256_cbc()
                           : nullptr;
}

const EVP_CIPHER* ctr_of(size_t key_bytes) {
  return key_bytes == 16   ? EVP_aes_128_ctr()
         : key_bytes == 24 ? EVP_aes_192_ctr()
         : key_bytes == 32 ? EVP_aes_256_ctr()
                           : nullptr;
}

const EVP_AEAD* gcm_of(size_t key_bytes) {
  return key_bytes == 16   ? EVP_aead_aes_128_gcm()
         : key_bytes == 24 ? EVP_aead_aes_192_gcm()
         : key_bytes == 32 ? EVP_aead_aes_256_gcm()
                           : nullptr;
}

// Feeds `in` to the cipher slice by slice; `out` moves on.
bool feed(const Info& info, int breath, EVP_CIPHER_CTX* context, Bytes in, uint8_t*& out) {
  return in_slices(
      info.GetIsolate(), info[breath], in, limits::kCryptoSliceBytes, [&](Bytes slice) {
        int made = 0;
        if (!EVP_CipherUpdate(context, out, &made, slice.data(), static_cast<int>(slice.size()))) {
          return false;
        }
        out += made;
        return true;
      });
}

// aes_cbc(id, encrypt, iv, data, breath) -> ArrayBuffer
void aes_cbc(const Info& info) {
  const ErrorScope errors;
  const auto key = secret_at(info, 0);
  const EVP_CIPHER* cipher = key ? cbc_of(key->secret.size()) : nullptr;
  const Bytes iv = bytes_at(info[2]);
  const Bytes data = bytes_at(info[3]);
  Output out;
  bssl::ScopedEVP_CIPHER_CTX context;
  if (!cipher || iv.size() != kBlock ||
      !EVP_CipherInit_ex(context.get(), cipher, nullptr, key->secret.data(), iv.data(),
                         info[1]->IsTrue()) ||
      !out.make(info.GetIsolate(), data.size() + kBlock)) {
    return;
  }
  uint8_t* end = out.data;
  int last = 0;
  if (!feed(info, 4, context.get(), data, end) || !EVP_CipherFinal_ex(context.get(), end, &last)) {
    return;
  }
  return_output(info, out, static_cast<size_t>(end - out.data) + static_cast<size_t>(last));
}

// The counter is the last `bits` of the block. How many blocks it can count before it is all zero.
uint64_t blocks_to_wrap(Bytes counter, uint32_t bits) {
  // More blocks than 2^40 are never asked for.
  const uint32_t seen = std::min(bits, 40u);
  uint64_t low = 0;
  for (uint32_t i = 0; i < 5; ++i) low |= static_cast<uint64_t>(counter[15 - i]) << (8 * i);
  const uint64_t size = 1ull << seen;
  // Bits above those seen can only put the wrap further away.
  if (bits > 40) {
    for (uint32_t bit = 40; bit < bits; ++bit) {
      if ((counter[15 - bit / 8] >> (bit % 8) & 1) == 0) return UINT64_MAX;
    }
  }
  return size - (low & (size - 1));
}

void clear_counter(uint8_t* block, uint32_t bits) {
  for (uint32_t bit = 0; bit < bits; ++bit) {
    block[15 - bit / 8] &= static_cast<uint8_t>(~(1u << (bit % 8)));
  }
}

// aes_ctr(id, counter, bits, data, breath) -> ArrayBuffer
void aes_ctr(const Info& info) {
  const ErrorScope errors;
  const auto key = secret_at(info, 0);
  const EVP_CIPHER* cipher = key ? ctr_of(key->secret.size()) : nullptr;
  const Bytes counter = bytes_at(info[1]);
  const uint32_t bits = unsigned_at(info[2]);
  Bytes data = bytes_at(info[3]);
  if (!cipher || counter.size() != kBlock || bits == 0 || bits > 128) return;
  const uint64_t blocks = (data.size() + kBlock - 1) / kBlock;
  // A counter that comes twice would give the key's stream away.
  if (bits < 40 && blocks > (1ull << bits)) return;
  uint8_t block[kBlock];
  std::memcpy(block, counter.data(), kBlock);
  const uint64_t before = blocks_to_wrap(counter, bits);
  bssl::ScopedEVP_CIPHER_CTX context;
  Output out;
  if (!out.make(info.GetIsolate(), data.size()) ||
      !EVP_EncryptInit_ex(context.get(), cipher, nullptr, key->secret.data(), block)) {
    return;
  }
  uint8_t* end = out.data;
  if (blocks > before) {
    if (!feed(info, 4, context.get(), data.first(before * kBlock), end)) return;
    data = data.subspan(before * kBlock);
    // BoringSSL counts in all 128 bits: from here on with zeros again.
    clear_counter(block, bits);
    if (!EVP_EncryptInit_ex(context.get(), nullptr, nullptr, nullptr, block)) return;
  }
  if (feed(info, 4, context.get(), data, end)) return_output(info, out, out.size);
}

// aes_gcm(id, encrypt, iv, additional data or undefined, tag bytes, data) -> ArrayBuffer. In one
// piece: several GB a second, so that all memory that a worker may have takes some 50 ms.
void aes_gcm(const Info& info) {
  const ErrorScope errors;
  const auto key = secret_at(info, 0);
  const EVP_AEAD* aead = key ? gcm_of(key->secret.size()) : nullptr;
  const Bytes iv = bytes_at(info[2]), more = bytes_at(info[3]), data = bytes_at(info[5]);
  const size_t tag = unsigned_at(info[4]);
  bssl::ScopedEVP_AEAD_CTX context;
  Output out;
  const bool encrypt = info[1]->IsTrue();
  if (!aead || iv.empty() || tag < 4 || tag > 16 || (!encrypt && data.size() < tag) ||
      !EVP_AEAD_CTX_init(context.get(), aead, key->secret.data(), key->secret.size(), tag,
                         nullptr) ||
      !out.make(info.GetIsolate(), encrypt ? data.size() + tag : data.size() - tag)) {
    return;
  }
  const auto code = encrypt ? EVP_AEAD_CTX_seal : EVP_AEAD_CTX_open;
  // A tag that is shorter than 12 bytes lets more than that be forged, but not be read.
  size_t length = 0;
  if (code(context.get(), out.data, &length, out.size, iv.data(), iv.size(), data.data(),
           data.size(), more.data(), more.size()) &&
      length <= out.size) {
    return_output(info, out, length);
  }
}

// aes_kw(id, wrap, data) -> ArrayBuffer (RFC 3394)
void aes_kw(const Info& info) {
  const ErrorScope errors;
  const auto key = secret_at(info, 0);
  const Bytes data = bytes_at(info[2]);
  const bool wrap = info[1]->IsTrue();
  const size_t least = wrap ? 16 : 24;
  if (!key || !cbc_of(key->secret.size()) || data.size() % 8 != 0 || data.size() < least ||
      data.size() > limits::kSecretKeyBytes) {
    return;
  }
  AES_KEY aes;
  const auto bits = static_cast<unsigned>(key->secret.size() * 8);
  Output out;
  if ((wrap ? AES_set_encrypt_key(key->secret.data(), bits, &aes)
            : AES_set_decrypt_key(key->secret.data(), bits, &aes)) != 0 ||
      !out.make(info.GetIsolate(), wrap ? data.size() + 8 : data.size() - 8)) {
    return;
  }
  const int made = wrap ? AES_wrap_key(&aes, nullptr, out.data, data.data(), data.size())
                        : AES_unwrap_key(&aes, nullptr, out.data, data.data(), data.size());
  if (made > 0) return_output(info, out, static_cast<size_t>(made));
}

}  // namespace

std::span<const Op> cipher_ops() {
  static constexpr Op ops[] = {
      {"aes_cbc", aes_cbc}, {"aes_ctr", aes_ctr}, {"aes_gcm", aes_gcm}, {"aes_kw", aes_kw}};
  return ops;
}

}  // namespace skep::api::crypto
