#include "broker/outbound_policy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/ascii.h"
#include "base/limits_outbound.h"
#include "base/unique_fd.h"

namespace skep::broker {
namespace {

constexpr uint16_t kSmtpPort = 25;

struct Net {
  IpBytes address;
  unsigned bits;
};

constexpr Net v4(uint8_t a, uint8_t b, uint8_t c, unsigned bits) {
  return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, 0}, 96 + bits};
}
constexpr Net v6(uint16_t first, uint16_t second, unsigned bits) {
  return {{static_cast<uint8_t>(first >> 8), static_cast<uint8_t>(first),
           static_cast<uint8_t>(second >> 8), static_cast<uint8_t>(second)},
          bits};
}

constexpr Net kIpv4 = v4(0, 0, 0, 0);
constexpr Net kGlobalUnicast = v6(0x2000, 0, 3);

constexpr Net kNotPublic[] = {
    v4(0, 0, 0, 8),         // "this network"; Linux takes 0.0.0.0 for itself
    v4(10, 0, 0, 8),        // private use
    v4(100, 64, 0, 10),     // shared by carriers
    v4(127, 0, 0, 8),       // loopback
    v4(169, 254, 0, 16),    // link-local; clouds' metadata
    v4(172, 16, 0, 12),     // private use
    v4(192, 0, 0, 24),      // IETF protocol assignments
    v4(192, 0, 2, 24),      // documentation
    v4(192, 88, 99, 24),    // 6to4 relays, deprecated
    v4(192, 168, 0, 16),    // private use
    v4(198, 18, 0, 15),     // benchmarking
    v4(198, 51, 100, 24),   // documentation
    v4(203, 0, 113, 24),    // documentation
    v4(224, 0, 0, 4),       // multicast
    v4(240, 0, 0, 4),       // reserved, and broadcast
    v6(0x2001, 0, 23),      // IETF protocol assignments: Teredo, benchmarking, ORCHID
    v6(0x2001, 0xdb8, 32),  // documentation
    v6(0x2002, 0, 16),      // 6to4: an IPv4 address inside
    v6(0x3fff, 0, 20),      // documentation
};

bool within(const IpBytes& address, const Net& net) {
  const size_t bytes = net.bits / 8;
  if (std::memcmp(address.data(), net.address.data(), bytes) != 0) return false;
  const unsigned rest = net.bits % 8;
  return rest == 0 || ((address[bytes] ^ net.address[bytes]) >> (8 - rest)) == 0;
}

// URL standard, "IPv4 number parser". Nothing: failure.
std::optional<uint64_t> ipv4_number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  unsigned base = 10;
  if (text.starts_with("0x")) {
    text.remove_prefix(2);
    base = 16;
  } else if (text.size() >= 2 && text.front() == '0') {
    text.remove_prefix(1);
    base = 8;
  }
  uint64_t value = 0;
  for (const char c : text) {
    unsigned digit = 16;
    if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<unsigned>(c - 'a') + 10;
    if (digit >= base) return std::nullopt;
    value = std::min<uint64_t>(value * base + digit, uint64_t{1} << 40);
  }
  return value;
}

std::vector<std::string_view> labels_of(std::string_view name) {
  std::vector<std::string_view> labels;
  for (;;) {
    const size_t dot = std::min(name.find('.'), name.size());
    labels.push_back(name.substr(0, dot));
    if (dot == name.size()) return labels;
    name.remove_prefix(dot + 1);
  }
}

// URL standard, "ends in a number checker" (a final dot is gone already).
bool ends_in_number(std::string_view last) {
  if (last.empty()) return false;
  const bool digits =
      std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits || ipv4_number(last);
}

// URL standard, "IPv4 parser".
std::optional<IpBytes> ipv4(const std::vector<std::string_view>& parts) {
  if (parts.size() > 4) return std::nullopt;
  uint64_t value = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto number = ipv4_number(parts[i]);
    if (!number) return std::nullopt;
    const bool last = i + 1 == parts.size();
    if (!last && *number > 255) return std::nullopt;
    if (last && *number >= uint64_t{1} << (8 * (5 - parts.size()))) return std::nullopt;
    value += last ? *number : *number << (8 * (3 - i));
  }
  IpBytes bytes = kIpv4.address;
  for (unsigned i = 0; i < 4; ++i) bytes[12 + i] = static_cast<uint8_t>(value >> (24 - 8 * i));
  return bytes;
}

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > 63) return false;
  return std::all_of(label.begin(), label.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

IpBytes loopback4() {
  IpBytes bytes = kIpv4.address;
  bytes[12] = 127;
  bytes[15] = 1;
  return bytes;
}
IpBytes loopback6() {
  IpBytes bytes{};
  bytes[15] = 1;
  return bytes;
}

}  // namespace

