// [outbound] of skep.toml: which addresses workers may connect to beyond, or not even within, the
// public ones, and who answers for names. Read by the broker, and held against every address before
// it is connected to.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/table_reader.h"

namespace skep::config {

// A network, an address or a name: "10.0.0.0/8", "127.0.0.1:8080", "[fd00::]/8", "[::1]:443",
// "db.internal:5432", "*.internal".
struct OutboundRule {
  std::string name;                   // lower case; "*.x": every name below x. Empty: an address
  std::array<uint8_t, 16> address{};  // IPv4 as ::ffff:a.b.c.d
  unsigned bits = 128;                // of them that count
  uint16_t port = 0;                  // 0: any

  // other_name: how the worker called it, in lower case.
  bool covers(std::string_view other_name, const std::array<uint8_t, 16>& other,
              uint16_t other_port) const;
};

struct OutboundRules {
  std::vector<OutboundRule> allow;     // although they are not public
  std::vector<OutboundRule> deny;      // whatever else is said
  std::vector<std::string> trust;      // absolute: files of certificates (PEM) beside the system's
  std::vector<std::string> resolvers;  // "1.2.3.4", "1.2.3.4:53", "[::1]:53"; empty: resolv.conf's
};

Result<OutboundRule> parse_outbound_rule(std::string_view text);
// folder: where relative paths start.
OutboundRules read_outbound(const Value& table, const std::string& folder,
                            Diagnostics& diagnostics);

}  // namespace skep::config
