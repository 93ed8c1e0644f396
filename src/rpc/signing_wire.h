// What a shard and the broker say on the socket by which handshakes are signed: the one thing that
// a shard asks at every full TLS handshake, so it has a plain socket beside the RPC, and the
// requests of one turn travel together. Requests are answered in their order. Both ends include
// this; each takes the other for broken where a message is not as here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/limits_tls.h"

namespace skep::rpc {

struct SignRequest {   // followed by what is to be signed
  uint32_t key;        // TlsCertificate.key
  uint16_t algorithm;  // TLS's SignatureScheme
  uint16_t bytes;
  static constexpr size_t kMostBytes = limits::kTlsSignInputBytes;
};

enum class SignRefusal : uint16_t {
  none,
  unknown_key,
  not_a_handshake,  // not what a TLS server signs
  algorithm,        // does not fit the key
  over_budget,      // more than a shard may have signed
};

struct SignReply {  // followed by the signature
  SignRefusal refusal;
  uint16_t bytes;
  static constexpr size_t kMostBytes = limits::kTlsSignatureBytes;
};

// Cuts a stream of bytes into messages: a Head and as many bytes as it says.
template <typename Head>
class SigningReader {
 public:
  // Calls take(head, bytes) for each whole message. False: a message is too long.
  template <typename Take>
  bool feed(std::span<const char> data, Take take) {
    if (!rest_.empty()) {
      rest_.append(data.data(), data.size());
      const std::string whole = std::exchange(rest_, {});
      return cut(whole, take);
    }
    return cut(data, take);
  }

 private:
  template <typename Take>
  bool cut(std::span<const char> data, Take take) {
    while (data.size() >= sizeof(Head)) {
      Head head;
      memcpy(&head, data.data(), sizeof head);
      if (head.bytes > Head::kMostBytes) return false;
      if (data.size() - sizeof head < head.bytes) break;
      take(head, data.subspan(sizeof head, head.bytes));
      data = data.subspan(sizeof head + head.bytes);
    }
    rest_.assign(data.data(), data.size());
    return true;
  }

  std::string rest_;  // the beginning of a message, less than one
};

// The bytes of a head.
template <typename Head>
std::string_view bytes_of_head(const Head& head) {
  return {reinterpret_cast<const char*>(&head), sizeof head};
}

}  // namespace skep::rpc
