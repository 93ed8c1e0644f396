// IP addresses as numbers, and networks of them ("10.0.0.0/8"): for lists of who is trusted. Pure;
// in every process.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace skep {

// IPv4 as ::ffff:a.b.c.d, so that either spelling of an address is one.
using IpAddress = std::array<uint8_t, 16>;

// A numeric address without brackets, port or zone.
std::optional<IpAddress> parse_ip(std::string_view text);
// Canonical text; IPv4-mapped addresses as IPv4.
std::string format_ip(const IpAddress& address);

struct Network {
  IpAddress address{};
  unsigned bits = 128;

  bool contains(const IpAddress& other) const;
};

// "10.0.0.0/8", "192.0.2.1", "fd00::/8". Bits beyond the prefix must be zero: what is set there is
// a mistake that would trust other addresses than was meant.
Result<Network> parse_network(std::string_view text);

// Whom a server believes about the client behind him: networks, and whoever comes over a UNIX
// socket where "unix" is listed.
class TrustedPeers {
 public:
  Result<> add(std::string_view text);
  bool empty() const { return networks_.empty() && !unix_; }
  // As loop::PeerAddress has it: numeric, or "unix".
  bool trusts(std::string_view address) const;

 private:
  std::vector<Network> networks_;
  bool unix_ = false;
};

}  // namespace skep
