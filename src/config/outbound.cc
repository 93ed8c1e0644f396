#include "config/outbound.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/ascii.h"
#include "base/limits_outbound.h"
#include "config/files.h"

namespace skep::config {
namespace {

std::optional<unsigned> number(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

// A name, or "*." and a name. Its last label is no number, for that would be an address.
bool read_name(std::string_view text, OutboundRule& rule) {
  const std::string name = ascii_lower(text);
  std::string_view rest = name;
  if (rest.starts_with("*.")) rest.remove_prefix(2);
  if (rest.empty() || rest.size() > limits::kOutboundHostBytes) return false;
  const std::string_view last = rest.substr(rest.rfind('.') + 1);
  if (last.empty() || (last.front() >= '0' && last.front() <= '9')) return false;
  if (rest.front() == '.' || rest.find("..") != std::string_view::npos) return false;
  const bool good = std::all_of(rest.begin(), rest.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
  if (good) rule.name = std::move(name);
  return good;
}

bool read_address(const std::string& text, OutboundRule& rule, bool& v4) {
  v4 = inet_pton(AF_INET, text.c_str(), &rule.address[12]) == 1;
  if (v4) {
    rule.address[10] = rule.address[11] = 0xff;
    return true;
  }
  return inet_pton(AF_INET6, text.c_str(), rule.address.data()) == 1;
}

void read_list(TableReader& reader, std::string_view key, std::vector<OutboundRule>& to) {
  const Value* list = reader.array(key);
  const auto texts = reader.texts(key);
  if (list == nullptr || !texts) return;
  if (texts->size() > limits::kOutboundRules) {
    reader.diagnostics().error(list->at,
                               fmt::format("\"{}\" has more than {} entries", reader.full_name(key),
                                           limits::kOutboundRules));
    return;
  }
  for (const std::string& text : *texts) {
    auto rule = parse_outbound_rule(text);
    if (rule) {
      to.push_back(*rule);
    } else {
      reader.diagnostics().error(
          list->at, rule.error().message,
          "\"10.0.0.0/8\", \"127.0.0.1:8080\", \"[fd00::]/8\" or \"db.internal:5432\"");
    }
  }
}

}  // namespace

bool OutboundRule::covers(std::string_view other_name, const std::array<uint8_t, 16>& other,
                          uint16_t other_port) const {
  if (port != 0 && port != other_port) return false;
  if (name.starts_with("*.")) return other_name.ends_with(std::string_view(name).substr(1));
  if (!name.empty()) return other_name == name;
  const size_t bytes = bits / 8;
  if (std::memcmp(address.data(), other.data(), bytes) != 0) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || ((address[bytes] ^ other[bytes]) >> (8 - rest)) == 0;
}

Result<OutboundRule> parse_outbound_rule(std::string_view text) {
  const auto wrong = [&] {
    return fail(fmt::format("\"{}\" is no address or network", text.substr(0, 100)));
  };
  std::string_view rest = text;
  OutboundRule rule;
  std::string host;
  const bool bracketed = rest.starts_with('[');
  if (bracketed) {
    const size_t end = rest.find(']');
    if (end == std::string_view::npos) return wrong();
    host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  } else {
    // Without brackets a second colon belongs to an IPv6 address.
    const bool v6 = std::count(rest.begin(), rest.end(), ':') > 1;
    const size_t end = std::min(rest.find_first_of(v6 ? "/" : "/:"), rest.size());
    host = rest.substr(0, end);
    rest.remove_prefix(end);
  }
  bool v4 = false;
  const bool named = !read_address(host, rule, v4);
  if (named && (bracketed || !read_name(host, rule))) return wrong();
  if (!named && rest.starts_with('/')) {
    const size_t end = std::min(rest.find(':'), rest.size());
    const auto bits = number(rest.substr(1, end - 1), v4 ? 32 : 128);
    if (!bits) return wrong();
    rule.bits = *bits + (v4 ? 96 : 0);
    rest.remove_prefix(end);
  }
  if (rest.empty()) return rule;
  const auto port = number(rest.substr(1), 65535);
  if (rest.front() != ':' || !port || *port == 0) return wrong();
  rule.port = static_cast<uint16_t>(*port);
  return rule;
}

namespace {

// Servers that are asked for names: addresses with or without a port.
void read_resolvers(TableReader& reader, std::vector<std::string>& to) {
  const Value* list = reader.array("resolver");
  const auto texts = reader.texts("resolver");
  if (list == nullptr || !texts) return;
  if (texts->size() > limits::kOutboundResolvers) {
    reader.diagnostics().error(
        list->at, fmt::format("\"{}\" has more than {} entries", reader.full_name("resolver"),
                              limits::kOutboundResolvers));
    return;
  }
  for (const std::string& text : *texts) {
    const auto rule = parse_outbound_rule(text);
    if (rule && rule->name.empty() && rule->bits == 128 && text.find('/') == std::string::npos) {
      to.push_back(text);
    } else {
      reader.diagnostics().error(list->at, fmt::format("\"{}\" is no address", text),
                                 "\"192.0.2.53\" or \"[2001:db8::53]:5353\"");
    }
  }
}

}  // namespace

OutboundRules read_outbound(const Value& table, const std::string& folder,
                            Diagnostics& diagnostics) {
  OutboundRules rules;
  TableReader reader(table, "outbound", diagnostics);
  read_list(reader, "allow", rules.allow);
  read_list(reader, "deny", rules.deny);
  read_resolvers(reader, rules.resolvers);
  for (const std::string& path : reader.texts("trust").value_or(std::vector<std::string>())) {
    rules.trust.push_back(normal_path(join_path(folder, path)));
  }
  reader.finish();
  return rules;
}

}  // namespace skep::config
