#include "net/client/pool.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/limits_fetch.h"
#include "net/client/testing.h"

namespace skep::net {
namespace {

using testing::Asker;
using testing::MemoryConnector;
using testing::Wire;

class ClientPool : public ::testing::Test {
 protected:
  ClientPool()
      : loop_(std::move(*loop::Loop::create({.recv_buffer_count = 16}))),
        pool_(*loop_, connector_) {}

  void turn() {
    for (int i = 0; i < 4; i++) ASSERT_TRUE(loop_->turn(false));
  }
  void ask(Asker& asker, const ClientRequest& request) {
    asker.exchange = pool_.start(request, asker);
    turn();
  }
  // A first exchange over a fresh connection, answered and read to its end.
  std::shared_ptr<Wire> warm() {
    Asker asker;
    const size_t index = connector_.attempts.size();
    ask(asker, testing::get());
    auto wire = connector_.accept(index);
    wire->deliver("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    turn();
    EXPECT_TRUE(asker.ended);
    wire->sent.clear();
    return wire;
  }

  std::unique_ptr<loop::Loop> loop_;
  MemoryConnector connector_;
  Pool pool_;
};

TEST_F(ClientPool, OneExchange) {
  Asker asker;
  ask(asker, testing::get("origin.test", "/path"));
  ASSERT_EQ(connector_.attempts.size(), 1u);
  EXPECT_EQ(connector_.attempts[0]->target.host, "origin.test");
  auto wire = connector_.accept(0);
  EXPECT_EQ(wire->sent, "GET /path HTTP/1.1\r\nHost: origin.test\r\n\r\n");
  wire->deliver(
      "HTTP/1.1 200 OK\r\nX-A: b\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhel");
  EXPECT_EQ(asker.status, 200);
  EXPECT_EQ(asker.headers, "X-A: b\nContent-Length: 5\n");
  turn();
  EXPECT_EQ(asker.body, "hel");
  EXPECT_FALSE(asker.ended);
  wire->deliver("lo");
  turn();
  EXPECT_EQ(asker.body, "hello");
  EXPECT_TRUE(asker.ended);
  EXPECT_EQ(pool_.stats().idle, 1u);
}

TEST_F(ClientPool, ConnectionsAreReusedByOrigin) {
  auto wire = warm();
  Asker same, other;
  ask(same, testing::get("origin.test", "/2"));
  EXPECT_EQ(connector_.attempts.size(), 1u);
  EXPECT_EQ(wire->sent, "GET /2 HTTP/1.1\r\nHost: origin.test\r\n\r\n");
  ask(other, testing::get("other.test"));
  EXPECT_EQ(connector_.attempts.size(), 2u);
  ClientRequest port = testing::get();
  port.port = 81;
  Asker third;
  ask(third, port);
  EXPECT_EQ(connector_.attempts.size(), 3u);
  ClientRequest secure = testing::get();
  secure.secure = true;
  Asker fourth;
  ask(fourth, secure);
  ASSERT_EQ(connector_.attempts.size(), 4u);
  EXPECT_TRUE(connector_.attempts[3]->target.tls);
  EXPECT_EQ(connector_.attempts[3]->target.alpn, std::vector<std::string>{"http/1.1"});
}

TEST_F(ClientPool, BodyWaitsForPulls) {
  Asker asker;
  asker.pulls = false;
  ask(asker, testing::get());
  auto wire = connector_.accept(0);
  wire->deliver("HTTP/1.1 200 OK\r\n\r\n");
  const std::string piece(16 * 1024, 'x');
  size_t delivered = 0;
  while (wire->receiving && delivered < 10 << 20) {
    wire->deliver(piece);
    delivered += piece.size();
  }
  EXPECT_LE(delivered, limits::kClientReadAhead + piece.size());
  EXPECT_EQ(asker.pieces, 0u);
  asker.exchange->pull_body();
  EXPECT_EQ(asker.pieces, 0u) << "not from within the call";
  turn();
  EXPECT_EQ(asker.pieces, 1u);
  EXPECT_EQ(asker.body.size(), delivered);
  EXPECT_TRUE(wire->receiving);
  wire->end();
  turn();
  EXPECT_FALSE(asker.ended) << "not asked for";
  asker.exchange->pull_body();
  turn();
  EXPECT_TRUE(asker.ended);
  EXPECT_EQ(pool_.stats().connections, 0u);
}

TEST_F(ClientPool, RequestBodyInPieces) {
  ClientRequest request = testing::get();
  request.method = "POST";
  request.has_body = true;
  request.body_complete = false;
  Asker asker;
  ask(asker, request);
  EXPECT_TRUE(asker.exchange->write("early"));
  auto wire = connector_.accept(0);
  EXPECT_TRUE(asker.exchange->write("later!"));
  asker.exchange->finish();
  EXPECT_TRUE(wire->sent.ends_with("\r\n\r\n5\r\nearly\r\n6\r\nlater!\r\n0\r\n\r\n")) << wire->sent;
  wire->deliver("HTTP/1.1 204 No Content\r\n\r\n");
  turn();
  EXPECT_TRUE(asker.ended);
  EXPECT_FALSE(asker.has_body);
  EXPECT_EQ(pool_.stats().idle, 1u);
}

TEST_F(ClientPool, RequestBodyHasBackpressure) {
  ClientRequest request = testing::get();
  request.method = "PUT";
  request.has_body = true;
  request.body_complete = false;
  Asker asker;
  ask(asker, request);
  const std::string piece(64 * 1024, 'x');
  size_t written = 0;
  while (asker.exchange->write(piece)) written += piece.size();
  EXPECT_LE(written, limits::kClientSendHighWater);
  auto wire = connector_.accept(0);
  turn();
  EXPECT_EQ(asker.writables, 1u);
  wire->report_sent();
  wire->stalled = true;
  while (asker.exchange->write(piece)) {
  }
  EXPECT_EQ(asker.writables, 1u);
  wire->unstall();
  EXPECT_EQ(asker.writables, 2u);
}

TEST_F(ClientPool, KnownLengthIsKept) {
  ClientRequest request = testing::get();
  request.method = "PUT";
  request.has_body = true;
  request.body_complete = false;
  request.content_length = 5;
  Asker exact, more, less;
  ask(exact, request);
  auto wire = connector_.accept(0);
  exact.exchange->write("hello");
  exact.exchange->finish();
  EXPECT_TRUE(wire->sent.ends_with("Content-Length: 5\r\n\r\nhello")) << wire->sent;
  ask(more, request);
  connector_.accept(1);
  more.exchange->write("hello!");
  turn();
  EXPECT_TRUE(more.failed);
  EXPECT_TRUE(connector_.wires[1]->closed);
  EXPECT_FALSE(connector_.wires[1]->sent.ends_with("!"));
  ask(less, request);
  connector_.accept(2);
  less.exchange->write("hell");
  less.exchange->finish();
  turn();
  EXPECT_TRUE(less.failed);
  EXPECT_TRUE(connector_.wires[2]->closed);
}

TEST_F(ClientPool, CutBodies) {
  for (const char* response :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n"}) {
    Asker asker;
    const size_t index = connector_.attempts.size();
    ask(asker, testing::get());
    auto wire = connector_.accept(index);
    wire->deliver(response);
    wire->end();
    turn();
    EXPECT_EQ(asker.body, "hel");
    EXPECT_TRUE(asker.failed);
    EXPECT_EQ(asker.kind, ClientFailure::lost);
    EXPECT_FALSE(asker.ended);
  }
}

// A response with more behind it than its length: the rest is nobody's.
TEST_F(ClientPool, BytesAfterAResponseSpoilTheConnection) {
  Asker asker;
  ask(asker, testing::get());
  auto wire = connector_.accept(0);
  wire->deliver(
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: "
      "4\r\n\r\nevil");
  turn();
  EXPECT_EQ(asker.body, "ok");
  EXPECT_TRUE(asker.ended);
  EXPECT_TRUE(wire->closed);
  auto idle = warm();
  idle->deliver("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  EXPECT_TRUE(idle->closed) << "an answer to no question";
}

TEST_F(ClientPool, BadResponses) {
  for (const char* response :
       {"SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 700 X\r\n\r\n"}) {
    Asker asker;
    const size_t index = connector_.attempts.size();
    ask(asker, testing::get());
    auto wire = connector_.accept(index);
    wire->deliver(response);
    turn();
    EXPECT_TRUE(asker.failed) << response;
    EXPECT_EQ(asker.kind, ClientFailure::bad_response);
    EXPECT_NE(asker.why.find("http://origin.test: "), std::string::npos);
    EXPECT_TRUE(wire->closed);
  }
}

TEST_F(ClientPool, AStaleConnectionIsTriedAgainOnce) {
  auto wire = warm();
  Asker asker;
  ask(asker, testing::get("origin.test", "/again"));
  EXPECT_FALSE(wire->sent.empty());
  wire->end();
  turn();
  EXPECT_FALSE(asker.failed);
  ASSERT_EQ(connector_.attempts.size(), 2u);
  auto fresh = connector_.accept(1);
  EXPECT_TRUE(fresh->sent.starts_with("GET /again"));
  fresh->deliver("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  turn();
  EXPECT_TRUE(asker.ended);
  EXPECT_EQ(asker.body, "ok");
  Asker once;
  ask(once, testing::get());
  fresh->fail(ECONNRESET);
  turn();
  connector_.accept(2)->end();
  turn();
  EXPECT_TRUE(once.failed);
  EXPECT_EQ(connector_.attempts.size(), 3u);
}

TEST_F(ClientPool, APostIsNotTriedAgain) {
  auto wire = warm();
  ClientRequest request = testing::get();
  request.method = "POST";
  request.has_body = true;
  request.body = "pay";
  request.content_length = 3;
  Asker asker;
  ask(asker, request);
  wire->end();
  turn();
  EXPECT_TRUE(asker.failed);
  EXPECT_EQ(asker.kind, ClientFailure::lost);
}

TEST_F(ClientPool, DroppedExchangesCloseWhatTheyHad) {
  Asker waiting, busy, head, body;
  ask(waiting, testing::get());
  waiting.exchange.reset();
  turn();
  EXPECT_TRUE(connector_.attempts[0]->cancelled);
  EXPECT_EQ(pool_.stats().connections, 0u);
  ask(busy, testing::get());
  auto wire = connector_.accept(1);
  busy.exchange.reset();
  EXPECT_TRUE(wire->closed);
  head.drop_at_head = body.drop_at_body = true;
  for (Asker* asker : {&head, &body}) {
    const size_t index = connector_.attempts.size();
    ask(*asker, testing::get());
    wire = connector_.accept(index);
    wire->deliver("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    wire->pump();
    turn();
    if (!wire->closed) wire->deliver("def");
    EXPECT_TRUE(wire->closed);
    EXPECT_FALSE(asker->failed);
  }
  EXPECT_EQ(pool_.stats().connections, 0u);
}

// What is whole in memory does not hold the connection.
TEST_F(ClientPool, AWholeResponseFreesItsConnectionUnread) {
  Asker asker;
  asker.pulls = false;
  ask(asker, testing::get());
  auto wire = connector_.accept(0);
  wire->deliver("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(pool_.stats().idle, 1u);
  asker.exchange.reset();
  EXPECT_FALSE(wire->closed);
}

TEST_F(ClientPool, Refusals) {
  Asker denied, lost;
  ask(denied, testing::get());
  connector_.refuse(0, "loopback addresses are not allowed", EACCES);
  turn();
  EXPECT_TRUE(denied.failed);
  EXPECT_EQ(denied.kind, ClientFailure::refused);
  ask(lost, testing::get());
  connector_.refuse(1, "cannot connect", ECONNREFUSED);
  turn();
  EXPECT_EQ(lost.kind, ClientFailure::lost);
  EXPECT_EQ(pool_.stats().connections, 0u);
  Asker wrong;
  ask(wrong, testing::get("origin.test", "/a b"));
  EXPECT_TRUE(wrong.failed);
  EXPECT_EQ(wrong.kind, ClientFailure::refused);
}

TEST_F(ClientPool, ConnectionsOfAHostAreBounded) {
  std::vector<Asker> askers(limits::kClientConnectionsPerHost + 3);
  for (Asker& asker : askers) asker.exchange = pool_.start(testing::get(), asker);
  turn();
  EXPECT_EQ(connector_.attempts.size(), limits::kClientConnectionsPerHost);
  EXPECT_EQ(pool_.stats().waiting, askers.size());
  auto wire = connector_.accept(0);
  for (size_t i = 0; i < 4; i++) {
    wire->deliver("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    turn();
  }
  size_t answered = 0;
  for (Asker& asker : askers) answered += asker.ended ? 1 : 0;
  EXPECT_EQ(answered, 4u);
}

TEST_F(ClientPool, ConnectionsAreBoundedAndIdleOnesGiveWay) {
  std::vector<std::unique_ptr<Asker>> askers;
  std::vector<std::string> hosts;
  for (size_t i = 0; i < limits::kClientConnections + 1; i++) {
    hosts.push_back("h" + std::to_string(i) + ".test");
    askers.push_back(std::make_unique<Asker>());
    askers.back()->exchange = pool_.start(testing::get(hosts.back()), *askers.back());
  }
  turn();
  EXPECT_EQ(connector_.attempts.size(), limits::kClientConnections);
  auto wire = connector_.accept(0);
  wire->deliver("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  turn();
  EXPECT_TRUE(askers[0]->ended);
  // The last host waits until a connection goes: one that breaks, or the idle one.
  askers[1]->exchange.reset();
  turn();
  EXPECT_EQ(connector_.attempts.size(), limits::kClientConnections + 1);
  EXPECT_EQ(connector_.attempts.back()->target.host, hosts.back());
  Asker more;
  ask(more, testing::get("more.test"));
  EXPECT_EQ(connector_.attempts.back()->target.host, "more.test");
  EXPECT_TRUE(wire->closed);
}

TEST_F(ClientPool, Upgrade) {
  ClientRequest request = testing::get();
  request.upgrade = "websocket";
  Asker asker;
  asker.pulls = false;
  ask(asker, request);
  auto wire = connector_.accept(0);
  EXPECT_EQ(asker.exchange->upgrade(), nullptr);
  wire->deliver(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
      "websocket\r\n\r\n\x81\x01x");
  EXPECT_EQ(asker.status, 101);
  EXPECT_NE(asker.headers.find("Upgrade: websocket"), std::string::npos);
  auto upgraded = asker.exchange->upgrade();
  ASSERT_NE(upgraded, nullptr);
  EXPECT_EQ(upgraded->remaining, "\x81\x01x");
  EXPECT_FALSE(wire->closed);
  asker.exchange.reset();
  EXPECT_FALSE(wire->closed);
  EXPECT_EQ(pool_.stats().connections, 0u);
}

TEST_F(ClientPool, InterimAndHead) {
  ClientRequest request = testing::get();
  request.method = "HEAD";
  Asker asker;
  ask(asker, request);
  auto wire = connector_.accept(0);
  wire->deliver(
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
  turn();
  EXPECT_EQ(asker.status, 200);
  EXPECT_EQ(asker.length, 500u);
  EXPECT_FALSE(asker.has_body);
  EXPECT_TRUE(asker.ended);
  EXPECT_EQ(pool_.stats().idle, 1u);
}

TEST_F(ClientPool, ThePoolMayGoFirst) {
  Asker waiting, busy, whole;
  auto pool = std::make_unique<Pool>(*loop_, connector_);
  busy.exchange = pool->start(testing::get(), busy);
  turn();
  auto wire = connector_.accept(0);
  waiting.exchange = pool->start(testing::get(), waiting);
  pool.reset();
  EXPECT_TRUE(wire->closed);
  busy.exchange->pull_body();
  busy.exchange->write("x");
  turn();
  EXPECT_FALSE(busy.failed);
}

}  // namespace
}  // namespace skep::net
