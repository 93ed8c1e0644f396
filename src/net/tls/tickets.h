// Session tickets (RFC 5077, RFC 8446 4.6.1) under keys that all shards share: the broker makes the
// keys, hands them out and rotates them, so a client may resume on whichever shard the kernel gives
// it. The first key makes tickets; all of them open tickets. Held by a server context.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace skep::net::tls {

inline constexpr size_t kTicketKeyBytes = 48;  // 16: its name; 32: of AES-256-GCM

class TicketKeys {
 public:
  // keys: each of kTicketKeyBytes, newest first. Errors: a wrong size, none, too many.
  static Result<std::unique_ptr<TicketKeys>> create(std::span<const std::string> keys);
  ~TicketKeys();

  // `context` takes its tickets from here; this outlives it and every SSL object made of it.
  void install(SSL_CTX* context) const;

  // name(16) nonce(12) ciphertext tag(16).
  bool seal(std::span<const uint8_t> plain, uint8_t* out, size_t room, size_t& size) const;
  // False: not one of ours, or made with a key that is gone.
  bool open(std::span<const uint8_t> ticket, uint8_t* out, size_t room, size_t& size) const;

 private:
  struct Key;
  TicketKeys();
  std::vector<std::unique_ptr<Key>> keys_;
};

}  // namespace skep::net::tls
