// Which addresses workers may connect to. Pure: no system calls but one to learn whether an address
// is this machine's own. In the broker.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/outbound.h"

namespace skep::broker {

// An IPv6 address, or an IPv4 address as ::ffff:a.b.c.d.
using IpBytes = std::array<uint8_t, 16>;

bool is_ipv4(const IpBytes& address);
std::string text_of(const IpBytes& address);
// Whether it is globally reachable by IANA's special-purpose registries (RFC 6890 and its updates),
// and neither multicast nor one that carries an IPv4 address inside (6to4, NAT64, Teredo).
bool is_public(const IpBytes& address);
// Whether it is one of this machine's addresses.
bool is_this_machine(const IpBytes& address);

// A host as a worker names it. What the URL standard takes for a number is an address or nothing:
// "2130706433", "0x7f.1" and "127.1" never reach a resolver.
struct Host {
  enum class Kind { bad, address, name };
  Kind kind = Kind::bad;
  std::vector<IpBytes> addresses;  // of an address; of "localhost" its two
  std::string name;                // lower case, without a final dot
};
Host read_host(std::string_view text);

struct Endpoint {
  IpBytes address{};
  uint16_t port = 0;
};

class OutboundPolicy {
 public:
  // local: what is not public is allowed too. own: where this program listens.
  OutboundPolicy(config::OutboundRules rules, bool local, std::vector<Endpoint> own)
      : rules_(std::move(rules)), local_(local), own_(std::move(own)) {}

  // `name` is how the worker said it, in lower case: rules may be for names.
  bool allows(std::string_view name, const IpBytes& address, uint16_t port) const;

 private:
  bool is_own_listener(const IpBytes& address, uint16_t port) const;

  config::OutboundRules rules_;
  bool local_;
  std::vector<Endpoint> own_;
};

}  // namespace skep::broker
