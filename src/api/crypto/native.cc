#include "api/crypto/native.h"

#include <openssl/ec_key.h>
#include <openssl/mem.h>
#include <openssl/nid.h>

#include <cstring>

#include "api/base/values.h"
#include "api/runtime_impl.h"
#include "base/limits_crypto.h"

namespace skep::api::crypto {

KeyData::~KeyData() {
  OPENSSL_cleanse(secret.data(), secret.size());
}

const EVP_MD* hash_of(v8::Local<v8::Value> code) {
  if (!code->IsUint32()) return nullptr;
  switch (static_cast<Hash>(code.As<v8::Uint32>()->Value())) {
    case Hash::sha1:
      return EVP_sha1();
    case Hash::sha256:
      return EVP_sha256();
    case Hash::sha384:
      return EVP_sha384();
    case Hash::sha512:
      return EVP_sha512();
    case Hash::md5:
      return EVP_md5();
  }
  return nullptr;
}

Bytes bytes_at(v8::Local<v8::Value> value) {
  std::span<uint8_t> bytes;
  return bytes_of(value, bytes) ? Bytes(bytes) : Bytes();
}

uint32_t unsigned_at(v8::Local<v8::Value> value) {
  return value->IsUint32() ? value.As<v8::Uint32>()->Value() : 0;
}

bool kind_at(v8::Local<v8::Value> value, Kind& out) {
  if (!value->IsUint32()) return false;
  const uint32_t number = value.As<v8::Uint32>()->Value();
  out = static_cast<Kind>(number);
  return number <= static_cast<uint32_t>(Kind::x25519);
}

NativeKey* key_at(const Info& info, int index) {
  return runtime_of(info.GetIsolate()).native_states.find<NativeKey>(info[index]);
}

std::shared_ptr<const KeyData> secret_at(const Info& info, int index) {
  const NativeKey* key = key_at(info, index);
  return key && !key->data->pkey ? key->data : nullptr;
}

KeyPointer pkey_at(const Info& info, int index, Kind kind, bool needs_private) {
  const NativeKey* key = key_at(info, index);
  if (!key || !key->data->pkey || (needs_private && !key->is_private)) return nullptr;
  EVP_PKEY* pkey = key->data->pkey.get();
  return is_kind(pkey, kind) ? bssl::UpRef(pkey) : nullptr;
}

bool is_kind(const EVP_PKEY* pkey, Kind kind) {
  const auto is_curve = [&](int nid) {
    const EC_KEY* ec = EVP_PKEY_get0_EC_KEY(pkey);
    return ec && EC_GROUP_get_curve_name(EC_KEY_get0_group(ec)) == nid;
  };
  switch (kind) {
    case Kind::rsa:
      return EVP_PKEY_id(pkey) == EVP_PKEY_RSA;
    case Kind::p256:
      return is_curve(NID_X9_62_prime256v1);
    case Kind::p384:
      return is_curve(NID_secp384r1);
    case Kind::p521:
      return is_curve(NID_secp521r1);
    case Kind::ed25519:
      return EVP_PKEY_id(pkey) == EVP_PKEY_ED25519;
    case Kind::x25519:
      return EVP_PKEY_id(pkey) == EVP_PKEY_X25519;
  }
  return false;
}

v8::Local<v8::Value> add_key(v8::Isolate* isolate, v8::Local<v8::Value> holder,
                             std::shared_ptr<const KeyData> data, bool is_private,
                             bool extractable) {
  // About what BoringSSL has for an RSA key with what it computes once.
  const size_t memory_bytes = data->pkey ? 8'192 : data->secret.size() + 256;
  const uint32_t id = runtime_of(isolate).native_states.add(
      isolate, holder.As<v8::Object>(),
      std::make_unique<NativeKey>(std::move(data), is_private, extractable), memory_bytes);
  if (id == 0) return v8::Undefined(isolate);
  return v8::Integer::NewFromUnsigned(isolate, id);
}

void return_pkey(const Info& info, v8::Local<v8::Value> holder, KeyPointer pkey, bool is_private,
                 bool extractable) {
  if (!pkey || !holder->IsObject()) return;
  auto data = std::make_shared<KeyData>();
  data->pkey = std::move(pkey);
  info.GetReturnValue().Set(
      add_key(info.GetIsolate(), holder, std::move(data), is_private, extractable));
}

bool Output::make(v8::Isolate* isolate, size_t bytes) {
  if (!v8::ArrayBuffer::MaybeNew(isolate, bytes, v8::BackingStoreInitializationMode::kUninitialized)
           .ToLocal(&buffer)) {
    throw_range_error(isolate, "Array buffer allocation failed");
    return false;
  }
  data = static_cast<uint8_t*>(buffer->Data());
  size = bytes;
  return true;
}

void return_bytes(const Info& info, Bytes bytes) {
  v8::Local<v8::ArrayBuffer> buffer;
  if (to_array_buffer(info.GetIsolate(),
                      {reinterpret_cast<const char*>(bytes.data()), bytes.size()})
          .ToLocal(&buffer)) {
    info.GetReturnValue().Set(buffer);
  }
}

void return_output(const Info& info, const Output& output, size_t bytes) {
  if (bytes == output.size) return info.GetReturnValue().Set(output.buffer);
  return_bytes(info, {output.data, bytes});
}

bool breathe(v8::Isolate* isolate, v8::Local<v8::Value> breath) {
  if (!breath->IsFunction()) return true;
  v8::Local<v8::Value> nothing;
  return breath.As<v8::Function>()
      ->Call(isolate->GetCurrentContext(), v8::Undefined(isolate), 0, nullptr)
      .ToLocal(&nothing);
}

}  // namespace skep::api::crypto

namespace skep::api {

std::span<const Op> subtle_ops() {
  static const std::vector<Op> all = [] {
    std::vector<Op> ops;
    for (const std::span<const Op> table :
         {crypto::digest_ops(), crypto::key_ops(), crypto::jwk_ops(), crypto::signature_ops(),
          crypto::cipher_ops(), crypto::derive_ops()}) {
      ops.insert(ops.end(), table.begin(), table.end());
    }
    return ops;
  }();
  return all;
}

}  // namespace skep::api
