// The pool with connections that carry many exchanges at once.
#include <gtest/gtest.h>

#include <cerrno>

#include "net/client/pool.h"
#include "net/client/testing.h"
#include "net/tls/tls_facts.h"

namespace skep::net {
namespace {

using testing::Asker;
using testing::MemoryConnector;
using testing::MemoryStream;
using testing::Wire;

// A stream in memory that TLS has agreed on a protocol for.
class SecureStream final : public Stream {
 public:
  explicit SecureStream(std::string alpn) : under_(std::make_shared<Wire>()) {
    facts_.alpn = std::move(alpn);
  }
  void set_events(loop::SocketEvents* events) override { under_.set_events(events); }
  void receive() override { under_.receive(); }
  void pause() override { under_.pause(); }
  void send(std::string_view data) override { under_.send(data); }
  void send_owned(std::span<const char> data, std::shared_ptr<void> owner) override {
    under_.send_owned(data, std::move(owner));
  }
  size_t queued() const override { return 0; }
  void shutdown_send() override {}
  int64_t last_progress_ns() const override { return 0; }
  bool secure() const override { return true; }
  const TlsFacts* tls() const override { return &facts_; }

 private:
  MemoryStream under_;
  TlsFacts facts_;
};

class FakeSession;

class FakeExchange final : public ClientExchange {
 public:
  FakeExchange(FakeSession& its_session, ClientEvents& its_events)
      : session(&its_session), events(its_events) {}
  ~FakeExchange() override;
  void pull_body() override {}
  bool write(std::string_view data) override {
    written.append(data);
    return true;
  }
  void finish() override {}
  std::unique_ptr<Upgraded> upgrade() override { return nullptr; }

  FakeSession* session;  // null once it is gone
  ClientEvents& events;
  std::string written;
};

class FakeSession final : public ClientSession {
 public:
  explicit FakeSession(std::function<void(bool)> its_on_change)
      : on_change(std::move(its_on_change)) {}
  ~FakeSession() override;
  std::unique_ptr<ClientExchange> start(const ClientRequest& request,
                                        ClientEvents& events) override {
    targets.emplace_back(request.target);
    bodies.emplace_back(request.body);
    auto exchange = std::make_unique<FakeExchange>(*this, events);
    open.push_back(exchange.get());
    return exchange;
  }
  bool has_room() const override { return !full && open.size() < 100; }
  bool idle() const override { return open.empty(); }

  std::function<void(bool)> on_change;
  std::vector<FakeExchange*> open;
  std::vector<std::string> targets, bodies;
  bool full = false;
};

FakeExchange::~FakeExchange() {
  if (session) std::erase(session->open, this);
}

FakeSession::~FakeSession() {
  for (FakeExchange* exchange : open) exchange->session = nullptr;
}

class PoolSessions : public ::testing::Test {
 protected:
  PoolSessions()
      : loop_(std::move(*loop::Loop::create({.recv_buffer_count = 16}))),
        pool_(*loop_, connector_,
              {.http2 = [this](std::unique_ptr<Stream>, loop::PeerAddress,
                               std::function<void(bool)> on_change) {
                auto session = std::make_unique<FakeSession>(std::move(on_change));
                sessions_.push_back(session.get());
                return session;
              }}) {}

  void turn() {
    for (int i = 0; i < 4; i++) ASSERT_TRUE(loop_->turn(false));
  }
  static ClientRequest secure(std::string_view target) {
    ClientRequest request = testing::get("origin.test", target);
    request.secure = true;
    return request;
  }
  std::unique_ptr<Asker> ask(const ClientRequest& request) {
    auto asker = std::make_unique<Asker>();
    asker->exchange = pool_.start(request, *asker);
    turn();
    return asker;
  }
  void accept(size_t index, std::string alpn) {
    auto done = connector_.attempts[index]->done;
    done(ConnectedStream{.stream = std::make_unique<SecureStream>(std::move(alpn)), .peer = {}});
    turn();
  }

