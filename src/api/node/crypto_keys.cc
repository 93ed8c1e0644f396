// node:crypto: asymmetric keys. A key travels between JavaScript and here as DER (PKCS #8, SPKI),
// which is parsed at each use; PEM and passphrases are understood when a key is read.
#include <openssl/bio.h>
#include <openssl/bytestring.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <vector>

#include "api/base/values.h"
#include "api/crypto/native.h"
#include "api/node/crypto.h"
#include "base/limits_crypto.h"
#include "base/limits_node.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;
using Key = bssl::UniquePtr<EVP_PKEY>;
using Bytes = std::vector<uint8_t>;

// Its errors would stay in the thread's queue.
struct ErrorScope {
  ~ErrorScope() { ERR_clear_error(); }
};

uint32_t unsigned_of(v8::Local<v8::Value> value) {
  return value->IsUint32() ? value.As<v8::Uint32>()->Value() : 0;
}

v8::Local<v8::Value> bytes_value(v8::Isolate* isolate, const Bytes& bytes) {
  v8::Local<v8::Uint8Array> array;
  if (!to_uint8_array(isolate, {reinterpret_cast<const char*>(bytes.data()), bytes.size()})
           .ToLocal(&array)) {
    return v8::Undefined(isolate);
  }
  return array;
}

template <typename Write>
Bytes written(Write write) {
  bssl::ScopedCBB cbb;
  uint8_t* data = nullptr;
  size_t length = 0;
  if (!CBB_init(cbb.get(), 256) || !write(cbb.get()) || !CBB_finish(cbb.get(), &data, &length)) {
    return {};
  }
  Bytes out(data, data + length);
  OPENSSL_free(data);
  return out;
}

// Not an RSA key whose every use would hold the shard.
bool is_usable(const EVP_PKEY* key) {
  return EVP_PKEY_id(key) != EVP_PKEY_RSA ||
         static_cast<uint32_t>(EVP_PKEY_bits(key)) <= limits::kRsaImportBits;
}

Key private_key(std::span<const uint8_t> der) {
  CBS cbs(bssl::Span(der.data(), der.size()));
  Key key(EVP_parse_private_key(&cbs));
  return key && is_usable(key.get()) && CBS_len(&cbs) == 0 ? std::move(key) : nullptr;
}

Key public_key(std::span<const uint8_t> der) {
  CBS cbs(bssl::Span(der.data(), der.size()));
  Key key(EVP_parse_public_key(&cbs));
  return key && is_usable(key.get()) && CBS_len(&cbs) == 0 ? std::move(key) : nullptr;
}

const char* type_name(const EVP_PKEY* key) {
  switch (EVP_PKEY_id(key)) {
    case EVP_PKEY_RSA:
      return "rsa";
    case EVP_PKEY_EC:
      return "ec";
    case EVP_PKEY_ED25519:
      return "ed25519";
    case EVP_PKEY_X25519:
      return "x25519";
    default:
      return "";
  }
}

// Names as Node.js gives them.
struct Curve {
  std::string_view name;
  const EC_GROUP* (*group)();
};
constexpr Curve kCurves[] = {{"prime256v1", EC_group_p256}, {"P-256", EC_group_p256},
                             {"secp384r1", EC_group_p384},  {"P-384", EC_group_p384},
                             {"secp521r1", EC_group_p521},  {"P-521", EC_group_p521},
                             {"secp224r1", EC_group_p224},  {"P-224", EC_group_p224}};

std::string_view curve_name(const EVP_PKEY* key) {
  const EC_KEY* ec = EVP_PKEY_get0_EC_KEY(key);
  if (!ec) return "";
  const int nid = EC_GROUP_get_curve_name(EC_KEY_get0_group(ec));
  for (const Curve& curve : kCurves) {
    if (EC_GROUP_get_curve_name(curve.group()) == nid) return curve.name;
  }
  return "";
}

