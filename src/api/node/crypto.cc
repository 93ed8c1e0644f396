// The natives of node:crypto in one table: hashes and key derivation (crypto_hash.cc), ciphers
// (crypto_cipher.cc), asymmetric keys (crypto_keys.cc). Those of the web's `crypto.subtle` are
// crypto/'s.
#include "api/node/crypto.h"

#include <vector>

#include "api/node/ops.h"

namespace skep::api {

std::span<const Op> node_crypto_ops() {
  static const std::vector<Op> ops = [] {
    std::vector<Op> all;
    for (const auto table :
         {node_crypto_hash_ops(), node_crypto_cipher_ops(), node_crypto_key_ops()}) {
      all.insert(all.end(), table.begin(), table.end());
    }
    return all;
  }();
  return ops;
}

}  // namespace skep::api