  std::unique_ptr<loop::Loop> loop_;
  MemoryConnector connector_;
  std::vector<FakeSession*> sessions_;
  Pool pool_;
};

TEST_F(PoolSessions, OneConnectionForAll) {
  const auto first = ask(secure("/1"));
  const auto second = ask(secure("/2"));
  ASSERT_EQ(connector_.attempts.size(), 1u);
  EXPECT_EQ(connector_.attempts[0]->target.alpn, (std::vector<std::string>{"h2", "http/1.1"}));
  accept(0, "h2");
  ASSERT_EQ(sessions_.size(), 1u);
  EXPECT_EQ(sessions_[0]->targets, (std::vector<std::string>{"/1", "/2"}));
  const auto third = ask(secure("/3"));
  EXPECT_EQ(sessions_[0]->open.size(), 3u);
  EXPECT_EQ(connector_.attempts.size(), 1u);
  sessions_[0]->full = true;
  const auto fourth = ask(secure("/4"));
  EXPECT_EQ(connector_.attempts.size(), 2u);
}

TEST_F(PoolSessions, AnOriginOfHttp1GetsMoreConnections) {
  const auto first = ask(secure("/1"));
  const auto second = ask(secure("/2"));
  accept(0, "http/1.1");
  EXPECT_EQ(connector_.attempts.size(), 2u);
  EXPECT_TRUE(sessions_.empty());
}

TEST_F(PoolSessions, OneFailureIsEveryones) {
  const auto first = ask(secure("/1"));
  const auto second = ask(secure("/2"));
  connector_.refuse(0, "no such name", ENOENT);
  turn();
  EXPECT_TRUE(first->failed);
  EXPECT_TRUE(second->failed);
  EXPECT_EQ(pool_.stats().waiting, 0u);
}

TEST_F(PoolSessions, UpgradesHaveAConnectionOfHttp1) {
  const auto plain = ask(secure("/1"));
  accept(0, "h2");
  ClientRequest request = secure("/socket");
  request.upgrade = "websocket";
  const auto upgrade = ask(request);
  ASSERT_EQ(connector_.attempts.size(), 2u);
  EXPECT_EQ(connector_.attempts[1]->target.alpn, std::vector<std::string>{"http/1.1"});
}

TEST_F(PoolSessions, WhatWasNotLookedAtGoesToAnotherConnection) {
  ClientRequest request = secure("/1");
  request.method = "POST";
  request.has_body = true;
  request.body = "body";
  const auto asker = ask(request);
  accept(0, "h2");
  sessions_[0]->full = true;
  const ClientError error{.message = "going away", .unprocessed = true};
  sessions_[0]->open[0]->events.on_failed(error);
  sessions_[0]->on_change(true);
  turn();
  EXPECT_FALSE(asker->failed);
  ASSERT_EQ(connector_.attempts.size(), 2u);
  accept(1, "h2");
  ASSERT_EQ(sessions_.size(), 2u);
  EXPECT_EQ(sessions_[1]->bodies, std::vector<std::string>{"body"});
  // What may have been looked at does not.
  sessions_[1]->open[0]->events.on_failed({.message = "lost"});
  turn();
  EXPECT_TRUE(asker->failed);
}

TEST_F(PoolSessions, AStreamedBodyIsNotSentAgain) {
  ClientRequest request = secure("/1");
  request.method = "POST";
  request.has_body = true;
  request.body_complete = false;
  const auto asker = ask(request);
  accept(0, "h2");
  asker->exchange->write("piece");
  EXPECT_EQ(sessions_[0]->open[0]->written, "piece");
  sessions_[0]->open[0]->events.on_failed({.message = "going away", .unprocessed = true});
  turn();
  EXPECT_TRUE(asker->failed);
}

TEST_F(PoolSessions, RefusalsEnd) {
  const auto asker = ask(secure("/1"));
  for (size_t i = 0; i < 10 && !asker->failed; i++) {
    accept(i, "h2");
    sessions_[i]->full = true;
    sessions_[i]->open[0]->events.on_failed({.message = "going away", .unprocessed = true});
    sessions_[i]->on_change(true);
    turn();
  }
  EXPECT_TRUE(asker->failed);
  EXPECT_LT(sessions_.size(), 6u);
}

}  // namespace
}  // namespace skep::net
