// Addresses in all the shapes that an attacker would give them.
#include "broker/outbound_policy.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <cstring>

namespace skep::broker {
namespace {

IpBytes ip(std::string_view text) {
  const Host host = read_host(text);
  EXPECT_EQ(host.kind, Host::Kind::address) << text;
  return host.addresses.empty() ? IpBytes{} : host.addresses.front();
}

config::OutboundRules rules(std::vector<std::string_view> allow,
                            std::vector<std::string_view> deny = {}) {
  config::OutboundRules out;
  for (auto rule : allow) out.allow.push_back(*config::parse_outbound_rule(rule));
  for (auto rule : deny) out.deny.push_back(*config::parse_outbound_rule(rule));
  return out;
}

TEST(OutboundHost, NumbersOfAllKindsAreAddresses) {
  struct Case {
    const char* text;
    const char* address;
  };
  for (const Case& one : std::vector<Case>{
           {"127.0.0.1", "127.0.0.1"},
           {"2130706433", "127.0.0.1"},
           {"0x7f000001", "127.0.0.1"},
           {"0X7F.1", "127.0.0.1"},
           {"0x7f.1", "127.0.0.1"},
           {"127.1", "127.0.0.1"},
           {"127.0.1", "127.0.0.1"},
           {"0177.0.0.1", "127.0.0.1"},
           {"017700000001", "127.0.0.1"},
           {"0x7f.0x0.0x0.0x1", "127.0.0.1"},
           {"127.0.0.1.", "127.0.0.1"},
           {"0", "0.0.0.0"},
           {"0x", "0.0.0.0"},
           {"0.0.0.0", "0.0.0.0"},
           {"10.256", "10.0.1.0"},
           {"192.168.257", "192.168.1.1"},
           {"4294967295", "255.255.255.255"},
           {"8.8.8.8", "8.8.8.8"},
           {"::1", "::1"},
           {"[::1]", "::1"},
           {"[::ffff:127.0.0.1]", "127.0.0.1"},
           {"[::ffff:7f00:1]", "127.0.0.1"},
           {"[0:0:0:0:0:ffff:0a00:1]", "10.0.0.1"},
           {"[2001:4860:4860::8888]", "2001:4860:4860::8888"},
           {"localhost", "127.0.0.1"},
           {"LOCALHOST.", "127.0.0.1"},
           {"a.b.localhost", "127.0.0.1"},
       }) {
    EXPECT_EQ(text_of(ip(one.text)), one.address) << one.text;
  }
}

TEST(OutboundHost, WhatIsNeitherNameNorAddress) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {""sv,
                                      "."sv,
                                      ".."sv,
                                      "a..b"sv,
                                      ".a"sv,
                                      "4294967296"sv,
                                      "256.0.0.1"sv,
                                      "1.2.3.4.5"sv,
                                      "1.2.3.256"sv,
                                      "08.1"sv,
                                      "0x7g.1"sv,
                                      "a.1"sv,
                                      "foo.0x1"sv,
                                      "1.2.3.08"sv,
                                      "[::1"sv,
                                      "::1]"sv,
                                      "[127.0.0.1]"sv,
                                      "[fe80::1%eth0]"sv,
                                      "[::1]x"sv,
                                      "a b"sv,
                                      "a/b"sv,
                                      "a@b"sv,
                                      "a%2e"sv,
                                      "a\0b"sv,
                                      "::1\0"sv,
                                      "b\xc3\xbc"
                                      "cher"sv,
                                      "\xef\xbc\x91.1.1.1"sv,
                                      "127.0.0.1:80"sv,
                                      "0xffffffffffffffffffff"sv,
                                      "99999999999999999999999999999999"sv}) {
    EXPECT_EQ(read_host(text).kind, Host::Kind::bad) << text;
  }
  EXPECT_EQ(read_host(std::string(64, 'a') + ".com").kind, Host::Kind::bad);
  EXPECT_EQ(read_host(std::string(63, 'a') + ".com").kind, Host::Kind::name);
  EXPECT_EQ(read_host(std::string(100'000, 'a')).kind, Host::Kind::bad);
  EXPECT_EQ(read_host("Example.COM.").name, "example.com");
  EXPECT_EQ(read_host("_db.a-b.1x").kind, Host::Kind::name);
}

TEST(OutboundPolicy, OnlyWhatIsPublic) {
  const OutboundPolicy policy({}, false, {});
  for (const char* text : {"0.0.0.0",
                           "0.1.2.3",
                           "10.0.0.1",
                           "10.255.255.255",
                           "100.64.0.1",
                           "100.127.255.255",
                           "127.0.0.1",
                           "127.255.0.1",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.0.0.1",
                           "192.0.2.1",
                           "192.88.99.1",
                           "192.168.0.1",
                           "198.18.0.1",
                           "198.19.255.255",
                           "198.51.100.1",
                           "203.0.113.1",
                           "224.0.0.1",
                           "239.255.255.255",
                           "240.0.0.1",
                           "255.255.255.255",
                           "[::]",
                           "[::1]",
                           "[::127.0.0.1]",
                           "[::ffff:10.0.0.1]",
                           "[::ffff:0:127.0.0.1]",
                           "[64:ff9b::7f00:1]",
                           "[64:ff9b::8.8.8.8]",
                           "[64:ff9b:1::1]",
                           "[100::1]",
                           "[2001::1]",
                           "[2001:0:4136:e378::1]",
                           "[2001:2::1]",
                           "[2001:db8::1]",
                           "[2002:7f00:1::]",
                           "[2002:808:808::]",
                           "[3fff::1]",
                           "[3fff:fff::1]",
                           "[4000::1]",
                           "[5f00::1]",
                           "[fc00::1]",
                           "[fd12:3456::1]",
                           "[fe80::1]",
                           "[fec0::1]",
                           "[ff02::1]",
                           "[ff0e::1]"}) {
    EXPECT_FALSE(policy.allows("", ip(text), 443)) << text;
  }
  for (const char* text : {"1.1.1.1",
                           "8.8.8.8",
                           "9.255.255.255",
                           "11.0.0.0",
                           "100.63.255.255",
                           "100.128.0.0",
                           "126.255.255.255",
                           "128.0.0.1",
                           "169.253.0.1",
                           "172.15.255.255",
                           "172.32.0.1",
                           "192.0.1.1",
                           "192.167.255.255",
                           "198.17.0.1",
                           "198.20.0.1",
                           "223.255.255.255",
                           "[2001:4860:4860::8888]",
                           "[2001:200::1]",
                           "[2003::1]",
                           "[2606:4700::1111]",
                           "[2a00::1]",
                           "[3fff:1000::1]"}) {
    EXPECT_TRUE(policy.allows("", ip(text), 443)) << text;
  }
}

TEST(OutboundPolicy, Rules) {
  const OutboundPolicy policy(
      rules({"10.0.0.0/8", "127.0.0.1:8080", "[fd00::]/8", "db.internal:5432", "1.2.3.4:25"},
            {"10.6.0.0/16", "9.9.9.9", "evil.example", "*.bad.example"}),
      false, {});
  EXPECT_TRUE(policy.allows("", ip("10.1.1.1"), 80));
  EXPECT_TRUE(policy.allows("", ip("[::ffff:10.1.1.1]"), 80));
  EXPECT_FALSE(policy.allows("", ip("10.6.1.1"), 80));
  EXPECT_TRUE(policy.allows("", ip("127.0.0.1"), 8080));
  EXPECT_FALSE(policy.allows("", ip("127.0.0.1"), 8081));
  EXPECT_TRUE(policy.allows("", ip("[fd00::1]"), 1));
  EXPECT_TRUE(policy.allows("db.internal", ip("192.168.5.5"), 5432));
  EXPECT_FALSE(policy.allows("db.internal", ip("192.168.5.5"), 5433));
  EXPECT_FALSE(policy.allows("other.internal", ip("192.168.5.5"), 5432));
  EXPECT_FALSE(policy.allows("db.internal", ip("10.6.0.1"), 5432));
  EXPECT_FALSE(policy.allows("", ip("9.9.9.9"), 443));
  EXPECT_FALSE(policy.allows("evil.example", ip("8.8.8.8"), 443));
  EXPECT_FALSE(policy.allows("x.bad.example", ip("8.8.8.8"), 443));
  EXPECT_FALSE(policy.allows("", ip("8.8.8.8"), 25));
  EXPECT_FALSE(policy.allows("", ip("10.1.1.1"), 25));
  EXPECT_TRUE(policy.allows("", ip("1.2.3.4"), 25));
  EXPECT_FALSE(policy.allows("", ip("8.8.8.8"), 0));
}

// Every way to one's own door, also where local addresses are allowed.
TEST(OutboundPolicy, NotToOurOwnListeners) {
  const OutboundPolicy any({}, true, {{ip("0.0.0.0"), 8080}, {ip("[2606:4700::5]"), 443}});
  for (const char* text :
       {"127.0.0.1", "127.9.9.9", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "localhost"}) {
    EXPECT_FALSE(any.allows("", ip(text), 8080)) << text;
    EXPECT_TRUE(any.allows("", ip(text), 8081)) << text;
  }
  EXPECT_FALSE(any.allows("", ip("[2606:4700::5]"), 443));
  EXPECT_TRUE(any.allows("", ip("[2606:4700::6]"), 443));
  EXPECT_TRUE(any.allows("", ip("8.8.8.8"), 8080));

  ifaddrs* list = nullptr;
  ASSERT_EQ(getifaddrs(&list), 0);
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(one->ifa_addr)->sin_addr, text, sizeof text);
    EXPECT_FALSE(any.allows("", ip(text), 8080)) << text;
  }
  freeifaddrs(list);
}

}  // namespace
}  // namespace skep::broker
