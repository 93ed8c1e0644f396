// node:crypto: hashes, HMAC, key derivation, randomness. Names and sizes come from the user and are
// checked here; work that nobody could interrupt is bounded (limits_node.h).
#include <fmt/format.h>
#include <openssl/digest.h>
#include <openssl/hkdf.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <vector>

#include "api/base/values.h"
#include "api/crypto/native.h"
#include "api/node/crypto.h"
#include "api/node/ops.h"
#include "api/runtime_impl.h"
#include "base/limits_crypto.h"
#include "base/limits_node.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

class Hash final : public NativeState {
 public:
  static constexpr char kKind = 0;
  Hash() : NativeState(&kKind) {}
  bssl::ScopedEVP_MD_CTX context;
};

class Hmac final : public NativeState {
 public:
  static constexpr char kKind = 0;
  Hmac() : NativeState(&kKind) {}
  bssl::ScopedHMAC_CTX context;
};

constexpr size_t kHashBytes = 512;

uint32_t unsigned_of(v8::Local<v8::Value> value) {
  return value->IsUint32() ? value.As<v8::Uint32>()->Value() : 0;
}

void return_bytes(const Info& info, std::span<const uint8_t> bytes) {
  v8::Local<v8::Uint8Array> array;
  if (to_uint8_array(info.GetIsolate(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()})
          .ToLocal(&array)) {
    info.GetReturnValue().Set(array);
  }
}

// hash_new(holder, name) -> id; undefined: no such digest
void hash_new(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const EVP_MD* digest = digest_of(isolate, info[1]);
  if (!digest) return;
  auto hash = std::make_unique<Hash>();
  if (!EVP_DigestInit_ex(hash->context.get(), digest, nullptr)) return;
  const uint32_t id = runtime_of(isolate).native_states.add(isolate, info[0].As<v8::Object>(),
                                                            std::move(hash), kHashBytes);
  if (id != 0) info.GetReturnValue().Set(id);
}

// hash_copy(holder, id) -> id
void hash_copy(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  NativeStates& states = runtime_of(isolate).native_states;
  const Hash* from = states.find<Hash>(info[1]);
  auto hash = std::make_unique<Hash>();
  if (!from || !EVP_MD_CTX_copy_ex(hash->context.get(), from->context.get())) return;
  const uint32_t id = states.add(isolate, info[0].As<v8::Object>(), std::move(hash), kHashBytes);
  if (id != 0) info.GetReturnValue().Set(id);
}

// hmac_new(holder, name, key) -> id; undefined: no such digest
void hmac_new(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const EVP_MD* digest = digest_of(isolate, info[1]);
  std::span<uint8_t> key;
  if (!digest || !bytes_of(info[2], key)) return;
  auto hmac = std::make_unique<Hmac>();
  if (!HMAC_Init_ex(hmac->context.get(), key.data(), key.size(), digest, nullptr)) return;
  const uint32_t id = runtime_of(isolate).native_states.add(isolate, info[0].As<v8::Object>(),
                                                            std::move(hmac), kHashBytes);
  if (id != 0) info.GetReturnValue().Set(id);
}

// hash_update(id, bytes), of either kind
void hash_update(const Info& info) {
  NativeStates& states = runtime_of(info.GetIsolate()).native_states;
  std::span<uint8_t> bytes;
  if (!bytes_of(info[1], bytes)) return;
  if (Hash* hash = states.find<Hash>(info[0])) {
    EVP_DigestUpdate(hash->context.get(), bytes.data(), bytes.size());
  } else if (Hmac* hmac = states.find<Hmac>(info[0])) {
    HMAC_Update(hmac->context.get(), bytes.data(), bytes.size());
  }
}

