#include "net/proxy_protocol.h"

#include <gtest/gtest.h>

#include "base/limits_edge.h"
#include "net/testing.h"

namespace skep::net {
namespace {

using testing::MemoryStream;
using testing::Wire;
using State = ProxyHeader::State;

std::string binary(uint8_t command, uint8_t family, std::string_view rest) {
  std::string out("\r\n\r\n\0\r\nQUIT\n", 12);
  out += static_cast<char>(command);
  out += static_cast<char>(family);
  out += static_cast<char>(rest.size() >> 8);
  out += static_cast<char>(rest.size() & 0xff);
  return out.append(rest);
}

const std::string kV4("\xc0\x00\x02\x01\x0a\x00\x00\x01\x12\x34\x01\xbb", 12);

std::string client_of(std::string_view bytes) {
  const ProxyHeader header = parse_proxy_header(bytes);
  if (header.state == State::partial) return "partial";
  if (header.state == State::invalid) return "invalid";
  if (!header.has_client) return "none";
  return header.client.address + " " + std::to_string(header.client.port);
}

TEST(ProxyProtocol, Text) {
  EXPECT_EQ(client_of("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\nGET"), "192.0.2.1 56324");
  EXPECT_EQ(client_of("PROXY TCP6 2001:DB8::1 ::1 1 2\r\n"), "2001:db8::1 1");
  EXPECT_EQ(client_of("PROXY UNKNOWN\r\n"), "none");
  EXPECT_EQ(client_of("PROXY UNKNOWN ffff:f::1 ffff::1 65535 65535\r\n"), "none");
  EXPECT_EQ(parse_proxy_header("PROXY UNKNOWN\r\nGET").used, 15u);
  for (const char* text :
       {"PROXY TCP4 192.0.2.1 10.0.0.1 56324\r\n", "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP6 192.0.2.1 10.0.0.1 1 2\r\n", "PROXY TCP4 192.0.2.1 10.0.0.1 1 65536\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 01 2\r\n", "PROXY TCP4 192.0.2.1  10.0.0.1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 1 2 \r\n", "PROXY UDP4 192.0.2.1 10.0.0.1 1 2\r\n",
        "PROXY \r\n", "PROXY UNKNOWN a\nb\r\n", "GET / HTTP/1.1\r\n\r\n", "\r\n\r\nx", "proxy "})
    EXPECT_EQ(client_of(text), "invalid") << text;
  EXPECT_EQ(client_of("PROXY UNKNOWN " + std::string(100, 'x')), "invalid");
}

TEST(ProxyProtocol, Binary) {
  EXPECT_EQ(client_of(binary(0x21, 0x11, kV4)), "192.0.2.1 4660");
  std::string v6(36, '\0');
  v6[15] = 1;
  v6[33] = 7;
  EXPECT_EQ(client_of(binary(0x21, 0x21, v6)), "::1 7");
  EXPECT_EQ(client_of(binary(0x20, 0x00, "")), "none");
  EXPECT_EQ(client_of(binary(0x20, 0x11, kV4)), "none");
  EXPECT_EQ(client_of(binary(0x21, 0x11, kV4 + std::string("\x04\x00\x01x", 4))), "192.0.2.1 4660");
  EXPECT_EQ(client_of(binary(0x21, 0x11, kV4.substr(1))), "invalid");
  EXPECT_EQ(client_of(binary(0x21, 0x12, kV4)), "invalid");
  EXPECT_EQ(client_of(binary(0x21, 0x31, std::string(216, 'x'))), "invalid");
  EXPECT_EQ(client_of(binary(0x21, 0x00, "")), "invalid");
  EXPECT_EQ(client_of(binary(0x11, 0x11, kV4)), "invalid");
  EXPECT_EQ(client_of(binary(0x22, 0x11, kV4)), "invalid");
  EXPECT_EQ(client_of(binary(0x21, 0x11, std::string(limits::kProxyHeaderBytes, 'x'))), "invalid");
}

TEST(ProxyProtocol, EveryCutOfAValidOneIsPartial) {
  for (const std::string& whole :
       {binary(0x21, 0x11, kV4), std::string("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n")}) {
    for (size_t i = 0; i < whole.size(); i++)
      EXPECT_EQ(client_of(whole.substr(0, i)), "partial") << i;
    EXPECT_EQ(parse_proxy_header(whole + "more").used, whole.size());
  }
}

class ProxyWaits : public ::testing::Test, public loop::SocketEvents {
 protected:
  void on_data(std::span<const char> data) override { read_.append(data.data(), data.size()); }
  void on_end() override { read_ += "<end>"; }
  void on_error(int) override { read_ += "<error>"; }
  void on_sent() override {}

  void begin(const char* peer) {
    wait_ = std::make_unique<ProxyWait>(*loop_, std::make_unique<MemoryStream>(wire_),
                                        loop::PeerAddress{peer, 9},
                                        [this](Result<ProxyWait::Arrived> result) {
                                          done_++;
                                          ok_ = result.has_value();
                                          if (ok_) arrived_ = std::move(*result);
                                          wait_.reset();
                                        });
  }

  std::unique_ptr<loop::Loop> loop_ = std::move(*loop::Loop::create({.entries = 64}));
  std::shared_ptr<Wire> wire_ = std::make_shared<Wire>();
  std::unique_ptr<ProxyWait> wait_;
  ProxyWait::Arrived arrived_;
  std::string read_;
  int done_ = 0;
  bool ok_ = false;
};

TEST_F(ProxyWaits, GiveWhatFollowsAsTheFirstBytes) {
  begin("10.0.0.1");
  for (const char c : std::string("PROXY TCP4 192.0.2.1 10.0.0.1 5 443\r")) wire_->deliver({&c, 1});
  EXPECT_EQ(done_, 0);
  wire_->deliver("\nGET /");
  ASSERT_EQ(done_, 1);
  ASSERT_TRUE(ok_);
  EXPECT_EQ(arrived_.peer.address, "192.0.2.1");
  EXPECT_EQ(arrived_.peer.port, 5);
  EXPECT_FALSE(wire_->receiving);
  arrived_.stream->set_events(this);
  arrived_.stream->receive();
  EXPECT_EQ(read_, "");
  ASSERT_TRUE(loop_->turn(false));
  EXPECT_EQ(read_, "GET /");
  wire_->deliver("more");
  wire_->end();
  EXPECT_EQ(read_, "GET /more<end>");
}

TEST_F(ProxyWaits, WithoutAClientThePeerIsTheClient) {
  begin("10.0.0.1");
  wire_->deliver("PROXY UNKNOWN\r\n");
  ASSERT_TRUE(ok_);
  EXPECT_EQ(arrived_.peer.address, "10.0.0.1");
}

TEST_F(ProxyWaits, AnythingElseIsRefused) {
  begin("10.0.0.1");
  wire_->deliver("GET / HTTP/1.1\r\n");
  EXPECT_EQ(done_, 1);
  EXPECT_FALSE(ok_);
  EXPECT_TRUE(wire_->closed);
}

TEST_F(ProxyWaits, AnEndIsRefused) {
  begin("10.0.0.1");
  wire_->deliver("PRO");
  wire_->end();
  EXPECT_EQ(done_, 1);
  EXPECT_FALSE(ok_);
}

}  // namespace
}  // namespace skep::net