// [type, PKCS #8 or undefined, SPKI, bits, curve]
void return_key(const Info& info, const EVP_PKEY* key, bool is_private) {
  v8::Isolate* isolate = info.GetIsolate();
  const Bytes spki = written([&](CBB* cbb) { return EVP_marshal_public_key(cbb, key); });
  Bytes pkcs8;
  if (is_private) pkcs8 = written([&](CBB* cbb) { return EVP_marshal_private_key(cbb, key); });
  if (spki.empty() || (is_private && pkcs8.empty())) return;
  v8::Local<v8::Value> fields[] = {
      js_text(isolate, type_name(key)),
      is_private ? bytes_value(isolate, pkcs8) : v8::Local<v8::Value>(v8::Undefined(isolate)),
      bytes_value(isolate, spki), v8::Integer::New(isolate, EVP_PKEY_bits(key)),
      js_text(isolate, curve_name(key))};
  info.GetReturnValue().Set(v8::Array::New(isolate, fields, std::size(fields)));
}

int give_passphrase(char* out, int size, int, void* context) {
  const auto& passphrase = *static_cast<const std::string*>(context);
  if (size < 0 || passphrase.size() > static_cast<size_t>(size)) return -1;
  std::copy(passphrase.begin(), passphrase.end(), out);
  return static_cast<int>(passphrase.size());
}

Key read_pem(std::span<const uint8_t> pem, bool& is_private, std::string& passphrase) {
  const auto open = [&] {
    return bssl::UniquePtr<BIO>(BIO_new_mem_buf(pem.data(), static_cast<ossl_ssize_t>(pem.size())));
  };
  is_private = true;
  if (Key key{PEM_read_bio_PrivateKey(open().get(), nullptr, give_passphrase, &passphrase)}) {
    return key;
  }
  is_private = false;
  if (Key key{PEM_read_bio_PUBKEY(open().get(), nullptr, nullptr, nullptr)}) return key;
  if (bssl::UniquePtr<RSA> rsa{
          PEM_read_bio_RSAPublicKey(open().get(), nullptr, nullptr, nullptr)}) {
    Key key(EVP_PKEY_new());
    return EVP_PKEY_set1_RSA(key.get(), rsa.get()) ? std::move(key) : nullptr;
  }
  if (bssl::UniquePtr<X509> x509{PEM_read_bio_X509(open().get(), nullptr, nullptr, nullptr)}) {
    return Key(X509_get_pubkey(x509.get()));
  }
  return nullptr;
}

Key read_der(std::span<const uint8_t> der, bool& is_private) {
  is_private = true;
  if (Key key = private_key(der)) return key;
  CBS cbs(bssl::Span(der.data(), der.size()));
  Key key(EVP_PKEY_new());
  if (bssl::UniquePtr<RSA> rsa{RSA_parse_private_key(&cbs)};
      rsa && EVP_PKEY_set1_RSA(key.get(), rsa.get())) {
    return key;
  }
  CBS_init(&cbs, der.data(), der.size());
  if (bssl::UniquePtr<EC_KEY> ec{EC_KEY_parse_private_key(&cbs, nullptr)};
      ec && EVP_PKEY_set1_EC_KEY(key.get(), ec.get())) {
    return key;
  }
  is_private = false;
  if (Key found = public_key(der)) return found;
  CBS_init(&cbs, der.data(), der.size());
  if (bssl::UniquePtr<RSA> rsa{RSA_parse_public_key(&cbs)};
      rsa && EVP_PKEY_set1_RSA(key.get(), rsa.get())) {
    return key;
  }
  return nullptr;
}

// key_read(bytes, is_pem, passphrase) -> the key; undefined: it cannot be read
void key_read(const Info& info) {
  const ErrorScope errors;
  std::span<uint8_t> bytes;
  if (!bytes_of(info[0], bytes) || bytes.size() > limits::kKeyBytes) return;
  std::string passphrase = to_utf8(info.GetIsolate(), info[2]);
  bool is_private = false;
  const Key key =
      info[1]->IsTrue() ? read_pem(bytes, is_private, passphrase) : read_der(bytes, is_private);
  if (key && is_usable(key.get())) return_key(info, key.get(), is_private);
}

