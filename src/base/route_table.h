// Which worker answers a request: route patterns as Workers have them ("host/path*"), and the names
// that a worker without a route answers at. Filled once from the configuration, then only read. The
// broker uses it to check patterns, each shard to match; it knows nothing of configuration files.
//
// A pattern is HOST/PATH. HOST is a name ("example.com"), "*.example.com" (every name below, not
// the name itself), "*example.com" (the name and every name below; never "notexample.com") or "*"
// (any). PATH begins with "/"; a "*" at its very end stands for any rest, also an empty one. Ports,
// schemes and queries are not part of a pattern.
//
// The most specific pattern that fits wins. Hosts are compared first: an exact name before a
// wildcard, a longer name behind the wildcard before a shorter one, "*.x" before "*x", "*" last.
// Among patterns of the same host the longest path wins, and a path without "*" before the same
// path with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace skep {

struct RoutePattern {
  enum class Host { exact, subdomains, host_and_subdomains, any };
  Host host_kind = Host::exact;
  std::string host;          // lower case, without the wildcard; empty for Host::any
  std::string path;          // begins with "/", without the trailing "*"
  bool path_prefix = false;  // the path ended in "*"
};

// Errors say what is wrong with the pattern and what would be right.
Result<RoutePattern> parse_route_pattern(std::string_view pattern);
// The plain meaning of one pattern; RouteTable gives the same answers faster. `host` as for
// match().
bool route_pattern_matches(const RoutePattern& pattern, std::string_view host,
                           std::string_view path);

class RouteTable {
 public:
  // `worker` is whatever match() shall answer. The same pattern twice is an error.
  Result<> add(std::string_view pattern, uint32_t worker);
  // The worker answers at NAME.workers.localhost, as long as it has no route.
  void add_name(std::string_view name, uint32_t worker);

  // host: lower case, without port (as a URL parser gives it); path: without query. Allocates
  // nothing.
  std::optional<uint32_t> match(std::string_view host, std::string_view path) const;

  size_t size() const { return routes_; }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  template <typename T>
  using StringMap = std::unordered_map<std::string, T, Hash, std::equal_to<>>;

  static constexpr uint32_t kNone = UINT32_MAX;
  // A path of one host. `exact` answers for the path alone, `prefix` for whatever begins with it.
  struct Path {
    std::string text;
    uint32_t exact = kNone;
    uint32_t prefix = kNone;
    uint32_t parent = kNone;  // index of the longest other path that this one begins with
  };
  // Sorted by text, so that the longest prefix of a path is found by one binary search and a walk
  // along `parent`.
  using Paths = std::vector<Path>;
  struct Host {
    Paths exact, subdomains, host_and_subdomains;
  };

  static std::optional<uint32_t> match_path(const Paths& paths, std::string_view path);
  static void link(Paths& paths, uint32_t index);
  static bool insert(Paths& paths, const RoutePattern& pattern, uint32_t worker);
  std::optional<uint32_t> match_name(std::string_view host) const;

  StringMap<Host> hosts_;
  Paths any_host_;
  StringMap<uint32_t> names_;
  std::vector<bool> routed_;  // by worker, of those that are small enough numbers to be rows
  size_t routes_ = 0;
};

}  // namespace skep
