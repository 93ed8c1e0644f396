// node:crypto: symmetric ciphers, fed piece by piece.
#include <openssl/cipher.h>

#include <algorithm>
#include <array>
#include <vector>

#include "api/base/values.h"
#include "api/node/crypto.h"
#include "api/runtime_impl.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

struct CipherName {
  std::string_view name;
  const EVP_CIPHER* (*cipher)();
  std::string_view mode;
};

constexpr CipherName kCiphers[] = {
    {"aes-128-cbc", EVP_aes_128_cbc, "cbc"},   {"aes-192-cbc", EVP_aes_192_cbc, "cbc"},
    {"aes-256-cbc", EVP_aes_256_cbc, "cbc"},   {"aes-128-ctr", EVP_aes_128_ctr, "ctr"},
    {"aes-192-ctr", EVP_aes_192_ctr, "ctr"},   {"aes-256-ctr", EVP_aes_256_ctr, "ctr"},
    {"aes-128-ecb", EVP_aes_128_ecb, "ecb"},   {"aes-192-ecb", EVP_aes_192_ecb, "ecb"},
    {"aes-256-ecb", EVP_aes_256_ecb, "ecb"},   {"aes-128-gcm", EVP_aes_128_gcm, "gcm"},
    {"aes-192-gcm", EVP_aes_192_gcm, "gcm"},   {"aes-256-gcm", EVP_aes_256_gcm, "gcm"},
    {"des-ede3-cbc", EVP_des_ede3_cbc, "cbc"},
};

const CipherName* cipher_of(v8::Isolate* isolate, v8::Local<v8::Value> value) {
  if (!value->IsString() || value.As<v8::String>()->Length() > 32) return nullptr;
  const std::string name = to_utf8(isolate, value);
  const auto found = std::ranges::find(kCiphers, name, &CipherName::name);
  return found == std::end(kCiphers) ? nullptr : found;
}

class Cipher final : public NativeState {
 public:
  static constexpr char kKind = 0;
  Cipher() : NativeState(&kKind) {}
  bssl::ScopedEVP_CIPHER_CTX context;
};

Cipher* own_cipher(const Info& info) {
  return runtime_of(info.GetIsolate()).native_states.find<Cipher>(info[0]);
}

void return_bytes(const Info& info, const std::vector<uint8_t>& bytes) {
  v8::Local<v8::Uint8Array> array;
  if (to_uint8_array(info.GetIsolate(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()})
          .ToLocal(&array)) {
    info.GetReturnValue().Set(array);
  }
}

// cipher_info(name) -> [key bytes, IV bytes, block bytes, mode]; undefined: no such cipher
void cipher_info(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const CipherName* named = cipher_of(isolate, info[0]);
  if (!named) return;
  const EVP_CIPHER* cipher = named->cipher();
  v8::Local<v8::Value> fields[] = {
      v8::Integer::NewFromUnsigned(isolate, EVP_CIPHER_key_length(cipher)),
      v8::Integer::NewFromUnsigned(isolate, EVP_CIPHER_iv_length(cipher)),
      v8::Integer::NewFromUnsigned(isolate, EVP_CIPHER_block_size(cipher)),
      js_text(isolate, named->mode)};
  info.GetReturnValue().Set(v8::Array::New(isolate, fields, std::size(fields)));
}

void cipher_names(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::LocalVector<v8::Value> names(isolate);
  for (const CipherName& row : kCiphers) names.push_back(js_text(isolate, row.name));
  info.GetReturnValue().Set(v8::Array::New(isolate, names.data(), names.size()));
}

