#include "base/route_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/assert.h"

namespace skep {
namespace {

constexpr std::string_view kNameSuffix = ".workers.localhost";
constexpr size_t kHostBytes = 253;  // of a DNS name
constexpr size_t kPathBytes = 8 * 1024;
constexpr uint32_t kTrackedWorkers = 1u << 24;

bool is_host_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

std::string_view without_final_dot(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

Result<> check_host_name(std::string_view host) {
  if (host.size() > kHostBytes) return fail("the host is longer than 253 bytes");
  if (host.starts_with('[')) {
    if (!host.ends_with(']'))
      return fail("an IPv6 address stands in brackets and has no port here");
    return {};
  }
  for (const char c : host) {
    if (c == '*') return fail("a \"*\" in the host can only stand at its beginning");
    if (c == ':') return fail("a route has no port: it holds for all listeners");
    if (static_cast<unsigned char>(c) >= 0x80) {
      return fail("write a name with letters beyond ASCII in its \"xn--\" form");
    }
    if (!is_host_byte(c)) return fail(fmt::format("\"{}\" cannot be part of a host name", c));
  }
  if (host.starts_with('.') || host.find("..") != std::string_view::npos) {
    return fail("the host name has an empty label");
  }
  return {};
}

// Fills host and host_kind.
Result<> parse_host(std::string_view host, RoutePattern& pattern) {
  if (host.empty()) return fail("the host is missing, as in \"example.com/*\"");
  const std::string lower = ascii_lower(host);
  host = lower;
  if (host.starts_with("*.")) {
    pattern.host_kind = RoutePattern::Host::subdomains;
    host.remove_prefix(2);
    if (host.empty()) return fail("a name must follow \"*.\", as in \"*.example.com/*\"");
  } else if (host == "*") {
    pattern.host_kind = RoutePattern::Host::any;
    return {};
  } else if (host.starts_with('*')) {
    pattern.host_kind = RoutePattern::Host::host_and_subdomains;
    host.remove_prefix(1);
  }
  host = without_final_dot(host);
  if (host.empty()) return fail("the host is missing, as in \"example.com/*\"");
  if (pattern.host_kind != RoutePattern::Host::exact && host.starts_with('[')) {
    return fail("an address has no names below it");
  }
  SKEP_TRY(check_host_name(host));
  pattern.host = host;
  return {};
}

// Fills path and path_prefix.
Result<> parse_path(std::string_view path, RoutePattern& pattern) {
  if (path.size() > kPathBytes) return fail("the path is longer than 8192 bytes");
  if (path.find('?') != std::string_view::npos) {
    return fail("a route has no query: leave out \"?\" and what follows");
  }
  if (path.find('#') != std::string_view::npos) {
    return fail("a route has no fragment: leave out \"#\" and what follows");
  }
  if (path.ends_with('*')) {
    pattern.path_prefix = true;
    path.remove_suffix(1);
  }
  if (path.find('*') != std::string_view::npos) {
    return fail("a \"*\" in the path can only stand at its end");
  }
  for (const char c : path) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) {
      return fail("white space and control characters are written as %20 and the like");
    }
    if (static_cast<unsigned char>(c) >= 0x80) {
      return fail("letters beyond ASCII are written percent-encoded, as in \"/caf%C3%A9\"");
    }
  }
  pattern.path = path;
  return {};
}

}  // namespace

Result<RoutePattern> parse_route_pattern(std::string_view text) {
  RoutePattern pattern;
  if (text.find("://") != std::string_view::npos) {
    return fail("a route has no scheme: it holds for http and https alike");
  }
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    return fail(fmt::format("the path is missing: \"{}/*\" would be every path of the host", text));
  }
  SKEP_TRY(parse_host(text.substr(0, slash), pattern));
  SKEP_TRY(parse_path(text.substr(slash), pattern));
  return pattern;
}

bool route_pattern_matches(const RoutePattern& pattern, std::string_view host,
                           std::string_view path) {
  host = without_final_dot(host);
  const bool same = host == pattern.host;
  const bool below = host.size() > pattern.host.size() && host.ends_with(pattern.host) &&
                     host[host.size() - pattern.host.size() - 1] == '.';
  bool fits = true;
  switch (pattern.host_kind) {
    case RoutePattern::Host::exact:
      fits = same;
      break;
    case RoutePattern::Host::subdomains:
      fits = below;
      break;
    case RoutePattern::Host::host_and_subdomains:
      fits = same || below;
      break;
    case RoutePattern::Host::any:
      break;
  }
  return fits && (pattern.path_prefix ? path.starts_with(pattern.path) : path == pattern.path);
}

