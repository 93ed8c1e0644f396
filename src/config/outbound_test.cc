#include "config/outbound.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include "config/skep_toml.h"

namespace skep::config {
namespace {

std::array<uint8_t, 16> address(const char* text) {
  std::array<uint8_t, 16> bytes{};
  if (inet_pton(AF_INET, text, &bytes[12]) == 1) {
    bytes[10] = bytes[11] = 0xff;
  } else {
    EXPECT_EQ(inet_pton(AF_INET6, text, bytes.data()), 1) << text;
  }
  return bytes;
}

bool covers(std::string_view rule, const char* text, uint16_t port = 80) {
  const auto parsed = parse_outbound_rule(rule);
  EXPECT_TRUE(parsed) << rule;
  return parsed && parsed->covers("", address(text), port);
}

TEST(Outbound, RulesCoverWhatTheySay) {
  EXPECT_TRUE(covers("10.0.0.0/8", "10.200.3.4"));
  EXPECT_FALSE(covers("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(covers("172.16.0.0/12", "172.31.255.255"));
  EXPECT_FALSE(covers("172.16.0.0/12", "172.32.0.0"));
  EXPECT_TRUE(covers("127.0.0.1", "127.0.0.1", 1));
  EXPECT_FALSE(covers("127.0.0.1", "127.0.0.2"));
  EXPECT_TRUE(covers("127.0.0.1:8080", "127.0.0.1", 8080));
  EXPECT_FALSE(covers("127.0.0.1:8080", "127.0.0.1", 80));
  EXPECT_TRUE(covers("192.168.0.0/16:443", "192.168.7.7", 443));
  EXPECT_TRUE(covers("fd00::/8", "fd12::1"));
  EXPECT_FALSE(covers("fd00::/8", "fe80::1"));
  EXPECT_TRUE(covers("[::1]:443", "::1", 443));
  EXPECT_FALSE(covers("[::1]:443", "::1", 80));
  EXPECT_TRUE(covers("0.0.0.0/0", "8.8.8.8"));
  EXPECT_FALSE(covers("0.0.0.0/0", "2001:4860::1"));
  EXPECT_TRUE(covers("::/0", "8.8.8.8"));
}

TEST(Outbound, RulesForNames) {
  const auto named = [](std::string_view rule, std::string_view name, uint16_t port = 80) {
    const auto parsed = parse_outbound_rule(rule);
    EXPECT_TRUE(parsed) << rule;
    return parsed && parsed->covers(name, address("10.0.0.1"), port);
  };
  EXPECT_TRUE(named("db.internal:5432", "db.internal", 5432));
  EXPECT_FALSE(named("db.internal:5432", "db.internal", 5433));
  EXPECT_FALSE(named("db.internal:5432", "xdb.internal", 5432));
  EXPECT_TRUE(named("DB.internal", "db.internal"));
  EXPECT_TRUE(named("*.internal", "a.b.internal"));
  EXPECT_FALSE(named("*.internal", "internal"));
  EXPECT_FALSE(named("*.internal", "xinternal"));
  EXPECT_FALSE(named("*.internal", ""));
}

TEST(Outbound, WhatIsNoRule) {
  for (const char* text : {"",         "*",         "*.",          "a..b",      ".a",
                           "a b",      "a/8",       "x.1",         "[db]",      "10.0.0.0/33",
                           "10.0.0/8", "10.0.0.0/", "10.0.0.0/8:", "1.2.3.4:0", "1.2.3.4:65536",
                           "[::1",     "[::1]x",    "::1/129",     "1.2.3.4 ",  "db.internal:0"}) {
    EXPECT_FALSE(parse_outbound_rule(text)) << text;
  }
}

TEST(Outbound, InSkepToml) {
  const std::string rest =
      "[[listen]]\naddress = \"127.0.0.1:1\"\n[[worker]]\npath = \"/w.js\"\nname = \"w\"\n";
  const auto good = parse_serve_config(
      "[outbound]\nallow = [\"10.0.0.0/8\", \"[::1]:80\"]\ndeny = [\"1.2.3.4\"]\n"
      "trust = [\"ca.pem\", \"/etc/ca.pem\"]\nresolver = [\"127.0.0.1:5353\", \"::1\"]\n" +
          rest,
      "/skep.toml");
  EXPECT_TRUE(good.diagnostics.empty());
  EXPECT_EQ(good.config.outbound.allow.size(), 2u);
  EXPECT_EQ(good.config.outbound.deny.size(), 1u);
  EXPECT_EQ(good.config.outbound.resolvers.size(), 2u);
  EXPECT_EQ(good.config.outbound.trust, (std::vector<std::string>{"/ca.pem", "/etc/ca.pem"}));
  for (const char* bad :
       {"allow = \"10.0.0.0/8\"", "allow = [1]", "allow = [\"x/1\"]", "permit = []",
        "resolver = \"1.2.3.4\"", "resolver = [\"dns.example\"]", "resolver = [\"1.2.3.0/24\"]"}) {
    const auto loaded =
        parse_serve_config(std::string("[outbound]\n") + bad + "\n" + rest, "/skep.toml");
    EXPECT_FALSE(loaded.diagnostics.empty()) << bad;
  }
}

}  // namespace
}  // namespace skep::config