// cipher_new(holder, name, key, iv, encrypt) -> id; undefined: a key or IV of the wrong length
void cipher_new(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const CipherName* named = cipher_of(isolate, info[1]);
  std::span<uint8_t> key, iv;
  if (!named || !bytes_of(info[2], key) || !bytes_of(info[3], iv)) return;
  const EVP_CIPHER* cipher = named->cipher();
  const bool gcm = named->mode == "gcm";
  const bool iv_fits =
      gcm ? !iv.empty() && iv.size() <= 128 : iv.size() == EVP_CIPHER_iv_length(cipher);
  if (key.size() != EVP_CIPHER_key_length(cipher) || !iv_fits) return;
  auto state = std::make_unique<Cipher>();
  EVP_CIPHER_CTX* context = state->context.get();
  const int encrypt = info[4]->IsTrue() ? 1 : 0;
  if (!EVP_CipherInit_ex(context, cipher, nullptr, nullptr, nullptr, encrypt) ||
      (gcm && !EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(iv.size()),
                                   nullptr)) ||
      !EVP_CipherInit_ex(context, nullptr, nullptr, key.data(), iv.data(), encrypt)) {
    return;
  }
  const uint32_t id = runtime_of(isolate).native_states.add(isolate, info[0].As<v8::Object>(),
                                                            std::move(state), 1024);
  if (id != 0) info.GetReturnValue().Set(id);
}

// cipher_update(id, bytes, is_aad) -> Uint8Array; undefined: it failed
void cipher_update(const Info& info) {
  Cipher* cipher = own_cipher(info);
  std::span<uint8_t> in;
  if (!cipher || !bytes_of(info[1], in) || in.size() > (1u << 30)) return;
  const bool aad = info[2]->IsTrue();
  std::vector<uint8_t> out(aad ? 0 : in.size() + EVP_MAX_BLOCK_LENGTH);
  int made = 0;
  if (!EVP_CipherUpdate(cipher->context.get(), aad ? nullptr : out.data(), &made, in.data(),
                        static_cast<int>(in.size()))) {
    return;
  }
  out.resize(aad ? 0 : static_cast<size_t>(made));
  return_bytes(info, out);
}

// cipher_final(id) -> Uint8Array; undefined: bad padding, length or tag
void cipher_final(const Info& info) {
  Cipher* cipher = own_cipher(info);
  if (!cipher) return;
  std::vector<uint8_t> out(EVP_MAX_BLOCK_LENGTH);
  int made = 0;
  if (!EVP_CipherFinal_ex(cipher->context.get(), out.data(), &made)) return;
  out.resize(static_cast<size_t>(made));
  return_bytes(info, out);
}

// cipher_tag(id, length) -> the tag; cipher_set_tag(id, tag) -> whether it fits
void cipher_tag(const Info& info) {
  Cipher* cipher = own_cipher(info);
  const uint32_t length = info[1]->IsUint32() ? info[1].As<v8::Uint32>()->Value() : 0;
  if (!cipher || length == 0 || length > 16) return;
  std::vector<uint8_t> out(length);
  if (EVP_CIPHER_CTX_ctrl(cipher->context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(length),
                          out.data())) {
    return_bytes(info, out);
  }
}

void cipher_set_tag(const Info& info) {
  Cipher* cipher = own_cipher(info);
  std::span<uint8_t> tag;
  if (!cipher || !bytes_of(info[1], tag) || tag.empty() || tag.size() > 16) return;
  info.GetReturnValue().Set(EVP_CIPHER_CTX_ctrl(cipher->context.get(), EVP_CTRL_AEAD_SET_TAG,
                                                static_cast<int>(tag.size()), tag.data()) == 1);
}

void cipher_set_padding(const Info& info) {
  if (Cipher* cipher = own_cipher(info)) {
    EVP_CIPHER_CTX_set_padding(cipher->context.get(), info[1]->IsTrue() ? 1 : 0);
  }
}

}  // namespace

std::span<const Op> node_crypto_cipher_ops() {
  static constexpr Op ops[] = {
      {"cipher_info", cipher_info},       {"cipher_names", cipher_names},
      {"cipher_new", cipher_new},         {"cipher_update", cipher_update},
      {"cipher_final", cipher_final},     {"cipher_tag", cipher_tag},
      {"cipher_set_tag", cipher_set_tag}, {"cipher_set_padding", cipher_set_padding},
  };
  return ops;
}

}  // namespace skep::api
