#include "net/forwarded.h"

#include <gtest/gtest.h>

namespace skep::net {
namespace {

TrustedPeers proxies() {
  TrustedPeers peers;
  EXPECT_TRUE(peers.add("10.0.0.0/8"));
  EXPECT_TRUE(peers.add("fd00::/8"));
  return peers;
}

std::string customary(std::vector<Header> headers) {
  const ForwardedClient client = read_forwarded(headers, ForwardedBy::x_forwarded, proxies());
  return client.address + (client.secure ? *client.secure ? " https" : " http" : "");
}

std::string standard(std::vector<Header> headers) {
  const ForwardedClient client = read_forwarded(headers, ForwardedBy::forwarded, proxies());
  return client.address + (client.secure ? *client.secure ? " https" : " http" : "");
}

TEST(Forwarded, TheRightmostStrangerIsTheClient) {
  EXPECT_EQ(customary({{"X-Forwarded-For", "192.0.2.7"}}), "192.0.2.7");
  EXPECT_EQ(customary({{"x-forwarded-for", "1.1.1.1, 192.0.2.7, 10.1.1.1"}}), "192.0.2.7");
  EXPECT_EQ(customary({{"X-Forwarded-For", "1.1.1.1"}, {"X-Forwarded-For", "192.0.2.7"}}),
            "192.0.2.7");
  EXPECT_EQ(customary({{"X-Forwarded-For", "[2001:db8::7]:443, fd00::1"}}), "2001:db8::7");
  EXPECT_EQ(customary({{"X-Forwarded-For", "192.0.2.7:1234"}}), "192.0.2.7");
  EXPECT_EQ(customary({{"X-Forwarded-For", "10.0.0.1, 10.0.0.2"}}), "10.0.0.1");
}

TEST(Forwarded, WhatCannotBeReadEndsTheChain) {
  EXPECT_EQ(customary({{"X-Forwarded-For", "1.1.1.1, unknown, 10.0.0.2"}}), "10.0.0.2");
  EXPECT_EQ(customary({{"X-Forwarded-For", "1.1.1.1,"}}), "");
  EXPECT_EQ(customary({{"X-Forwarded-For", "<script>"}}), "");
  EXPECT_EQ(customary({}), "");
  EXPECT_EQ(customary({{"Forwarded", "for=1.1.1.1"}}), "");
  std::string many = "1.1.1.1";
  for (int i = 0; i < 40; i++) many += ", 10.0.0.1";
  EXPECT_EQ(customary({{"X-Forwarded-For", many}}), "10.0.0.1");
  EXPECT_EQ(customary({{"X-Forwarded-For", std::string(5000, ' ') + "1.1.1.1"}}), "");
}

TEST(Forwarded, TheSchemeIsTheClients) {
  EXPECT_EQ(customary({{"X-Forwarded-Proto", "https"}}), " https");
  EXPECT_EQ(customary({{"X-Forwarded-For", "192.0.2.7, 10.0.0.1"}, {"X-Forwarded-Proto", "https"}}),
            "192.0.2.7 https");
  EXPECT_EQ(customary({{"X-Forwarded-For", "1.1.1.1, 192.0.2.7, 10.0.0.1"},
                       {"X-Forwarded-Proto", "https, http, https"}}),
            "192.0.2.7 http");
  EXPECT_EQ(customary({{"X-Forwarded-Proto", "javascript"}}), "");
  EXPECT_EQ(customary({{"X-Forwarded-Proto", "http, https"}}), " https");
}

TEST(Forwarded, Standard) {
  EXPECT_EQ(standard({{"Forwarded", "for=192.0.2.60;proto=http;by=203.0.113.43"}}),
            "192.0.2.60 http");
  EXPECT_EQ(standard({{"Forwarded", R"(For="[2001:db8:cafe::17]:4711"; Proto=https)"}}),
            "2001:db8:cafe::17 https");
  EXPECT_EQ(standard({{"Forwarded", "for=1.1.1.1;proto=https, for=192.0.2.7;proto=http"},
                      {"Forwarded", "for=10.0.0.1;proto=https"}}),
            "192.0.2.7 http");
  // A quoted comma does not end an element.
  EXPECT_EQ(standard({{"Forwarded", R"(for=1.1.1.1, for="192.0.2.7, for=2.2.2.2")"}}), "");
  EXPECT_EQ(standard({{"Forwarded", "for=1.1.1.1, for=_hidden, for=10.0.0.1"}}), "10.0.0.1");
  EXPECT_EQ(standard({{"X-Forwarded-For", "1.1.1.1"}}), "");
}

}  // namespace
}  // namespace skep::net
