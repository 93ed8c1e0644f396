#include "base/network.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace skep {
namespace {

constexpr size_t kMappedBytes = 12;

bool is_mapped(const IpAddress& address) {
  static constexpr uint8_t kPrefix[kMappedBytes] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::memcmp(address.data(), kPrefix, sizeof kPrefix) == 0;
}

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
  char copy[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof copy) return std::nullopt;
  *std::copy(text.begin(), text.end(), copy) = '\0';
  if (std::memchr(copy, 0, text.size()) != nullptr) return std::nullopt;
  IpAddress out{};
  if (inet_pton(AF_INET, copy, &out[kMappedBytes]) == 1) {
    out[10] = out[11] = 0xff;
    return out;
  }
  if (inet_pton(AF_INET6, copy, out.data()) == 1) return out;
  return std::nullopt;
}

std::string format_ip(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (is_mapped(address)) {
    inet_ntop(AF_INET, &address[kMappedBytes], text, sizeof text);
  } else {
    inet_ntop(AF_INET6, address.data(), text, sizeof text);
  }
  return text;
}

bool Network::contains(const IpAddress& other) const {
  const size_t bytes = bits / 8;
  if (std::memcmp(address.data(), other.data(), bytes) != 0) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || ((address[bytes] ^ other[bytes]) >> (8 - rest)) == 0;
}

Result<Network> parse_network(std::string_view text) {
  const auto wrong = [&] {
    return fail(fmt::format("\"{}\" is no address or network", text.substr(0, 100)));
  };
  const size_t slash = text.find('/');
  const auto address = parse_ip(text.substr(0, slash));
  if (!address) return wrong();
  Network out{.address = *address};
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    const bool v4 = text.substr(0, slash).find(':') == std::string_view::npos;
    if (error != std::errc() || end != digits.data() + digits.size() || bits > (v4 ? 32u : 128u))
      return wrong();
    out.bits = v4 ? bits + 96 : bits;
  }
  for (unsigned bit = out.bits; bit < 128; bit++) {
    if ((out.address[bit / 8] & (0x80 >> (bit % 8))) != 0)
      return fail(fmt::format("\"{}\" has bits set beyond its prefix", text.substr(0, 100)));
  }
  return out;
}

Result<> TrustedPeers::add(std::string_view text) {
  if (text == "unix") {
    unix_ = true;
    return {};
  }
  SKEP_TRY_ASSIGN(Network network, parse_network(text));
  networks_.push_back(network);
  return {};
}

bool TrustedPeers::trusts(std::string_view address) const {
  if (address == "unix") return unix_;
  if (networks_.empty()) return false;
  const auto ip = parse_ip(address);
  return ip && std::any_of(networks_.begin(), networks_.end(),
                           [&](const Network& network) { return network.contains(*ip); });
}

}  // namespace skep