// key_traditional(pkcs8 or spki, is_private) -> PKCS #1 or SEC 1; undefined: it has no such form
void key_traditional(const Info& info) {
  const ErrorScope errors;
  std::span<uint8_t> der;
  if (!bytes_of(info[0], der)) return;
  const bool is_private = info[1]->IsTrue();
  const Key key = is_private ? private_key(der) : public_key(der);
  if (!key) return;
  const RSA* rsa = EVP_PKEY_get0_RSA(key.get());
  const EC_KEY* ec = EVP_PKEY_get0_EC_KEY(key.get());
  const Bytes out = written([&](CBB* cbb) {
    if (rsa)
      return is_private ? RSA_marshal_private_key(cbb, rsa) : RSA_marshal_public_key(cbb, rsa);
    return ec && is_private ? EC_KEY_marshal_private_key(cbb, ec, 0) : 0;
  });
  if (!out.empty()) info.GetReturnValue().Set(bytes_value(info.GetIsolate(), out));
}

struct Breath {
  v8::Isolate* isolate;
  v8::Local<v8::Value> function;
};

Key generate_rsa(uint32_t bits, uint32_t exponent, Breath breath) {
  // An even exponent would be searched for endlessly.
  if (bits < limits::kRsaGenerateBitsMin || bits > limits::kRsaGenerateBitsMax ||
      (exponent != 3 && exponent != 65537)) {
    return nullptr;
  }
  bssl::UniquePtr<RSA> rsa(RSA_new());
  bssl::UniquePtr<BIGNUM> e(BN_new());
  Key key(EVP_PKEY_new());
  BN_GENCB callback;  // called for each candidate: others have their turn then
  BN_GENCB_set(
      &callback,
      [](int, int, BN_GENCB* cb) {
        const auto* air = static_cast<const Breath*>(cb->arg);
        const v8::HandleScope scope(air->isolate);
        return crypto::breathe(air->isolate, air->function) ? 1 : 0;
      },
      &breath);
  if (!BN_set_word(e.get(), exponent) ||
      !RSA_generate_key_ex(rsa.get(), static_cast<int>(bits), e.get(), &callback) ||
      !EVP_PKEY_set1_RSA(key.get(), rsa.get())) {
    return nullptr;
  }
  return key;
}

Key generate_ec(std::string_view name) {
  const auto curve = std::ranges::find(kCurves, name, &Curve::name);
  if (curve == std::end(kCurves)) return nullptr;
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new());
  Key key(EVP_PKEY_new());
  if (!EC_KEY_set_group(ec.get(), curve->group()) || !EC_KEY_generate_key(ec.get()) ||
      !EVP_PKEY_set1_EC_KEY(key.get(), ec.get())) {
    return nullptr;
  }
  return key;
}

// key_generate("rsa", bits, exponent, breath) | ("ec", curve) | ("ed25519") | ("x25519") -> the key
void key_generate(const Info& info) {
  const ErrorScope errors;
  v8::Isolate* isolate = info.GetIsolate();
  const std::string type = to_utf8(isolate, info[0]);
  Key key;
  if (type == "rsa") {
    key = generate_rsa(unsigned_of(info[1]), unsigned_of(info[2]), {isolate, info[3]});
  }
  if (type == "ec") key = generate_ec(to_utf8(isolate, info[1]));
  if (type == "ed25519" || type == "x25519") {
    const int id = type == "ed25519" ? EVP_PKEY_ED25519 : EVP_PKEY_X25519;
    bssl::UniquePtr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_id(id, nullptr));
    EVP_PKEY* made = nullptr;
    if (context && EVP_PKEY_keygen_init(context.get()) && EVP_PKEY_keygen(context.get(), &made)) {
      key.reset(made);
    }
  }
  if (key) return_key(info, key.get(), true);
}

// --- signatures ---

// (key, digest or undefined, data, padding, salt, …): what the sign and verify ops have in common
bool start(const Info& info, EVP_MD_CTX* context, EVP_PKEY* key, bool sign) {
  const EVP_MD* digest = digest_of(info.GetIsolate(), info[1]);
  const int id = EVP_PKEY_id(key);
  if (!digest && id != EVP_PKEY_ED25519) return false;
  if (id == EVP_PKEY_ED25519) digest = nullptr;
  EVP_PKEY_CTX* options = nullptr;
  if (!(sign ? EVP_DigestSignInit(context, &options, digest, nullptr, key)
             : EVP_DigestVerifyInit(context, &options, digest, nullptr, key))) {
    return false;
  }
  if (id != EVP_PKEY_RSA || unsigned_of(info[3]) != RSA_PKCS1_PSS_PADDING) return true;
  const int salt = info[4]->IsInt32() ? info[4].As<v8::Int32>()->Value() : RSA_PSS_SALTLEN_DIGEST;
  return EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(options, salt);
}

