// Keys as JSON (RFC 7517, RFC 7518 6, RFC 8037): the members that hold numbers. The others are
// JavaScript's.
#include <openssl/bn.h>
#include <openssl/mem.h>

#include "api/base/values.h"
#include "api/crypto/key_forms.h"
#include "base/limits_crypto.h"

namespace skep::api::crypto {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int digit_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

using Number = bssl::UniquePtr<BIGNUM>;

Number to_number(Bytes bytes) {
  return Number(BN_bin2bn(bytes.data(), bytes.size(), nullptr));
}

using Members = std::vector<std::vector<uint8_t>>;

KeyPointer read_rsa(const Members& members) {
  std::vector<Number> numbers;
  for (const auto& member : members) {
    // RFC 7518, 2: a number has no octets that need not be.
    if (member.empty() || (member.size() > 1 && member[0] == 0)) return nullptr;
    numbers.push_back(to_number(member));
  }
  const auto& v = numbers;
  if (v.size() == 2) return wrap(bssl::UniquePtr<RSA>(RSA_new_public_key(v[0].get(), v[1].get())));
  if (v.size() != 8) return nullptr;
  return wrap(
      bssl::UniquePtr<RSA>(RSA_new_private_key(v[0].get(), v[1].get(), v[2].get(), v[3].get(),
                                               v[4].get(), v[5].get(), v[6].get(), v[7].get())));
}

KeyPointer read_ec(Kind kind, const Members& members) {
  const EC_GROUP* group = group_of(kind);
  const size_t size = (EC_GROUP_get_degree(group) + 7) / 8;
  if (members.size() != 2 && members.size() != 3) return nullptr;
  for (const auto& member : members) {
    if (member.size() != size) return nullptr;
  }
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new());
  const Number x = to_number(members[0]), y = to_number(members[1]);
  if (!EC_KEY_set_group(ec.get(), group) ||
      !EC_KEY_set_public_key_affine_coordinates(ec.get(), x.get(), y.get())) {
    return nullptr;
  }
  if (members.size() == 3 && !EC_KEY_oct2priv(ec.get(), members[2].data(), size)) return nullptr;
  return EC_KEY_check_key(ec.get()) ? wrap(std::move(ec)) : nullptr;
}

KeyPointer read_okp(Kind kind, const Members& members) {
  const int type = kind == Kind::ed25519 ? EVP_PKEY_ED25519 : EVP_PKEY_X25519;
  if (members.size() != 1 && members.size() != 2) return nullptr;
  KeyPointer key(EVP_PKEY_new_raw_public_key(type, nullptr, members[0].data(), members[0].size()));
  if (!key || members.size() == 1) return key;
  KeyPointer private_key(
      EVP_PKEY_new_raw_private_key(type, nullptr, members[1].data(), members[1].size()));
  return private_key && EVP_PKEY_eq(key.get(), private_key.get()) == 1 ? std::move(private_key)
                                                                       : nullptr;
}

}  // namespace

bool decode_base64url(std::string_view text, std::vector<uint8_t>& out) {
  if (text.size() % 4 == 1) return false;
  out.clear();
  out.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const int digit = digit_of(c);
    if (digit < 0) return false;
    bits = (bits << 6) | static_cast<uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.push_back(static_cast<uint8_t>(bits >> held));
    bits &= (1u << held) - 1;
  }
  return bits == 0;
}

std::string encode_base64url(Bytes bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  uint32_t bits = 0;
  unsigned held = 0;
  for (const uint8_t byte : bytes) {
    bits = (bits << 8) | byte;
    for (held += 8; held >= 6;) {
      held -= 6;
      out += kAlphabet[(bits >> held) & 63];
    }
    bits &= 63;
  }
  if (held > 0) out += kAlphabet[(bits << (6 - held)) & 63];
  return out;
}

KeyPointer read_jwk(Kind kind, const std::vector<std::string>& texts) {
  Members members;
  for (const std::string& text : texts) {
    if (text.size() > limits::kKeyImportBytes || !decode_base64url(text, members.emplace_back())) {
      return nullptr;
    }
  }
  KeyPointer key = kind == Kind::rsa ? read_rsa(members)
                   : group_of(kind)  ? read_ec(kind, members)
                                     : read_okp(kind, members);
  for (auto& member : members) OPENSSL_cleanse(member.data(), member.size());
  return is_acceptable(key.get(), kind) ? std::move(key) : nullptr;
}

