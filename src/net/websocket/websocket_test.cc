#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "net/testing.h"
#include "net/websocket/handshake.h"
#include "net/websocket/session.h"

namespace skep::net::websocket {
namespace {

struct Heard final : SessionEvents {
  void on_message(bool text, std::string data) override {
    log += (text ? "text " : "binary ") + data + "\n";
  }
  void on_close(uint16_t code, std::string_view reason) override {
    log += "close " + std::to_string(code) + " " + std::string(reason) + "\n";
  }
  void on_lost(Failure failed) override { log += "lost " + std::to_string(failed.code) + "\n"; }
  void on_settled() override {}
  void on_sent() override {}
  void on_over() override { log += "over\n"; }
  std::string log;
};

// A client's session and a server's, each with a wire of its own that the test carries across.
class SessionTest : public ::testing::Test {
 protected:
  void start(std::optional<DeflateParameters> deflate = {}) {
    loop_ = *loop::Loop::create({.entries = 8, .recv_buffer_count = 0});
    make(server_, server_wire_, Role::server, server_heard_, deflate);
    make(client_, client_wire_, Role::client, client_heard_, deflate);
  }
  void make(std::unique_ptr<Session>& session, std::shared_ptr<net::testing::Wire>& wire, Role role,
            Heard& heard, std::optional<DeflateParameters> deflate) {
    wire = std::make_shared<net::testing::Wire>();
    session = std::make_unique<Session>(
        *loop_, std::make_unique<net::testing::MemoryStream>(wire),
        SessionOptions{.role = role, .deflate = deflate, .most_bytes = 1000}, heard);
    session->start({});
  }
  void carry() {
    while (!client_wire_->sent.empty() || !server_wire_->sent.empty()) {
      server_wire_->deliver(std::exchange(client_wire_->sent, {}));
      (void)loop_->turn(false);
      client_wire_->deliver(std::exchange(server_wire_->sent, {}));
      (void)loop_->turn(false);
    }
  }

  std::unique_ptr<loop::Loop> loop_;
  std::shared_ptr<net::testing::Wire> server_wire_, client_wire_;
  Heard server_heard_, client_heard_;
  std::unique_ptr<Session> server_, client_;
};

TEST_F(SessionTest, MessagesBothWays) {
  start();
  client_->send(true, "hello");
  EXPECT_EQ(client_wire_->sent.size(), 2 + 4 + 5u);
  EXPECT_EQ(client_wire_->sent.find("hello"), std::string::npos);  // it is masked
  server_->send(false, std::string(300, 'x'));
  carry();
  EXPECT_EQ(server_heard_.log, "text hello\n");
  EXPECT_EQ(client_heard_.log, "binary " + std::string(300, 'x') + "\n");
}

TEST_F(SessionTest, CompressedMessagesAreSmallerAndTheSame) {
  start(DeflateParameters{});
  client_->send(true, std::string(900, 'a'));
  EXPECT_LT(client_wire_->sent.size(), 100u);
  carry();
  EXPECT_EQ(server_heard_.log, "text " + std::string(900, 'a') + "\n");
}

TEST_F(SessionTest, ClosingHandshake) {
  start();
  client_->close(4000, "why");
  client_->send(true, "too late");
  carry();
  EXPECT_EQ(server_heard_.log, "close 4000 why\n");
  server_->close(4000, "why");
  EXPECT_TRUE(server_wire_->shut_down);
  carry();
  EXPECT_EQ(client_heard_.log, "close 4000 why\n");
  client_wire_->end();
  EXPECT_EQ(client_heard_.log, "close 4000 why\nover\n");
}

TEST_F(SessionTest, AFailureIsToldAfterWhatWasRight) {
  start();
  client_->send(true, "right");
  server_wire_->deliver(client_wire_->sent + "\xff");
  EXPECT_EQ(server_heard_.log, "text right\n");
  server_wire_->deliver("\x80zzzz");
  (void)loop_->turn(false);
  EXPECT_EQ(server_heard_.log, "text right\nlost 1002\n");
  EXPECT_TRUE(server_wire_->shut_down);
  EXPECT_FALSE(server_->can_send());
}

TEST_F(SessionTest, TooLargeIs1009) {
  start();
  client_->send(false, std::string(1001, 'x'));
  server_wire_->deliver(client_wire_->sent);
  (void)loop_->turn(false);
  EXPECT_EQ(server_heard_.log, "lost 1009\n");
  EXPECT_EQ(server_wire_->sent.substr(2, 2), "\x03\xf1");
}

TEST_F(SessionTest, PingsAreAnsweredUntilNobodyReads) {
  start();
  const std::string ping("\x89\x80zzzz", 6);
  server_wire_->deliver(ping);
  EXPECT_EQ(server_wire_->sent, std::string("\x8a\x00", 2));
  server_wire_->stalled = true;
  for (int i = 0; i < 100'000; i++) server_wire_->deliver(ping);
  EXPECT_LT(server_wire_->waiting.size(), 70'000u);
}

TEST_F(SessionTest, ALostConnectionIs1006) {
  start();
  server_wire_->end();
  EXPECT_EQ(server_heard_.log, "lost 1006\nover\n");
}

TEST(Handshake, TheSampleOfTheStandard) {
  EXPECT_EQ(accept_value("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(new_key().size(), 24u);
  EXPECT_NE(new_key(), new_key());
}

TEST(Handshake, AServersAnswerMustBeOneThatWasOffered) {
  std::optional<DeflateParameters> agreed;
  EXPECT_TRUE(accept_deflate("", agreed));
  EXPECT_FALSE(agreed);
  EXPECT_TRUE(accept_deflate("permessage-deflate; server_no_context_takeover", agreed));
  EXPECT_TRUE(agreed);
  for (const char* bad :
       {"permessage-deflate",
        "permessage-deflate; server_no_context_takeover; client_max_window_bits=9", "x-other",
        "permessage-deflate; server_no_context_takeover, permessage-deflate"}) {
    EXPECT_FALSE(accept_deflate(bad, agreed)) << bad;
  }
}

TEST(Frames, AMaskInPiecesIsTheSameMask) {
  const uint8_t mask[4] = {1, 2, 3, 4};
  std::string whole(100, 'x');
  std::string pieces = whole;
  apply_mask({whole.data(), whole.size()}, mask, 0);
  for (size_t at = 0; at < pieces.size(); at += 7) {
    apply_mask({pieces.data() + at, std::min<size_t>(7, pieces.size() - at)}, mask, at);
  }
  EXPECT_EQ(whole, pieces);
}

}  // namespace
}  // namespace skep::net::websocket