// hash_final(id) -> Uint8Array; the state is gone then
void hash_final(const Info& info) {
  NativeStates& states = runtime_of(info.GetIsolate()).native_states;
  std::array<uint8_t, EVP_MAX_MD_SIZE> out;
  unsigned length = 0;
  if (Hash* hash = states.find<Hash>(info[0])) {
    EVP_DigestFinal_ex(hash->context.get(), out.data(), &length);
  } else if (Hmac* hmac = states.find<Hmac>(info[0])) {
    HMAC_Final(hmac->context.get(), out.data(), &length);
  } else {
    return;
  }
  states.drop(info[0]);
  return_bytes(info, std::span(out).first(length));
}

// --- key derivation: name, secret, salt, …, length -> Uint8Array; undefined: no such digest ---

bool derived_length(const Info& info, int at, size_t& out) {
  out = unsigned_of(info[at]);
  if (out <= limits::kDerivedKeyBytes) return true;
  throw_range_error(info.GetIsolate(), fmt::format("A derived key may have {} bytes at most.",
                                                   limits::kDerivedKeyBytes));
  return false;
}

// One block of PBKDF2 (RFC 8018 5.2), with breaths in between. False: terminated.
bool pbkdf2_block(v8::Isolate* isolate, v8::Local<v8::Value> breath, const HMAC_CTX* keyed,
                  std::span<const uint8_t> salt, uint32_t index, uint32_t iterations,
                  std::span<uint8_t> out) {
  std::array<uint8_t, EVP_MAX_MD_SIZE> u;
  unsigned length = 0;
  const std::array<uint8_t, 4> number{
      static_cast<uint8_t>(index >> 24), static_cast<uint8_t>(index >> 16),
      static_cast<uint8_t>(index >> 8), static_cast<uint8_t>(index)};
  bssl::ScopedHMAC_CTX context;
  if (!HMAC_CTX_copy_ex(context.get(), keyed)) return false;
  HMAC_Update(context.get(), salt.data(), salt.size());
  HMAC_Update(context.get(), number.data(), number.size());
  HMAC_Final(context.get(), u.data(), &length);
  std::copy_n(u.begin(), length, out.begin());
  for (uint32_t i = 1; i < iterations; ++i) {
    if (i % limits::kPbkdf2SliceIterations == 0 && !crypto::breathe(isolate, breath)) return false;
    if (!HMAC_CTX_copy_ex(context.get(), keyed)) return false;
    HMAC_Update(context.get(), u.data(), length);
    HMAC_Final(context.get(), u.data(), &length);
    for (unsigned at = 0; at < length; ++at) out[at] ^= u[at];
  }
  return true;
}

// pbkdf2(name, password, salt, iterations, length, breath). What was given is copied: JavaScript
// runs in between.
void pbkdf2(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const EVP_MD* digest = digest_of(isolate, info[0]);
  std::span<uint8_t> password, given_salt;
  size_t length = 0;
  const uint32_t iterations = unsigned_of(info[3]);
  if (!digest || !bytes_of(info[1], password) || !bytes_of(info[2], given_salt) ||
      !derived_length(info, 4, length)) {
    return;
  }
  const size_t size = EVP_MD_size(digest);
  const size_t blocks = (length + size - 1) / size;
  if (iterations > limits::kPbkdf2Iterations || iterations * blocks > limits::kPbkdf2Work) {
    return throw_range_error(
        isolate, fmt::format("Pbkdf2 failed: iteration counts above {} are not supported "
                             "(requested {}).",
                             limits::kPbkdf2Iterations, iterations));
  }
  bssl::ScopedHMAC_CTX keyed;
  const std::vector<uint8_t> salt(given_salt.begin(), given_salt.end());
  if (!HMAC_Init_ex(keyed.get(), password.data(), password.size(), digest, nullptr)) return;
  std::vector<uint8_t> out(blocks * size);
  for (size_t block = 0; block < blocks; ++block) {
    if (!pbkdf2_block(isolate, info[5], keyed.get(), salt, static_cast<uint32_t>(block + 1),
                      iterations, std::span(out).subspan(block * size, size))) {
      return;
    }
  }
  out.resize(length);
  return_bytes(info, out);
}

