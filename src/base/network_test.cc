#include "base/network.h"

#include <gtest/gtest.h>

namespace skep {
namespace {

TEST(Network, AddressesAreNumeric) {
  EXPECT_EQ(format_ip(*parse_ip("192.0.2.1")), "192.0.2.1");
  EXPECT_EQ(format_ip(*parse_ip("::ffff:192.0.2.1")), "192.0.2.1");
  EXPECT_EQ(format_ip(*parse_ip("2001:DB8:0:0::1")), "2001:db8::1");
  for (const char* text : {"", "1.2.3", "01.2.3.4", "1.2.3.4:80", "[::1]", "::1%lo", "localhost",
                           "1.2.3.4 ", "1:2:3:4:5:6:7:8:9"})
    EXPECT_FALSE(parse_ip(text)) << text;
  EXPECT_FALSE(parse_ip(std::string_view("1.2.3.4\0", 8)));
}

TEST(Network, PrefixesCoverWhatTheySay) {
  const Network ten = *parse_network("10.0.0.0/9");
  EXPECT_TRUE(ten.contains(*parse_ip("10.127.255.255")));
  EXPECT_TRUE(ten.contains(*parse_ip("::ffff:10.1.2.3")));
  EXPECT_FALSE(ten.contains(*parse_ip("10.128.0.0")));
  EXPECT_FALSE(ten.contains(*parse_ip("::10.1.2.3")));
  EXPECT_TRUE(parse_network("0.0.0.0/0")->contains(*parse_ip("8.8.8.8")));
  EXPECT_FALSE(parse_network("0.0.0.0/0")->contains(*parse_ip("::1")));
  EXPECT_TRUE(parse_network("::/0")->contains(*parse_ip("8.8.8.8")));
  EXPECT_TRUE(parse_network("fd00::/8")->contains(*parse_ip("fdff::1")));
  for (const char* text : {"10.0.0.1/8", "10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0.0/-1",
                           "10.0.0.0/8 ", "x/8", "fd00::1/64"})
    EXPECT_FALSE(parse_network(text)) << text;
}

TEST(Network, TrustIsWhatIsListed) {
  TrustedPeers peers;
  EXPECT_TRUE(peers.empty());
  EXPECT_FALSE(peers.trusts("unix"));
  ASSERT_TRUE(peers.add("192.0.2.0/24"));
  EXPECT_FALSE(peers.trusts("unix"));
  EXPECT_TRUE(peers.trusts("192.0.2.200"));
  EXPECT_FALSE(peers.trusts("192.0.3.1"));
  ASSERT_TRUE(peers.add("unix"));
  EXPECT_TRUE(peers.trusts("unix"));
  EXPECT_FALSE(peers.add("everybody"));
}

}  // namespace
}  // namespace skep