// The two numbers of an ECDSA signature one after the other (IEEE P1363), and back.
Bytes to_p1363(const EVP_PKEY* key, const Bytes& der) {
  const size_t size = (static_cast<size_t>(EVP_PKEY_bits(key)) + 7) / 8;
  bssl::UniquePtr<ECDSA_SIG> sig(ECDSA_SIG_from_bytes(der.data(), der.size()));
  Bytes out(size * 2);
  if (!sig || !BN_bn2bin_padded(out.data(), size, ECDSA_SIG_get0_r(sig.get())) ||
      !BN_bn2bin_padded(out.data() + size, size, ECDSA_SIG_get0_s(sig.get()))) {
    return {};
  }
  return out;
}

Bytes from_p1363(std::span<const uint8_t> raw) {
  bssl::UniquePtr<ECDSA_SIG> sig(ECDSA_SIG_new());
  const size_t size = raw.size() / 2;
  BIGNUM* r = BN_bin2bn(raw.data(), size, nullptr);
  BIGNUM* s = BN_bin2bn(raw.data() + size, size, nullptr);
  uint8_t* der = nullptr;
  size_t length = 0;
  if (!ECDSA_SIG_set0(sig.get(), r, s) || !ECDSA_SIG_to_bytes(&der, &length, sig.get())) return {};
  Bytes out(der, der + length);
  OPENSSL_free(der);
  return out;
}

// key_sign(pkcs8, digest, data, padding, salt, p1363) -> the signature; undefined: it failed
void key_sign(const Info& info) {
  const ErrorScope errors;
  std::span<uint8_t> der, data;
  if (!bytes_of(info[0], der) || !bytes_of(info[2], data)) return;
  const Key key = private_key(der);
  bssl::ScopedEVP_MD_CTX context;
  size_t length = 0;
  if (!key || !start(info, context.get(), key.get(), true) ||
      !EVP_DigestSign(context.get(), nullptr, &length, data.data(), data.size())) {
    return;
  }
  Bytes out(length);
  if (!EVP_DigestSign(context.get(), out.data(), &length, data.data(), data.size())) return;
  out.resize(length);
  if (info[5]->IsTrue() && EVP_PKEY_id(key.get()) == EVP_PKEY_EC) out = to_p1363(key.get(), out);
  info.GetReturnValue().Set(bytes_value(info.GetIsolate(), out));
}

// key_verify(spki, digest, data, padding, salt, p1363, signature) -> boolean; undefined: it failed
void key_verify(const Info& info) {
  const ErrorScope errors;
  std::span<uint8_t> der, data, given;
  if (!bytes_of(info[0], der) || !bytes_of(info[2], data) || !bytes_of(info[6], given)) return;
  const Key key = public_key(der);
  bssl::ScopedEVP_MD_CTX context;
  if (!key || !start(info, context.get(), key.get(), false)) return;
  Bytes signature(given.begin(), given.end());
  if (info[5]->IsTrue() && EVP_PKEY_id(key.get()) == EVP_PKEY_EC) signature = from_p1363(given);
  info.GetReturnValue().Set(EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                                             data.data(), data.size()) == 1);
}

// --- encryption with RSA, key agreement ---

enum Crypt : uint32_t { kPublicEncrypt, kPrivateDecrypt, kPrivateEncrypt, kPublicDecrypt };

int rsa_step(Crypt what, EVP_PKEY_CTX* context, uint8_t* out, size_t* length,
             std::span<const uint8_t> in) {
  switch (what) {
    case kPublicEncrypt:
      return EVP_PKEY_encrypt(context, out, length, in.data(), in.size());
    case kPrivateDecrypt:
      return EVP_PKEY_decrypt(context, out, length, in.data(), in.size());
    case kPrivateEncrypt:
      return EVP_PKEY_sign(context, out, length, in.data(), in.size());
    case kPublicDecrypt:
      return EVP_PKEY_verify_recover(context, out, length, in.data(), in.size());
  }
  return 0;
}