namespace {

// jwk_read(holder, kind, members, is_private, extractable) -> id; undefined: it is no such key.
// members: an array of ours, of strings
void jwk_read(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const ErrorScope errors;
  Kind kind;
  if (!kind_at(info[1], kind) || !info[2]->IsArray()) return;
  auto list = info[2].As<v8::Array>();
  std::vector<std::string> members;
  for (uint32_t i = 0; i < list->Length(); ++i) {
    v8::Local<v8::Value> member;
    if (!list->Get(isolate->GetCurrentContext(), i).ToLocal(&member)) return;
    members.push_back(to_utf8(isolate, member));
  }
  return_pkey(info, info[0], read_jwk(kind, members), info[3]->IsTrue(), info[4]->IsTrue());
  for (auto& member : members) OPENSSL_cleanse(member.data(), member.size());
}

std::string number_text(const BIGNUM* number, size_t size) {
  std::vector<uint8_t> bytes(size);
  if (!BN_bn2bin_padded(bytes.data(), size, number)) return "";
  std::string text = encode_base64url(bytes);
  OPENSSL_cleanse(bytes.data(), size);
  return text;
}

std::vector<std::string> rsa_members(const RSA* rsa, bool is_private) {
  std::vector<std::string> members;
  const auto add = [&](const BIGNUM* n) { members.push_back(number_text(n, BN_num_bytes(n))); };
  add(RSA_get0_n(rsa));
  add(RSA_get0_e(rsa));
  if (!is_private) return members;
  const BIGNUM* rest[] = {RSA_get0_d(rsa),    RSA_get0_p(rsa),    RSA_get0_q(rsa),
                          RSA_get0_dmp1(rsa), RSA_get0_dmq1(rsa), RSA_get0_iqmp(rsa)};
  for (const BIGNUM* number : rest) {
    if (!number) return {};
    add(number);
  }
  return members;
}

std::vector<std::string> ec_members(const EC_KEY* ec, bool is_private) {
  const EC_GROUP* group = EC_KEY_get0_group(ec);
  const size_t size = (EC_GROUP_get_degree(group) + 7) / 8;
  const Number x(BN_new()), y(BN_new());
  if (!EC_POINT_get_affine_coordinates_GFp(group, EC_KEY_get0_public_key(ec), x.get(), y.get(),
                                           nullptr)) {
    return {};
  }
  std::vector<std::string> members = {number_text(x.get(), size), number_text(y.get(), size)};
  if (is_private) members.push_back(number_text(EC_KEY_get0_private_key(ec), size));
  return members;
}

std::vector<std::string> okp_members(const EVP_PKEY* pkey, bool is_private) {
  uint8_t raw[32];
  size_t length = sizeof(raw);
  if (!EVP_PKEY_get_raw_public_key(pkey, raw, &length)) return {};
  std::vector<std::string> members = {encode_base64url({raw, length})};
  if (is_private) {
    if (!EVP_PKEY_get_raw_private_key(pkey, raw, &length)) return {};
    members.push_back(encode_base64url({raw, length}));
    OPENSSL_cleanse(raw, sizeof(raw));
  }
  return members;
}

// jwk_write(id) -> the members as read_jwk takes them; of a secret: [k]
void jwk_write(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const ErrorScope errors;
  const NativeKey* key = key_at(info, 0);
  if (!key || !key->extractable) return;
  const EVP_PKEY* pkey = key->data->pkey.get();
  std::vector<std::string> members;
  if (!pkey) {
    members.push_back(encode_base64url(key->data->secret));
  } else if (const RSA* rsa = EVP_PKEY_get0_RSA(pkey)) {
    members = rsa_members(rsa, key->is_private);
  } else if (const EC_KEY* ec = EVP_PKEY_get0_EC_KEY(pkey)) {
    members = ec_members(ec, key->is_private);
  } else {
    members = okp_members(pkey, key->is_private);
  }
  if (members.empty()) return;
  v8::LocalVector<v8::Value> texts(isolate);
  for (std::string& member : members) {
    texts.push_back(js_latin1(isolate, member));
    OPENSSL_cleanse(member.data(), member.size());
  }
  info.GetReturnValue().Set(v8::Array::New(isolate, texts.data(), texts.size()));
}

// base64url_read(text) -> ArrayBuffer; undefined: it is none
void base64url_read(const Info& info) {
  const std::string text = to_utf8(info.GetIsolate(), info[0]);
  std::vector<uint8_t> bytes;
  if (text.size() > 2 * limits::kSecretKeyBytes || !decode_base64url(text, bytes)) return;
  return_bytes(info, bytes);
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

// text_bytes(text) -> ArrayBuffer of its UTF-8
void text_bytes(const Info& info) {
  std::string text = to_utf8(info.GetIsolate(), info[0]);
  return_bytes(info, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  OPENSSL_cleanse(text.data(), text.size());
}

// bytes_text(bytes) -> the text whose UTF-8 they are
void bytes_text(const Info& info) {
  const Bytes bytes = bytes_at(info[0]);
  v8::Local<v8::String> text;
  if (to_js_string(info.GetIsolate(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()})
          .ToLocal(&text)) {
    info.GetReturnValue().Set(text);
  }
}

// buffer_bytes(buffer or view) -> how many
void buffer_bytes(const Info& info) {
  info.GetReturnValue().Set(static_cast<double>(bytes_at(info[0]).size()));
}

}  // namespace

std::span<const Op> jwk_ops() {
  static constexpr Op ops[] = {
      {"jwk_read", jwk_read},     {"jwk_write", jwk_write},   {"base64url_read", base64url_read},
      {"text_bytes", text_bytes}, {"bytes_text", bytes_text}, {"buffer_bytes", buffer_bytes}};
  return ops;
}

}  // namespace skep::api::crypto
