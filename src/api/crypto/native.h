// What the natives of Web Crypto share: keys in native memory, hashes, buffers that are written in
// place, and a way to let V8 interrupt what takes long. In the shard, on a job's stack. Codes of
// hashes and kinds are those of lib/codes.js. An op that cannot do what is asked returns undefined,
// and JavaScript makes the DOMException.
#pragma once

#include <openssl/err.h>
#include <openssl/evp.h>
#include <v8.h>

#include <memory>
#include <span>
#include <vector>

#include "api/base/native_states.h"
#include "api/base/ops.h"

namespace skep::api::crypto {

using Info = v8::FunctionCallbackInfo<v8::Value>;
using Bytes = std::span<const uint8_t>;
using KeyPointer = bssl::UniquePtr<EVP_PKEY>;

// BoringSSL's errors would stay in the thread's queue, where TLS connections look.
struct ErrorScope {
  ~ErrorScope() { ERR_clear_error(); }
};

// A key's substance; wiped when the last that holds it goes (BoringSSL wipes what it frees).
struct KeyData {
  std::vector<uint8_t> secret;
  KeyPointer pkey;
  KeyData() = default;
  ~KeyData();
};

// What a CryptoKey stands for. The private and the public key of a pair share their data.
class NativeKey final : public NativeState {
 public:
  static constexpr char kKind = 0;
  NativeKey(std::shared_ptr<const KeyData> key, bool is_private_key, bool may_be_exported)
      : NativeState(&kKind),
        data(std::move(key)),
        is_private(is_private_key),
        extractable(may_be_exported) {}
  const std::shared_ptr<const KeyData> data;
  const bool is_private;
  const bool extractable;
};

enum class Hash : uint32_t { sha1, sha256, sha384, sha512, md5 };
enum class Kind : uint32_t { rsa, p256, p384, p521, ed25519, x25519 };

// Null for a code that is none.
const EVP_MD* hash_of(v8::Local<v8::Value> code);
// As bytes_of; a buffer that is detached counts as empty, as Web IDL says.
Bytes bytes_at(v8::Local<v8::Value> value);
uint32_t unsigned_at(v8::Local<v8::Value> value);
bool kind_at(v8::Local<v8::Value> value, Kind& out);

NativeKey* key_at(const Info& info, int index);
// Both hold what they give: while an op breathes, the collector may take the CryptoKey.
// That key, where it is a secret, or null.
std::shared_ptr<const KeyData> secret_at(const Info& info, int index);
// That key, where it is of this kind (and private, where that is asked), or null.
KeyPointer pkey_at(const Info& info, int index, Kind kind, bool needs_private);
bool is_kind(const EVP_PKEY* pkey, Kind kind);
// Gives the key to JavaScript: its id, or undefined with an exception pending.
v8::Local<v8::Value> add_key(v8::Isolate* isolate, v8::Local<v8::Value> holder,
                             std::shared_ptr<const KeyData> data, bool is_private,
                             bool extractable);
// Its id becomes the op's result. Null: nothing.
void return_pkey(const Info& info, v8::Local<v8::Value> holder, KeyPointer pkey, bool is_private,
                 bool extractable);

// An ArrayBuffer that is written where it lies. False, with a RangeError pending, when memory is
// refused.
struct Output {
  v8::Local<v8::ArrayBuffer> buffer;
  uint8_t* data = nullptr;
  size_t size = 0;
  bool make(v8::Isolate* isolate, size_t bytes);
};
void return_bytes(const Info& info, Bytes bytes);
// The first `bytes` of `output`.
void return_output(const Info& info, const Output& output, size_t bytes);

// Calls `breath`, an empty function of ours, where V8 looks whether it is to be interrupted: others
// have their turn then. False: the worker was terminated, an exception is pending.
bool breathe(v8::Isolate* isolate, v8::Local<v8::Value> breath);
// Calls step(bytes) for slices of `bytes`, with a breath between them.
template <typename Step>
bool in_slices(v8::Isolate* isolate, v8::Local<v8::Value> breath, Bytes bytes, size_t slice,
               Step step) {
  while (bytes.size() > slice) {
    if (!step(bytes.first(slice)) || !breathe(isolate, breath)) return false;
    bytes = bytes.subspan(slice);
  }
  return step(bytes);
}

// The message digest of `data`. Its length; 0: interrupted for good.
size_t digest_into(v8::Isolate* isolate, v8::Local<v8::Value> breath, const EVP_MD* md, Bytes data,
                   uint8_t* out);

std::span<const Op> digest_ops();
std::span<const Op> key_ops();
std::span<const Op> jwk_ops();
std::span<const Op> signature_ops();
std::span<const Op> cipher_ops();
std::span<const Op> derive_ops();

}  // namespace skep::api::crypto
