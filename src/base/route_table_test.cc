#include "base/route_table.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace skep {
namespace {

// The error text of a pattern; "" where it is valid.
std::string error_of(std::string_view pattern) {
  const auto parsed = parse_route_pattern(pattern);
  return parsed ? "" : parsed.error().message;
}

RouteTable table_of(const std::vector<std::string>& patterns) {
  RouteTable table;
  for (uint32_t i = 0; i < patterns.size(); i++) {
    const auto added = table.add(patterns[i], i);
    EXPECT_TRUE(added) << patterns[i];
  }
  return table;
}

TEST(RoutePattern, ParsesItsParts) {
  const auto pattern = parse_route_pattern("*.Example.COM/API/v1*");
  ASSERT_TRUE(pattern);
  EXPECT_EQ(pattern->host_kind, RoutePattern::Host::subdomains);
  EXPECT_EQ(pattern->host, "example.com");
  EXPECT_EQ(pattern->path, "/API/v1");
  EXPECT_TRUE(pattern->path_prefix);
  EXPECT_EQ(parse_route_pattern("*/x")->host_kind, RoutePattern::Host::any);
  EXPECT_EQ(parse_route_pattern("*x.com/")->host_kind, RoutePattern::Host::host_and_subdomains);
  EXPECT_FALSE(parse_route_pattern("x.com/a")->path_prefix);
  EXPECT_EQ(parse_route_pattern("[::1]/*")->host, "[::1]");
}

TEST(RoutePattern, SaysWhatIsWrong) {
  const struct {
    const char* pattern;
    const char* part;
  } cases[] = {
      {"example.com", "\"example.com/*\" would be every path"},
      {"", "path is missing"},
      {"/api/*", "host is missing"},
      {"https://example.com/*", "no scheme"},
      {"example.com:8080/*", "no port"},
      {"www.*.com/*", "only stand at its beginning"},
      {"**/x", "only stand at its beginning"},
      {"example.com/*/x", "only stand at its end"},
      {"example.com/x?y=1", "no query"},
      {"example.com/x#y", "no fragment"},
      {"exa mple.com/", "cannot be part of a host name"},
      {"b\xc3\xbc"
       "cher.de/*",
       "xn--"},
      {"example.com/caf\xc3\xa9", "percent-encoded"},
      {"example.com/a b", "%20"},
      {"a..b/*", "empty label"},
      {".b/*", "empty label"},
      {"*./x", "must follow"},
      {"*[::1]/x", "no names below"},
      {"[::1/x", "brackets"},
  };
  for (const auto& c : cases) {
    EXPECT_NE(error_of(c.pattern).find(c.part), std::string::npos)
        << c.pattern << ": " << error_of(c.pattern);
  }
  EXPECT_NE(error_of(std::string(300, 'a') + "/*"), "");
}

TEST(RouteTable, MatchesHostsAndPaths) {
  const RouteTable table = table_of({"example.com/*", "*.example.com/*", "example.com/api/*",
                                     "example.com/api", "*wild.org/*", "*.wild.org/x*", "[::1]/*"});
  EXPECT_EQ(table.match("example.com", "/"), 0u);
  EXPECT_EQ(table.match("example.com.", "/"), 0u);
  EXPECT_EQ(table.match("example.com", "/apix"), 0u);
  EXPECT_EQ(table.match("example.com", "/api/"), 2u);
  EXPECT_EQ(table.match("example.com", "/api"), 3u);
  EXPECT_EQ(table.match("a.example.com", "/"), 1u);
  EXPECT_EQ(table.match("a.b.example.com", "/api"), 1u);
  EXPECT_EQ(table.match("notexample.com", "/"), std::nullopt);
  EXPECT_EQ(table.match("wild.org", "/x"), 4u);
  EXPECT_EQ(table.match("a.wild.org", "/x"), 5u);
  EXPECT_EQ(table.match("a.wild.org", "/y"), 4u);
  EXPECT_EQ(table.match("evilwild.org", "/y"), std::nullopt);
  EXPECT_EQ(table.match("[::1]", "/y"), 6u);
  EXPECT_EQ(table.match("", "/"), std::nullopt);
}

TEST(RouteTable, TheMostSpecificWins) {
  const RouteTable table = table_of({"*/*", "*.com/*", "*.example.com/*", "*.a.example.com/*",
                                     "www.example.com/only", "*/health"});
  EXPECT_EQ(table.match("x.org", "/"), 0u);
  EXPECT_EQ(table.match("x.org", "/health"), 5u);
  EXPECT_EQ(table.match("x.com", "/health"), 1u);
  EXPECT_EQ(table.match("b.example.com", "/"), 2u);
  EXPECT_EQ(table.match("b.a.example.com", "/"), 3u);
  EXPECT_EQ(table.match("a.example.com", "/"), 2u);
  EXPECT_EQ(table.match("www.example.com", "/only"), 4u);
  // The exact host has no route for this path, so the next host is asked.
  EXPECT_EQ(table.match("www.example.com", "/other"), 2u);
}

TEST(RouteTable, AnExactPathBeforeItsPrefix) {
  const RouteTable table = table_of({"x.com/a*", "x.com/a"});
  EXPECT_EQ(table.match("x.com", "/a"), 1u);
  EXPECT_EQ(table.match("x.com", "/ab"), 0u);
}

TEST(RouteTable, RefusesTheSameRouteTwice) {
  RouteTable table;
  EXPECT_TRUE(table.add("x.com/*", 0));
  EXPECT_FALSE(table.add("X.COM/*", 1));
  EXPECT_TRUE(table.add("x.com/", 1));
  EXPECT_FALSE(table.add("x.com", 1));
  EXPECT_EQ(table.size(), 2u);
}

TEST(RouteTable, NamesAnswerUntilAWorkerHasARoute) {
  RouteTable table;
  table.add_name("hello", 0);
  table.add_name("routed", 1);
  ASSERT_TRUE(table.add("x.com/*", 1));
  EXPECT_EQ(table.match("hello.workers.localhost", "/any"), 0u);
  EXPECT_EQ(table.match("hello.workers.localhost.", "/any"), 0u);
  EXPECT_EQ(table.match("routed.workers.localhost", "/"), std::nullopt);
  EXPECT_EQ(table.match("hello.localhost", "/"), std::nullopt);
  EXPECT_EQ(table.match(".workers.localhost", "/"), std::nullopt);
  ASSERT_TRUE(table.add("*/*", 2));
  EXPECT_EQ(table.match("hello.workers.localhost", "/"), 0u);
  EXPECT_EQ(table.match("routed.workers.localhost", "/"), 2u);
}

// More specific first, by the rules in the header and nothing else.
bool more_specific(const RoutePattern& a, const RoutePattern& b) {
  const auto host_rank = [](const RoutePattern& p) {
    return p.host_kind == RoutePattern::Host::exact ? 2
           : p.host_kind == RoutePattern::Host::any ? 0
                                                    : 1;
  };
  if (host_rank(a) != host_rank(b)) return host_rank(a) > host_rank(b);
  if (a.host.size() != b.host.size()) return a.host.size() > b.host.size();
  if (a.host_kind != b.host_kind) return a.host_kind == RoutePattern::Host::subdomains;
  if (a.path.size() != b.path.size()) return a.path.size() > b.path.size();
  return !a.path_prefix && b.path_prefix;
}

TEST(RouteTable, AgreesWithTheNaiveMatcher) {
  std::mt19937 random(20261125);
  const auto pick = [&](std::initializer_list<const char*> list) {
    return std::string(list.begin()[random() % list.size()]);
  };
  size_t matched = 0;
  for (int round = 0; round < 300; round++) {
    RouteTable table;
    std::vector<RoutePattern> patterns;
    for (int i = 0; i < 40; i++) {
      std::string path = "/";
      for (unsigned n = random() % 4; n > 0; n--) path += pick({"a", "b", "/", "ab", "a/"});
      const std::string text =
          pick({"", "", "*.", "*"}) + pick({"a.b", "b", "a.a.b", "c.b"}) + path + pick({"", "*"});
      const std::string any = "*" + path + "*";
      const std::string pattern = random() % 8 == 0 ? any : text;
      if (table.add(pattern, static_cast<uint32_t>(patterns.size()))) {
        patterns.push_back(*parse_route_pattern(pattern));
      }
    }
    for (int i = 0; i < 100; i++) {
      const std::string host = pick({"b", "a.b", "a.a.b", "x.a.b", "c.b", "xb", "x.y.c.b", "z"});
      std::string path = "/";
      for (unsigned n = random() % 5; n > 0; n--) path += pick({"a", "b", "/", "ab"});
      const RoutePattern* best = nullptr;
      for (const RoutePattern& pattern : patterns) {
        if (!route_pattern_matches(pattern, host, path)) continue;
        if (best == nullptr || more_specific(pattern, *best)) best = &pattern;
      }
      const auto found = table.match(host, path);
      ASSERT_EQ(found.has_value(), best != nullptr) << host << path;
      if (!found) continue;
      matched++;
      ASSERT_EQ(*found, static_cast<uint32_t>(best - patterns.data())) << host << path;
    }
  }
  EXPECT_GT(matched, 1000u);
}

TEST(RouteTable, AThousandRoutesOfOneHost) {
  RouteTable table;
  for (uint32_t i = 0; i < 1000; i++) {
    ASSERT_TRUE(table.add("x.com/" + std::to_string(i) + "/*", i));
  }
  for (uint32_t i = 0; i < 1000; i++) {
    EXPECT_EQ(table.match("x.com", "/" + std::to_string(i) + "/page"), i);
  }
}

}  // namespace
}  // namespace skep