// Links a row that has just been put at `index`. Rows before it keep what they have.
void RouteTable::link(Paths& paths, uint32_t index) {
  for (uint32_t i = index + 1; i < paths.size(); i++) {
    if (paths[i].parent != kNone && paths[i].parent >= index) paths[i].parent++;
  }
  // The nearest prefix of a row is the row above it or on that row's chain.
  uint32_t parent = index == 0 ? kNone : index - 1;
  while (parent != kNone && !paths[index].text.starts_with(paths[parent].text)) {
    parent = paths[parent].parent;
  }
  paths[index].parent = parent;
  // Those that begin with the new row follow at once; where it is longer than their prefix so far,
  // it is the nearer one.
  for (uint32_t i = index + 1; i < paths.size() && paths[i].text.starts_with(paths[index].text);
       i++) {
    if (paths[i].parent == parent) paths[i].parent = index;
  }
}

bool RouteTable::insert(Paths& paths, const RoutePattern& pattern, uint32_t worker) {
  auto place = std::ranges::lower_bound(paths, pattern.path, {}, &Path::text);
  if (place == paths.end() || place->text != pattern.path) {
    place = paths.insert(place, Path{pattern.path, kNone, kNone, kNone});
    link(paths, static_cast<uint32_t>(place - paths.begin()));
  }
  uint32_t& slot = pattern.path_prefix ? place->prefix : place->exact;
  if (slot != kNone) return false;
  slot = worker;
  return true;
}

Result<> RouteTable::add(std::string_view text, uint32_t worker) {
  SKEP_ASSERT(worker != kNone);
  SKEP_TRY_ASSIGN(const RoutePattern pattern, parse_route_pattern(text));
  Paths* paths = &any_host_;
  if (pattern.host_kind != RoutePattern::Host::any) {
    Host& host = hosts_[pattern.host];
    paths = pattern.host_kind == RoutePattern::Host::exact        ? &host.exact
            : pattern.host_kind == RoutePattern::Host::subdomains ? &host.subdomains
                                                                  : &host.host_and_subdomains;
  }
  if (!insert(*paths, pattern, worker)) return fail("another worker has the same route");
  if (worker < kTrackedWorkers) {
    if (routed_.size() <= worker) routed_.resize(worker + 1);
    routed_[worker] = true;
  }
  routes_++;
  return {};
}

void RouteTable::add_name(std::string_view name, uint32_t worker) {
  names_.insert_or_assign(ascii_lower(name), worker);
}

std::optional<uint32_t> RouteTable::match_path(const Paths& paths, std::string_view path) {
  // The longest row that is a prefix of `path` is the last row not above it, or on that row's
  // chain.
  const auto above = std::ranges::upper_bound(paths, path, {}, &Path::text);
  if (above == paths.begin()) return std::nullopt;
  uint32_t row = static_cast<uint32_t>(above - paths.begin() - 1);
  for (; row != kNone; row = paths[row].parent) {
    const Path& candidate = paths[row];
    if (!path.starts_with(candidate.text)) continue;
    if (candidate.exact != kNone && candidate.text.size() == path.size()) return candidate.exact;
    if (candidate.prefix != kNone) return candidate.prefix;
  }
  return std::nullopt;
}

std::optional<uint32_t> RouteTable::match_name(std::string_view host) const {
  if (!host.ends_with(kNameSuffix)) return std::nullopt;
  const auto found = names_.find(host.substr(0, host.size() - kNameSuffix.size()));
  if (found == names_.end()) return std::nullopt;
  const uint32_t worker = found->second;
  if (worker < routed_.size() && routed_[worker]) return std::nullopt;
  return worker;
}

std::optional<uint32_t> RouteTable::match(std::string_view host, std::string_view path) const {
  host = without_final_dot(host);
  if (host.size() > kHostBytes) return std::nullopt;
  if (!hosts_.empty()) {
    const auto same = hosts_.find(host);
    if (same != hosts_.end()) {
      if (const auto found = match_path(same->second.exact, path)) return found;
      if (const auto found = match_path(same->second.host_and_subdomains, path)) return found;
    }
    for (size_t dot = host.find('.'); dot != std::string_view::npos;
         dot = host.find('.', dot + 1)) {
      const auto above = hosts_.find(host.substr(dot + 1));
      if (above == hosts_.end()) continue;
      if (const auto found = match_path(above->second.subdomains, path)) return found;
      if (const auto found = match_path(above->second.host_and_subdomains, path)) return found;
    }
  }
  // A worker's own name is more specific than any host.
  if (const auto found = match_name(host)) return found;
  return match_path(any_host_, path);
}

}  // namespace skep
