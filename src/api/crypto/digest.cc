// Message digests, at once and chunk by chunk (DigestStream), and comparison in constant time.
#include <openssl/mem.h>

#include "api/base/values.h"
#include "api/crypto/native.h"
#include "api/runtime_impl.h"
#include "base/limits_crypto.h"

namespace skep::api::crypto {

size_t digest_into(v8::Isolate* isolate, v8::Local<v8::Value> breath, const EVP_MD* md, Bytes data,
                   uint8_t* out) {
  unsigned length = 0;
  if (data.size() <= limits::kCryptoSliceBytes) {
    return EVP_Digest(data.data(), data.size(), out, &length, md, nullptr) ? length : 0;
  }
  bssl::ScopedEVP_MD_CTX context;
  const bool done = EVP_DigestInit_ex(context.get(), md, nullptr) &&
                    in_slices(isolate, breath, data, limits::kCryptoSliceBytes, [&](Bytes slice) {
                      return EVP_DigestUpdate(context.get(), slice.data(), slice.size()) == 1;
                    });
  return done && EVP_DigestFinal_ex(context.get(), out, &length) ? length : 0;
}

namespace {

// digest(hash, data, breath) -> ArrayBuffer
void digest(const Info& info) {
  const EVP_MD* md = hash_of(info[0]);
  if (!md) return;
  uint8_t out[EVP_MAX_MD_SIZE];
  const size_t length = digest_into(info.GetIsolate(), info[2], md, bytes_at(info[1]), out);
  if (length > 0) return_bytes(info, {out, length});
}

class Digesting final : public NativeState {
 public:
  static constexpr char kKind = 0;
  Digesting() : NativeState(&kKind) {}
  // Held by an update too: while it breathes, the collector may take the stream.
  const std::shared_ptr<EVP_MD_CTX> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

Digesting* digesting_at(const Info& info) {
  return runtime_of(info.GetIsolate()).native_states.find<Digesting>(info[0]);
}

// digest_open(holder, hash) -> id
void digest_open(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const EVP_MD* md = hash_of(info[1]);
  auto state = std::make_unique<Digesting>();
  if (!md || !info[0]->IsObject() || !EVP_DigestInit_ex(state->context.get(), md, nullptr)) return;
  const uint32_t id = runtime_of(isolate).native_states.add(isolate, info[0].As<v8::Object>(),
                                                            std::move(state), 512);
  if (id != 0) info.GetReturnValue().Set(id);
}

// digest_update(id, data, breath)
void digest_update(const Info& info) {
  const Digesting* state = digesting_at(info);
  if (!state) return;
  const auto context = state->context;
  in_slices(info.GetIsolate(), info[2], bytes_at(info[1]), limits::kCryptoSliceBytes,
            [&](Bytes slice) {
              return EVP_DigestUpdate(context.get(), slice.data(), slice.size()) == 1;
            });
}

// digest_final(id) -> ArrayBuffer; the state is gone
void digest_final(const Info& info) {
  Digesting* state = digesting_at(info);
  uint8_t out[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (!state || !EVP_DigestFinal_ex(state->context.get(), out, &length)) return;
  runtime_of(info.GetIsolate()).native_states.drop(info[0]);
  return_bytes(info, {out, length});
}

// digest_drop(id)
void digest_drop(const Info& info) {
  runtime_of(info.GetIsolate()).native_states.drop(info[0]);
}

// equal_bytes(a, b) -> whether they are; undefined: their lengths differ
void equal_bytes(const Info& info) {
  const Bytes a = bytes_at(info[0]), b = bytes_at(info[1]);
  if (a.size() != b.size()) return;
  info.GetReturnValue().Set(a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace

std::span<const Op> digest_ops() {
  static constexpr Op ops[] = {{"digest", digest},
                               {"digest_open", digest_open},
                               {"digest_update", digest_update},
                               {"digest_final", digest_final},
                               {"digest_drop", digest_drop},
                               {"equal_bytes", equal_bytes}};
  return ops;
}

}  // namespace skep::api::crypto
