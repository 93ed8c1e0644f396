// Keys: making, reading and writing them in every form but JWK (jwk.cc).
#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/mem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "api/base/values.h"
#include "api/crypto/key_forms.h"
#include "api/crypto/native.h"
#include "api/event/event.h"
#include "base/limits_crypto.h"

namespace skep::api::crypto {

const EC_GROUP* group_of(Kind kind) {
  switch (kind) {
    case Kind::p256:
      return EC_group_p256();
    case Kind::p384:
      return EC_group_p384();
    case Kind::p521:
      return EC_group_p521();
    default:
      return nullptr;
  }
}

KeyPointer wrap(bssl::UniquePtr<EC_KEY> ec) {
  KeyPointer key(EVP_PKEY_new());
  return ec && EVP_PKEY_set1_EC_KEY(key.get(), ec.get()) ? std::move(key) : nullptr;
}

KeyPointer wrap(bssl::UniquePtr<RSA> rsa) {
  KeyPointer key(EVP_PKEY_new());
  return rsa && EVP_PKEY_set1_RSA(key.get(), rsa.get()) ? std::move(key) : nullptr;
}

bool is_acceptable(const EVP_PKEY* key, Kind kind) {
  if (!key || !is_kind(key, kind)) return false;
  return kind != Kind::rsa || static_cast<uint32_t>(EVP_PKEY_bits(key)) <= limits::kRsaImportBits;
}

KeyPointer read_key(Form form, Kind kind, Bytes bytes) {
  if (bytes.size() > limits::kKeyImportBytes) return nullptr;
  KeyPointer key;
  if (form == Form::raw) {
    if (const EC_GROUP* group = group_of(kind)) {
      bssl::UniquePtr<EC_KEY> ec(EC_KEY_new());
      if (!EC_KEY_set_group(ec.get(), group) ||
          !EC_KEY_oct2key(ec.get(), bytes.data(), bytes.size(), nullptr)) {
        return nullptr;
      }
      return wrap(std::move(ec));
    }
    if (kind == Kind::rsa) return nullptr;
    const int type = kind == Kind::ed25519 ? EVP_PKEY_ED25519 : EVP_PKEY_X25519;
    key.reset(EVP_PKEY_new_raw_public_key(type, nullptr, bytes.data(), bytes.size()));
  } else {
    CBS cbs(bssl::Span(bytes.data(), bytes.size()));
    key.reset(form == Form::spki ? EVP_parse_public_key(&cbs) : EVP_parse_private_key(&cbs));
    if (CBS_len(&cbs) != 0) return nullptr;
  }
  return is_acceptable(key.get(), kind) ? std::move(key) : nullptr;
}

namespace {

bool write_raw(CBB* cbb, const EVP_PKEY* key) {
  if (const EC_KEY* ec = EVP_PKEY_get0_EC_KEY(key)) {
    return EC_POINT_point2cbb(cbb, EC_KEY_get0_group(ec), EC_KEY_get0_public_key(ec),
                              POINT_CONVERSION_UNCOMPRESSED, nullptr);
  }
  uint8_t raw[32];
  size_t length = sizeof(raw);
  return EVP_PKEY_get_raw_public_key(key, raw, &length) && CBB_add_bytes(cbb, raw, length);
}

// key_secret(holder, bytes, extractable) -> id
void key_secret(const Info& info) {
  const Bytes bytes = bytes_at(info[1]);
  if (!info[0]->IsObject() || bytes.size() > limits::kSecretKeyBytes) return;
  auto data = std::make_shared<KeyData>();
  data->secret.assign(bytes.begin(), bytes.end());
  info.GetReturnValue().Set(
      add_key(info.GetIsolate(), info[0], std::move(data), true, info[2]->IsTrue()));
}

// key_random(holder, bits, extractable) -> id. Bits beyond the last are zero.
void key_random(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  if (!require_event(isolate)) return;
  const size_t bits = unsigned_at(info[1]), bytes = (bits + 7) / 8;
  if (!info[0]->IsObject() || bytes == 0 || bytes > limits::kSecretKeyBytes) return;
  auto data = std::make_shared<KeyData>();
  data->secret.resize(bytes);
  RAND_bytes(data->secret.data(), bytes);
  if (bits % 8 != 0) data->secret.back() &= static_cast<uint8_t>(0xff << (8 - bits % 8));
  info.GetReturnValue().Set(add_key(isolate, info[0], std::move(data), true, info[2]->IsTrue()));
}

struct Breath {
  v8::Isolate* isolate;
  v8::Local<v8::Value> function;
};

KeyPointer generate_rsa(uint32_t bits, uint32_t exponent, Breath& breath) {
  // BoringSSL's own check lets an even exponent through to an endless search.
  if (bits < limits::kRsaGenerateBitsMin || bits > limits::kRsaGenerateBitsMax ||
      (exponent != 3 && exponent != 65537)) {
    return nullptr;
  }
  bssl::UniquePtr<RSA> rsa(RSA_new());
  bssl::UniquePtr<BIGNUM> e(BN_new());
  // Called for each candidate and each round of the test for primes.
  BN_GENCB callback;
  BN_GENCB_set(
      &callback,
      [](int, int, BN_GENCB* cb) {
        const auto* air = static_cast<const Breath*>(cb->arg);
        const v8::HandleScope scope(air->isolate);
        return breathe(air->isolate, air->function) ? 1 : 0;
      },
      &breath);
  if (!BN_set_word(e.get(), exponent) ||
      !RSA_generate_key_ex(rsa.get(), static_cast<int>(bits), e.get(), &callback)) {
    return nullptr;
  }
  return wrap(std::move(rsa));
}

KeyPointer generate_okp(Kind kind) {
  bssl::UniquePtr<EVP_PKEY_CTX> context(
      EVP_PKEY_CTX_new_id(kind == Kind::ed25519 ? EVP_PKEY_ED25519 : EVP_PKEY_X25519, nullptr));
  EVP_PKEY* made = nullptr;
  if (!context || !EVP_PKEY_keygen_init(context.get()) || !EVP_PKEY_keygen(context.get(), &made)) {
    return nullptr;
  }
  return KeyPointer(made);
}

KeyPointer generate_ec(Kind kind) {
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new());
  if (!EC_KEY_set_group(ec.get(), group_of(kind)) || !EC_KEY_generate_key(ec.get())) return nullptr;
  return wrap(std::move(ec));
}

// key_pair(public holder, private holder, kind, extractable, bits, exponent, breath) ->
// [public id, private id]; undefined: such a key cannot be made
void key_pair(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const ErrorScope errors;
  Kind kind;
  if (!require_event(isolate) || !info[0]->IsObject() || !info[1]->IsObject() ||
      !kind_at(info[2], kind)) {
    return;
  }
  Breath breath{isolate, info[6]};
  auto data = std::make_shared<KeyData>();
  if (kind == Kind::rsa) {
    data->pkey = generate_rsa(unsigned_at(info[4]), unsigned_at(info[5]), breath);
  } else {
    data->pkey = group_of(kind) ? generate_ec(kind) : generate_okp(kind);
  }
  if (!data->pkey) return;
  v8::Local<v8::Value> ids[] = {add_key(isolate, info[0], data, false, true),
                                add_key(isolate, info[1], data, true, info[3]->IsTrue())};
  if (ids[0]->IsUint32() && ids[1]->IsUint32()) {
    info.GetReturnValue().Set(v8::Array::New(isolate, ids, 2));
  }
}

bool form_at(v8::Local<v8::Value> value, Form& out) {
  out = static_cast<Form>(unsigned_at(value));
  return value->IsUint32() && out <= Form::pkcs8;
}

// key_read(holder, kind, form, bytes, extractable) -> id; undefined: it is no such key
void key_read(const Info& info) {
  const ErrorScope errors;
  Kind kind;
  Form form;
  if (!kind_at(info[1], kind) || !form_at(info[2], form)) return;
  return_pkey(info, info[0], read_key(form, kind, bytes_at(info[3])), form == Form::pkcs8,
              info[4]->IsTrue());
}

// key_write(id, form) -> ArrayBuffer
void key_write(const Info& info) {
  const ErrorScope errors;
  const NativeKey* key = key_at(info, 0);
  Form form;
  if (!key || !key->extractable || !form_at(info[1], form)) return;
  if (!key->data->pkey) {
    if (form == Form::raw) return_bytes(info, key->data->secret);
    return;
  }
  if (form == Form::pkcs8 && !key->is_private) return;
  const EVP_PKEY* pkey = key->data->pkey.get();
  bssl::ScopedCBB cbb;
  const bool written = CBB_init(cbb.get(), 256) &&
                       (form == Form::raw    ? write_raw(cbb.get(), pkey)
                        : form == Form::spki ? EVP_marshal_public_key(cbb.get(), pkey) == 1
                                             : EVP_marshal_private_key(cbb.get(), pkey) == 1);
  if (written) return_bytes(info, {CBB_data(cbb.get()), CBB_len(cbb.get())});
}

// key_copy(id, holder) -> the id of another that has the same substance
void key_copy(const Info& info) {
  const NativeKey* key = key_at(info, 0);
  if (!key || !info[1]->IsObject()) return;
  info.GetReturnValue().Set(
      add_key(info.GetIsolate(), info[1], key->data, key->is_private, key->extractable));
}

// key_rsa_facts(id) -> [bits of the modulus, the public exponent's bytes]
void key_rsa_facts(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const KeyPointer pkey = pkey_at(info, 0, Kind::rsa, false);
  if (!pkey) return;
  const BIGNUM* e = RSA_get0_e(EVP_PKEY_get0_RSA(pkey.get()));
  std::vector<uint8_t> exponent(BN_num_bytes(e));
  BN_bn2bin(e, exponent.data());
  v8::Local<v8::Uint8Array> bytes;
  if (!to_uint8_array(isolate, {reinterpret_cast<const char*>(exponent.data()), exponent.size()})
           .ToLocal(&bytes)) {
    return;
  }
  v8::Local<v8::Value> facts[] = {v8::Integer::New(isolate, EVP_PKEY_bits(pkey.get())), bytes};
  info.GetReturnValue().Set(v8::Array::New(isolate, facts, 2));
}

}  // namespace

std::span<const Op> key_ops() {
  static constexpr Op ops[] = {{"key_secret", key_secret},      {"key_random", key_random},
                               {"key_pair", key_pair},          {"key_read", key_read},
                               {"key_write", key_write},        {"key_copy", key_copy},
                               {"key_rsa_facts", key_rsa_facts}};
  return ops;
}

}  // namespace skep::api::crypto