// scrypt(password, salt, n, r, p, maxmem, length) -> Uint8Array; undefined: refused parameters
void scrypt(const Info& info) {
  std::span<uint8_t> password, salt;
  size_t length = 0;
  const uint64_t n = unsigned_of(info[2]), r = unsigned_of(info[3]), p = unsigned_of(info[4]);
  if (!bytes_of(info[0], password) || !bytes_of(info[1], salt) ||
      !derived_length(info, 6, length)) {
    return;
  }
  const double asked = info[5]->IsNumber() ? info[5].As<v8::Number>()->Value() : 0;
  const uint64_t memory =
      std::min(limits::kScryptMemoryBytes, asked > 0 ? static_cast<uint64_t>(asked) : 0);
  if (n == 0 || r == 0 || p == 0 || r > (1u << 20) || p > (1u << 20) || n > (1u << 24)) return;
  if (n * r * p > limits::kScryptWork || n * r * 128 > memory) return;
  std::vector<uint8_t> out(length);
  if (EVP_PBE_scrypt(reinterpret_cast<const char*>(password.data()), password.size(), salt.data(),
                     salt.size(), n, r, p, memory + (1u << 20), out.data(), length)) {
    return_bytes(info, out);
  }
}

// hkdf(name, key, salt, info, length)
void hkdf(const Info& info) {
  const EVP_MD* digest = digest_of(info.GetIsolate(), info[0]);
  std::span<uint8_t> key, salt, context;
  size_t length = 0;
  if (!digest || !bytes_of(info[1], key) || !bytes_of(info[2], salt) ||
      !bytes_of(info[3], context) || !derived_length(info, 4, length)) {
    return;
  }
  std::vector<uint8_t> out(length);
  if (HKDF(out.data(), length, digest, key.data(), key.size(), salt.data(), salt.size(),
           context.data(), context.size())) {
    return_bytes(info, out);
  }
}

// random_fill(view)
void random_fill(const Info& info) {
  std::span<uint8_t> bytes;
  if (bytes_of(info[0], bytes)) RAND_bytes(bytes.data(), bytes.size());
}

// same_bytes(a, b): in constant time; both of one length
void same_bytes(const Info& info) {
  std::span<uint8_t> a, b;
  if (!bytes_of(info[0], a) || !bytes_of(info[1], b)) return;
  info.GetReturnValue().Set(a.size() == b.size() &&
                            CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace

const EVP_MD* digest_named(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c != '-' && c != '/') plain.push_back(static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c));
  }
  if (plain.starts_with("rsa")) plain.erase(0, 3);
  if (plain == "md5") return EVP_md5();
  if (plain == "sha1") return EVP_sha1();
  if (plain == "sha224") return EVP_sha224();
  if (plain == "sha256") return EVP_sha256();
  if (plain == "sha384") return EVP_sha384();
  if (plain == "sha512") return EVP_sha512();
  if (plain == "sha512256") return EVP_sha512_256();
  return nullptr;
}

const EVP_MD* digest_of(v8::Isolate* isolate, v8::Local<v8::Value> name) {
  return name->IsString() && name.As<v8::String>()->Length() < 32
             ? digest_named(to_utf8(isolate, name))
             : nullptr;
}

std::span<const Op> node_crypto_hash_ops() {
  static constexpr Op ops[] = {
      {"hash_new", hash_new},       {"hash_copy", hash_copy},
      {"hmac_new", hmac_new},       {"hash_update", hash_update},
      {"hash_final", hash_final},   {"pbkdf2", pbkdf2},
      {"scrypt", scrypt},           {"hkdf", hkdf},
      {"random_fill", random_fill}, {"same_bytes", same_bytes},
  };
  return ops;
}

}  // namespace skep::api
