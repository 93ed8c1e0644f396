#include "net/tls/tickets.h"

#include <openssl/aead.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/limits_tls.h"

namespace skep::net::tls {
namespace {

constexpr size_t kNameBytes = 16;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;
constexpr size_t kOverhead = kNameBytes + kNonceBytes + kTagBytes;

int keys_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

const TicketKeys& keys_of(SSL* ssl) {
  return *static_cast<const TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), keys_index()));
}

size_t max_overhead(SSL*) {
  return kOverhead;
}

int seal_ticket(SSL* ssl, uint8_t* out, size_t* size, size_t room, const uint8_t* in,
                size_t in_size) {
  return keys_of(ssl).seal({in, in_size}, out, room, *size) ? 1 : 0;
}

ssl_ticket_aead_result_t open_ticket(SSL* ssl, uint8_t* out, size_t* size, size_t room,
                                     const uint8_t* in, size_t in_size) {
  return keys_of(ssl).open({in, in_size}, out, room, *size) ? ssl_ticket_aead_success
                                                            : ssl_ticket_aead_ignore_ticket;
}

constexpr SSL_TICKET_AEAD_METHOD kMethod = {max_overhead, seal_ticket, open_ticket};

}  // namespace

struct TicketKeys::Key {
  uint8_t name[kNameBytes];
  bssl::ScopedEVP_AEAD_CTX aead;
};

TicketKeys::TicketKeys() = default;
TicketKeys::~TicketKeys() = default;

Result<std::unique_ptr<TicketKeys>> TicketKeys::create(std::span<const std::string> keys) {
  if (keys.empty() || keys.size() > limits::kTicketKeys) {
    return fail("session tickets: no keys, or too many");
  }
  auto made = std::unique_ptr<TicketKeys>(new TicketKeys());
  for (const std::string& bytes : keys) {
    if (bytes.size() != kTicketKeyBytes) return fail("session tickets: a key has a wrong size");
    auto key = std::make_unique<Key>();
    std::memcpy(key->name, bytes.data(), kNameBytes);
    const auto* secret = reinterpret_cast<const uint8_t*>(bytes.data()) + kNameBytes;
    SKEP_ASSERT(EVP_AEAD_CTX_init(key->aead.get(), EVP_aead_aes_256_gcm(), secret,
                                  kTicketKeyBytes - kNameBytes, kTagBytes, nullptr));
    made->keys_.push_back(std::move(key));
  }
  return made;
}

void TicketKeys::install(SSL_CTX* context) const {
  SKEP_ASSERT(SSL_CTX_set_ex_data(context, keys_index(), const_cast<TicketKeys*>(this)));
  SSL_CTX_set_ticket_aead_method(context, &kMethod);
}

bool TicketKeys::seal(std::span<const uint8_t> plain, uint8_t* out, size_t room,
                      size_t& size) const {
  if (room < plain.size() + kOverhead) return false;
  const Key& key = *keys_.front();
  std::memcpy(out, key.name, kNameBytes);
  uint8_t* const nonce = out + kNameBytes;
  RAND_bytes(nonce, kNonceBytes);
  size_t sealed = 0;
  if (!EVP_AEAD_CTX_seal(key.aead.get(), nonce + kNonceBytes, &sealed,
                         room - kNameBytes - kNonceBytes, nonce, kNonceBytes, plain.data(),
                         plain.size(), key.name, kNameBytes)) {
    return false;
  }
  size = kNameBytes + kNonceBytes + sealed;
  return true;
}

bool TicketKeys::open(std::span<const uint8_t> ticket, uint8_t* out, size_t room,
                      size_t& size) const {
  if (ticket.size() < kOverhead) return false;
  const auto key = std::find_if(keys_.begin(), keys_.end(), [&](const auto& candidate) {
    return std::memcmp(candidate->name, ticket.data(), kNameBytes) == 0;
  });
  if (key == keys_.end()) return false;
  const uint8_t* const nonce = ticket.data() + kNameBytes;
  const auto sealed = ticket.subspan(kNameBytes + kNonceBytes);
  return EVP_AEAD_CTX_open((*key)->aead.get(), out, &size, room, nonce, kNonceBytes, sealed.data(),
                           sealed.size(), (*key)->name, kNameBytes) != 0;
}

}  // namespace skep::net::tls
