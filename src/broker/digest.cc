#include "broker/digest.h"

#include <openssl/sha.h>

namespace skep::broker {

Digest digest_of(std::initializer_list<std::string_view> parts) {
  SHA256_CTX context;
  SHA256_Init(&context);
  for (std::string_view part : parts) {
    const uint64_t bytes = part.size();
    SHA256_Update(&context, &bytes, sizeof bytes);
    SHA256_Update(&context, part.data(), part.size());
  }
  Digest digest;
  SHA256_Final(digest.data(), &context);
  return digest;
}

Digest digest_of_bytes(std::string_view bytes) {
  Digest digest;
  SHA256(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

std::string to_hex(const Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(digest.size() * 2);
  for (uint8_t byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace skep::broker