bool is_ipv4(const IpBytes& address) {
  return within(address, kIpv4);
}

std::string text_of(const IpBytes& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (is_ipv4(address)) {
    inet_ntop(AF_INET, &address[12], text, sizeof text);
  } else {
    inet_ntop(AF_INET6, address.data(), text, sizeof text);
  }
  return text;
}

bool is_public(const IpBytes& address) {
  if (!is_ipv4(address) && !within(address, kGlobalUnicast)) return false;
  return std::none_of(std::begin(kNotPublic), std::end(kNotPublic),
                      [&](const Net& net) { return within(address, net); });
}

// To an address of its own the kernel sends from that address. Nothing is sent here: a datagram
// socket's connect() only picks the route.
bool is_this_machine(const IpBytes& address) {
  if (within(address, v4(127, 0, 0, 8)) || within(address, v4(0, 0, 0, 8))) return true;
  if (address == IpBytes{} || address == loopback6()) return true;
  const bool four = is_ipv4(address);
  const UniqueFd fd(socket(four ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_storage to{};
  socklen_t length = sizeof(sockaddr_in6);
  if (four) {
    auto* in = reinterpret_cast<sockaddr_in*>(&to);
    in->sin_family = AF_INET;
    in->sin_port = htons(9);
    std::memcpy(&in->sin_addr, &address[12], 4);
    length = sizeof(sockaddr_in);
  } else {
    auto* in = reinterpret_cast<sockaddr_in6*>(&to);
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(9);
    std::memcpy(&in->sin6_addr, address.data(), 16);
  }
  sockaddr_storage from{};
  socklen_t from_length = sizeof from;
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&to), length) != 0 ||
      getsockname(fd.get(), reinterpret_cast<sockaddr*>(&from), &from_length) != 0) {
    return false;  // no way there, so not ours
  }
  if (four) {
    return std::memcmp(&reinterpret_cast<sockaddr_in*>(&from)->sin_addr, &address[12], 4) == 0;
  }
  return std::memcmp(&reinterpret_cast<sockaddr_in6*>(&from)->sin6_addr, address.data(), 16) == 0;
}

Host read_host(std::string_view text) {
  Host host;
  if (text.size() > limits::kOutboundHostBytes + 2 || text.find('\0') != text.npos) return host;
  if (text.find(':') != std::string_view::npos) {
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    IpBytes bytes{};
    if (inet_pton(AF_INET6, std::string(text).c_str(), bytes.data()) != 1) return host;
    host.kind = Host::Kind::address;
    host.addresses.push_back(bytes);
    return host;
  }
  std::string name = ascii_lower(text);
  if (name.ends_with('.')) name.pop_back();
  if (name.size() > limits::kOutboundHostBytes) return host;
  const auto labels = labels_of(name);
  if (ends_in_number(labels.back())) {
    const auto address = ipv4(labels);
    if (!address) return host;
    host.kind = Host::Kind::address;
    host.addresses.push_back(*address);
  } else if (labels.back() == "localhost") {
    // RFC 6761 6.3: whatever a name server would say.
    host.kind = Host::Kind::address;
    host.addresses = {loopback4(), loopback6()};
  } else if (std::all_of(labels.begin(), labels.end(), is_label)) {
    host.kind = Host::Kind::name;
  }
  if (host.kind != Host::Kind::bad) host.name = std::move(name);
  return host;
}

bool OutboundPolicy::is_own_listener(const IpBytes& address, uint16_t port) const {
  return std::any_of(own_.begin(), own_.end(), [&](const Endpoint& own) {
    return own.port == port && (own.address == address || is_this_machine(address));
  });
}

bool OutboundPolicy::allows(std::string_view name, const IpBytes& address, uint16_t port) const {
  const auto said = [&](const std::vector<config::OutboundRule>& rules, bool exact_port) {
    return std::any_of(rules.begin(), rules.end(), [&](const config::OutboundRule& rule) {
      return rule.covers(name, address, port) && (!exact_port || rule.port == port);
    });
  };
  if (port == 0 || said(rules_.deny, false) || is_own_listener(address, port)) return false;
  // Mail goes out only where somebody wrote so: else every worker is a way to send spam.
  if (port == kSmtpPort && !said(rules_.allow, true)) return false;
  return local_ || is_public(address) || said(rules_.allow, false);
}

}  // namespace skep::broker
