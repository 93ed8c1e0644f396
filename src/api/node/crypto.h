// What the natives of node:crypto share: names of digests, and keys from what JavaScript gives. In
// the shard, on a job's stack.
#pragma once

#include <openssl/evp.h>
#include <v8.h>

#include <span>
#include <string>
#include <string_view>

#include "api/base/ops.h"

namespace skep::api {

// "sha256", "SHA-256", "RSA-SHA256"; null for one that is not there.
const EVP_MD* digest_named(std::string_view name);
const EVP_MD* digest_of(v8::Isolate* isolate, v8::Local<v8::Value> name);

std::span<const Op> node_crypto_hash_ops();
std::span<const Op> node_crypto_cipher_ops();
std::span<const Op> node_crypto_key_ops();

}  // namespace skep::api
