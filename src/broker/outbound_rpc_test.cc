// rpc::Outbound as a shard sees it that was taken over: whatever it asks for, it gets a connection
// that the policy allows, or a refusal.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/limits_outbound.h"
#include "broker/outbound.h"
#include "rpc/connection.h"
#include "rpc/descriptor.h"
#include "rpc/kj_loop.h"

namespace skep::broker {
namespace {

class Rpc : public testing::Test {
 protected:
  ~Rpc() noexcept override = default;
  void SetUp() override {
    // As the broker does at its start: what is tried here takes more than the usual 1,024.
    rlimit files = {};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
    loop_ = std::move(*loop::Loop::create({.entries = 256, .recv_buffer_count = 0}));
    kj_.emplace(*loop_);
    listener_ = UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(bind(listener_.get(), generic, length), 0);
    ASSERT_EQ(listen(listener_.get(), 4096), 0);
    getsockname(listener_.get(), generic, &length);
    port_ = ntohs(address.sin_port);
  }

  // A worker's capability at the far end of a connection, as a shard has it.
  void serve(std::vector<std::string> allow, bool own_listener = false) {
    for (const std::string& rule : allow) {
      options_.outbound.allow.push_back(*config::parse_outbound_rule(rule));
    }
    options_.outbound.resolvers = {"127.0.0.1:1"};  // nobody there
    std::vector<UniqueFd> own;
    if (own_listener) own.emplace_back(dup(listener_.get()));
    auto service = make_outbound_service(*loop_, options_, own);
    ASSERT_TRUE(service) << service.error().message;
    auto server = kj::heap<OutboundServer>(*service, share_);
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    broker_.emplace(*loop_, UniqueFd(pair[0]), rpc::Role::broker, kj::mv(server));
    shard_.emplace(*loop_, UniqueFd(pair[1]), rpc::Role::shard, nullptr);
  }

  auto ask(std::string_view host, uint16_t port) {
    auto request = shard_->bootstrap().castAs<rpc::Outbound>().connectRequest();
    const std::string text(host);
    request.setHost(capnp::Text::Reader(text.c_str(), text.size()));
    request.setPort(port);
    return request.send();
  }
  // "reached ADDRESS", or the refusal.
  std::string connect(std::string_view host, uint16_t port) {
    auto response = kj_->wait(ask(host, port));
    auto result = response.getResult();
    if (result.isFailed()) return result.getFailed().cStr();
    const UniqueFd fd = kj_->wait(rpc::take_descriptor(result.getConnection()));
    return std::string("reached ") + result.getAddress().cStr();
  }
  bool somebody_came() {
    return UniqueFd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)).get() >= 0;
  }

  std::unique_ptr<loop::Loop> loop_;
  std::optional<rpc::KjLoop> kj_;
  BrokerOptions options_;
  const std::shared_ptr<OutboundShare> share_ = std::make_shared<OutboundShare>();
  UniqueFd listener_;
  uint16_t port_ = 0;
  std::optional<rpc::Connection> broker_, shard_;
};

TEST_F(Rpc, WhatIsNoAddressIsRefused) {
  serve({"0.0.0.0/0", "::/0"});
  using namespace std::string_view_literals;
  for (const std::string_view host :
       {""sv, "\0"sv, "127.0.0.1\0.example"sv, "/etc/passwd"sv, "unix:/run/x"sv, "a b"sv, "\xff"sv,
        "127.0.0.1:80"sv, "::1%lo"sv, "256.1.1.1"sv}) {
    EXPECT_EQ(connect(host, port_), "this is no address") << host;
  }
  EXPECT_EQ(connect(std::string(1 << 20, 'a'), port_), "this is no address");
  EXPECT_EQ(connect("127.0.0.1", 0), "this is no address");
  EXPECT_FALSE(somebody_came());
}

TEST_F(Rpc, NothingOfOurs) {
  serve({});
  for (const char* host :
       {"127.0.0.1", "0x7f.1", "2130706433", "0", "localhost", "::1", "::ffff:127.0.0.1", "[::]"}) {
    EXPECT_NE(connect(host, port_).find("are not allowed"), std::string::npos) << host;
  }
  EXPECT_EQ(connect("name.example", port_), "no name server answers for name.example");
  EXPECT_FALSE(somebody_came());
}

TEST_F(Rpc, WhatIsAllowed) {
  serve({"127.0.0.1:" + std::to_string(port_)});
  EXPECT_EQ(connect("127.1", port_), "reached 127.0.0.1");
  EXPECT_TRUE(somebody_came());
}

TEST_F(Rpc, NotOurOwnListenerAlthoughItIsAllowed) {
  serve({"127.0.0.1"}, true);
  EXPECT_NE(connect("127.0.0.1", port_).find("are not allowed"), std::string::npos);
  EXPECT_FALSE(somebody_came());
}

// A shard that asks and never takes, nor lets go: the broker's descriptors are not its to use up.
TEST_F(Rpc, HowManyItMayHold) {
  serve({"127.0.0.1"});
  std::vector<capnp::Response<rpc::Outbound::ConnectResults>> held;
  size_t refused = 0;
  for (size_t i = 0; i < limits::kOutboundPerWorker + 50; ++i) {
    auto response = kj_->wait(ask("127.0.0.1", port_));
    if (response.getResult().isFailed()) {
      EXPECT_STREQ(response.getResult().getFailed().cStr(), "too many connections");
      ++refused;
    }
    while (somebody_came()) {
    }
    held.push_back(kj::mv(response));
  }
  EXPECT_EQ(refused, 50u);
  held.clear();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(loop_->turn(false));
  EXPECT_EQ(connect("127.0.0.1", port_), "reached 127.0.0.1");
}

TEST_F(Rpc, HowManyASecond) {
  serve({"127.0.0.1"});
  EXPECT_EQ(connect("127.0.0.1", port_), "reached 127.0.0.1");
  // All that there is to take in the next hour is taken.
  constexpr int64_t kHourNs = 3'600'000'000'000;
  ASSERT_TRUE(share_->rate.take(limits::kOutboundBurst, loop_->now_ns() + kHourNs));
  EXPECT_EQ(connect("127.0.0.1", port_), "too many connections");
}

}  // namespace
}  // namespace skep::broker
