#include "net/forwarded.h"

#include <algorithm>
#include <array>

#include "base/limits_edge.h"
#include "net/headers.h"

namespace skep::net {
namespace {

// One proxy's word about who came to it.
struct Hop {
  std::string_view node;   // as written
  std::string_view proto;  // "": not said
};

// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80".
std::optional<IpAddress> parse_node(std::string_view text) {
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return std::nullopt;
    return parse_ip(text.substr(1, end - 1));
  }
  if (std::count(text.begin(), text.end(), ':') == 1) text = text.substr(0, text.find(':'));
  return parse_ip(text);
}

std::optional<bool> secure_of(std::string_view proto) {
  if (equals_ignore_case(proto, "https")) return true;
  if (equals_ignore_case(proto, "http")) return false;
  return std::nullopt;
}

// The values of all fields of that name as one list; empty when it is too long to be meant well.
std::string joined(std::span<const Header> headers, std::string_view name) {
  std::string all;
  for (const Header& header : headers) {
    if (!equals_ignore_case(header.name, name)) continue;
    if (all.size() + header.value.size() > limits::kForwardedBytes) return {};
    if (!all.empty()) all += ", ";
    all += header.value;
  }
  return all;
}

// Cuts the last element off a list; `separator` counts outside of quoted strings only.
std::string_view take_last(std::string_view& list, char separator) {
  size_t cut = std::string_view::npos;
  bool quoted = false;
  for (size_t i = 0; i < list.size(); i++) {
    if (quoted && list[i] == '\\') {
      i++;
    } else if (list[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && list[i] == separator) {
      cut = i;
    }
  }
  const std::string_view last = cut == std::string_view::npos ? list : list.substr(cut + 1);
  list = cut == std::string_view::npos ? std::string_view() : list.substr(0, cut);
  return trim_whitespace(last);
}

std::string_view unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    return text.substr(1, text.size() - 2);
  return text;
}

// for=192.0.2.60;proto=http;by=203.0.113.43
Hop parse_element(std::string_view element) {
  Hop hop;
  while (!element.empty()) {
    const std::string_view pair = take_last(element, ';');
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = pair.substr(0, equals);
    const std::string_view value = unquoted(pair.substr(equals + 1));
    if (equals_ignore_case(name, "for")) hop.node = value;
    if (equals_ignore_case(name, "proto")) hop.proto = value;
  }
  return hop;
}

struct Hops {
  std::string list, protos;  // what the hops point into
  std::array<Hop, limits::kForwardedHops> hops;
  size_t count = 0;  // nearest first
};

void read_standard(std::span<const Header> headers, Hops& to) {
  to.list = joined(headers, "forwarded");
  std::string_view rest = to.list;
  while (!rest.empty() && to.count < to.hops.size())
    to.hops[to.count++] = parse_element(take_last(rest, ','));
}

// X-Forwarded-Proto has a value for each proxy, or one that the nearest has set.
void read_customary(std::span<const Header> headers, Hops& to) {
  to.list = joined(headers, "x-forwarded-for");
  to.protos = joined(headers, "x-forwarded-proto");
  std::string_view rest = to.list, protos = to.protos;
  while (!rest.empty() && to.count < to.hops.size())
    to.hops[to.count++].node = take_last(rest, ',');
  to.count = std::max<size_t>(to.count, protos.empty() ? 0 : 1);
  const auto commas = [](std::string_view text) {
    return std::count(text.begin(), text.end(), ',');
  };
  const bool each = commas(to.list) == commas(to.protos) && !to.list.empty();
  std::string_view nearest;
  for (size_t i = 0; i < to.count; i++) {
    if (each || i == 0) nearest = take_last(protos, ',');
    to.hops[i].proto = nearest;
  }
}

}  // namespace

ForwardedClient read_forwarded(std::span<const Header> headers, ForwardedBy by,
                               const TrustedPeers& trusted) {
  Hops hops;
  if (by == ForwardedBy::forwarded) {
    read_standard(headers, hops);
  } else {
    read_customary(headers, hops);
  }
  ForwardedClient client;
  for (size_t i = 0; i < hops.count; i++) {
    if (const auto secure = secure_of(hops.hops[i].proto)) client.secure = secure;
    const auto address = parse_node(hops.hops[i].node);
    // "unknown", "_hidden", or nothing at all: whoever stands before it cannot be told.
    if (!address) break;
    client.address = format_ip(*address);
    if (!trusted.trusts(client.address)) break;
  }
  return client;
}

}  // namespace skep::net