int rsa_init(Crypt what, EVP_PKEY_CTX* context) {
  switch (what) {
    case kPublicEncrypt:
      return EVP_PKEY_encrypt_init(context);
    case kPrivateDecrypt:
      return EVP_PKEY_decrypt_init(context);
    case kPrivateEncrypt:
      return EVP_PKEY_sign_init(context);
    case kPublicDecrypt:
      return EVP_PKEY_verify_recover_init(context);
  }
  return 0;
}

bool set_oaep(const Info& info, EVP_PKEY_CTX* context) {
  const EVP_MD* digest = digest_of(info.GetIsolate(), info[4]);
  std::span<uint8_t> label;
  if (!digest || !EVP_PKEY_CTX_set_rsa_oaep_md(context, digest)) return false;
  if (!bytes_of(info[5], label) || label.empty()) return true;
  auto* copy = static_cast<uint8_t*>(OPENSSL_memdup(label.data(), label.size()));
  return EVP_PKEY_CTX_set0_rsa_oaep_label(context, copy, label.size()) == 1;
}

// rsa_crypt(what, der, data, padding, oaep digest, label) -> bytes; undefined: it failed
void rsa_crypt(const Info& info) {
  const ErrorScope errors;
  const uint32_t number = unsigned_of(info[0]);
  std::span<uint8_t> der, data;
  if (number > kPublicDecrypt || !bytes_of(info[1], der) || !bytes_of(info[2], data)) return;
  const auto what = static_cast<Crypt>(number);
  const bool needs_private = what == kPrivateDecrypt || what == kPrivateEncrypt;
  const Key key = needs_private ? private_key(der) : public_key(der);
  if (!key || EVP_PKEY_id(key.get()) != EVP_PKEY_RSA) return;
  bssl::UniquePtr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new(key.get(), nullptr));
  const uint32_t padding = unsigned_of(info[3]);
  size_t length = 0;
  if (!context || !rsa_init(what, context.get()) ||
      !EVP_PKEY_CTX_set_rsa_padding(context.get(), static_cast<int>(padding)) ||
      (padding == RSA_PKCS1_OAEP_PADDING && !set_oaep(info, context.get())) ||
      !rsa_step(what, context.get(), nullptr, &length, data)) {
    return;
  }
  Bytes out(length);
  if (!rsa_step(what, context.get(), out.data(), &length, data)) return;
  out.resize(length);
  info.GetReturnValue().Set(bytes_value(info.GetIsolate(), out));
}

// key_agree(pkcs8, spki) -> the shared secret; undefined: they are not of one kind
void key_agree(const Info& info) {
  const ErrorScope errors;
  std::span<uint8_t> own_der, other_der;
  if (!bytes_of(info[0], own_der) || !bytes_of(info[1], other_der)) return;
  const Key own = private_key(own_der), other = public_key(other_der);
  size_t length = 0;
  bssl::UniquePtr<EVP_PKEY_CTX> context(own ? EVP_PKEY_CTX_new(own.get(), nullptr) : nullptr);
  if (!other || !context || !EVP_PKEY_derive_init(context.get()) ||
      !EVP_PKEY_derive_set_peer(context.get(), other.get()) ||
      !EVP_PKEY_derive(context.get(), nullptr, &length)) {
    return;
  }
  Bytes out(length);
  if (!EVP_PKEY_derive(context.get(), out.data(), &length)) return;
  out.resize(length);
  info.GetReturnValue().Set(bytes_value(info.GetIsolate(), out));
}

}  // namespace

std::span<const Op> node_crypto_key_ops() {
  static constexpr Op ops[] = {
      {"key_read", key_read},         {"key_traditional", key_traditional},
      {"key_generate", key_generate}, {"key_sign", key_sign},
      {"key_verify", key_verify},     {"rsa_crypt", rsa_crypt},
      {"key_agree", key_agree},
  };
  return ops;
}

}  // namespace skep::api
