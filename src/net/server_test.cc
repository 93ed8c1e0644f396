// The server over real sockets and the real loop.
#include "net/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "net/http1/response_parser.h"
#include "net/testing.h"

namespace skep::net {
namespace {

using testing::Site;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

std::string get(std::string_view path) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto loop = loop::Loop::create({.entries = 256,
                                    .fixed_files = 64,
                                    .recv_buffer_bytes = limits::kRecvBufferBytes,
                                    .recv_buffer_count = 64});
    ASSERT_TRUE(loop) << loop.error().message;
    loop_ = std::move(*loop);
    server_ = std::make_unique<Server>(*loop_, site_, options_);
    site_.keep_bodies = false;
  }

  void TearDown() override {
    server_.reset();
    for (int i = 0; i < 10; i++) ASSERT_TRUE(loop_->turn(false));
  }

  // The client's end; not blocking.
  UniqueFd connect() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    server_->add_connection(UniqueFd(ends[0]), {"unix", 0});
    return UniqueFd(ends[1]);
  }

  // Turns until `until` holds; the loop must have something to do on the way there.
  template <typename Condition>
  void turn_until(Condition until) {
    for (int i = 0; i < 1'000'000 && !until(); i++) ASSERT_TRUE(loop_->turn(false));
    ASSERT_TRUE(until());
  }

  // Reads what is there; -1 at the end of the stream.
  static ssize_t read_some(const UniqueFd& client, std::string& to) {
    char buffer[64 * 1024];
    const ssize_t length = recv(client.get(), buffer, sizeof(buffer), 0);
    if (length == 0) return -1;
    if (length < 0) return errno == EAGAIN ? 0 : -1;
    to.append(buffer, static_cast<size_t>(length));
    return length;
  }

  // Sends `request` and reads one response to its end.
  int talk(const UniqueFd& client, std::string_view request, std::string* body = nullptr) {
    http1::ResponseParser parser;
    parser.set_body_sink(body);
    bool gone = false;
    turn_until([&] {
      if (!request.empty()) {
        const ssize_t sent = send(client.get(), request.data(), request.size(), MSG_NOSIGNAL);
        if (sent > 0) request.remove_prefix(static_cast<size_t>(sent));
      }
      std::string bytes;
      gone = read_some(client, bytes) < 0;
      parser.feed(bytes);
      if (gone) parser.feed_end();
      return parser.done() || parser.failed();
    });
    EXPECT_FALSE(parser.failed()) << parser.error();
    return parser.status();
  }

  std::unique_ptr<loop::Loop> loop_;
  ServerOptions options_;
  Site site_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, KeepAlive) {
  const UniqueFd client = connect();
  for (int i = 0; i < 100; i++) EXPECT_EQ(talk(client, kGet), 200);
  EXPECT_EQ(server_->stats().requests, 100u);
  EXPECT_EQ(server_->stats().connections, 1u);
}

TEST_F(ServerTest, ManyConnectionsAtOnce) {
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 200; i++) clients.push_back(connect());
  for (int round = 0; round < 3; round++) {
    for (const UniqueFd& client : clients) EXPECT_EQ(talk(client, kGet), 200);
  }
  clients.clear();
  turn_until([&] { return server_->stats().connections == 0; });
}

TEST_F(ServerTest, OverTcp) {
  const UniqueFd listening(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof(address);
  ASSERT_EQ(bind(listening.get(), generic, length), 0);
  ASSERT_EQ(listen(listening.get(), 16), 0);
  ASSERT_EQ(getsockname(listening.get(), generic, &length), 0);

  struct Listener final : loop::AcceptorEvents {
    explicit Listener(Server& the_server) : server(the_server) {}
    void on_connection(UniqueFd fd, loop::PeerAddress peer) override {
      address = peer.address;
      server.add_connection(std::move(fd), std::move(peer));
    }
    void on_accept_error(int) override {}
    Server& server;
    std::string address;
  } listener(*server_);
  loop::Acceptor acceptor(*loop_, UniqueFd(dup(listening.get())), listener);
  acceptor.start();

  const UniqueFd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(client.get(), generic, length), 0);
  fcntl(client.get(), F_SETFL, O_NONBLOCK);
  EXPECT_EQ(talk(client, kGet), 200);
  EXPECT_EQ(listener.address, "127.0.0.1");
}

TEST_F(ServerTest, LargeUploadAndDownload) {
  const UniqueFd client = connect();
  const uint64_t total = 64ull << 20;
  std::string request =
      "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(total) + "\r\n\r\n";
  request.append(total, 'u');
  EXPECT_EQ(talk(client, request), 200);
  EXPECT_EQ(site_.body_bytes, total);
  std::string body;
  EXPECT_EQ(talk(client, get("/stream/" + std::to_string(total)), &body), 200);
  EXPECT_EQ(body.size(), total);
}

// A client that neither reads nor stops writing costs a bounded amount of memory.
TEST_F(ServerTest, PipeWithAClientThatDoesNotRead) {
  const UniqueFd client = connect();
  const std::string head = "POST /pipe HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n";
  ASSERT_EQ(send(client.get(), head.data(), head.size(), 0), static_cast<ssize_t>(head.size()));
  const std::string piece(64 * 1024, 'p');
  uint64_t sent = 0;
  int refused_in_a_row = 0;
  while (refused_in_a_row < 200) {
    const ssize_t length = send(client.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
    refused_in_a_row = length > 0 ? 0 : refused_in_a_row + 1;
    if (length > 0) sent += static_cast<uint64_t>(length);
    ASSERT_LT(sent, 8u << 20);
    ASSERT_TRUE(loop_->turn(false));
  }
  EXPECT_LT(site_.body_bytes, 2u << 20);
  // It reads at last, and all of it comes through.
  std::string received;
  uint64_t received_bytes = 0;
  turn_until([&] {
    if (sent < 100'000'000) {
      const size_t want = std::min<uint64_t>(piece.size(), 100'000'000 - sent);
      const ssize_t length = send(client.get(), piece.data(), want, MSG_NOSIGNAL);
      if (length > 0) sent += static_cast<uint64_t>(length);
    }
    received.clear();
    if (read_some(client, received) > 0) received_bytes += received.size();
    return site_.completed == 1 && received.empty();
  });
  EXPECT_GT(received_bytes, 100'000'000u);
}

TEST_F(ServerTest, ClientGoesInTheMiddle) {
  {
    const UniqueFd client = connect();
    send(client.get(), "GET / HT", 8, 0);
  }
  {
    const UniqueFd client = connect();
    const std::string request = get("/stream/100000000");
    send(client.get(), request.data(), request.size(), 0);
    turn_until([&] { return site_.requests == 1; });
  }
  {
    const UniqueFd client = connect();
    const std::string request = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc";
    send(client.get(), request.data(), request.size(), 0);
    turn_until([&] { return site_.requests == 2; });
  }
  turn_until([&] { return server_->stats().connections == 0; });
  EXPECT_EQ(site_.broken, 2u);
  EXPECT_TRUE(site_.open.empty());
}

// The whole upload is sent before the client reads: it must find the answer, not a reset.
TEST_F(ServerTest, RefusedUploaderReadsItsAnswer) {
  server_ = std::make_unique<Server>(*loop_, site_, ServerOptions{.max_body_bytes = 1000});
  const UniqueFd client = connect();
  std::string request = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n";
  request.append(500'000, 'u');
  std::string_view left = request;
  turn_until([&] {
    const ssize_t sent = send(client.get(), left.data(), left.size(), MSG_NOSIGNAL);
    if (sent > 0) left.remove_prefix(static_cast<size_t>(sent));
    return left.empty();
  });
  EXPECT_EQ(talk(client, ""), 413);
  std::string rest;
  turn_until([&] { return read_some(client, rest) < 0; });
  EXPECT_EQ(rest, "");
}

TEST_F(ServerTest, DestroyedWithEverythingInFlight) {
  std::vector<UniqueFd> clients;
  for (const char* path : {"/", "/hold", "/stream/10000000", "/echo"}) {
    clients.push_back(connect());
    const std::string request =
        "POST " + std::string(path) + " HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc";
    send(clients.back().get(), request.data(), request.size(), 0);
  }
  turn_until([&] { return site_.requests == 4; });
  server_.reset();
  EXPECT_TRUE(site_.open.empty());
}

TEST_F(ServerTest, Drain) {
  const UniqueFd idle = connect();
  EXPECT_EQ(talk(idle, kGet), 200);
  const UniqueFd busy = connect();
  const std::string hold = get("/hold");
  send(busy.get(), hold.data(), hold.size(), 0);
  turn_until([&] { return site_.requests == 2; });
  bool done = false;
  server_->drain([&] { done = true; });
  std::string bytes;
  turn_until([&] { return read_some(idle, bytes) < 0; });
  EXPECT_FALSE(done);
  site_.held()->exchange().respond({}, "last", true);
  std::string body;
  EXPECT_EQ(talk(busy, "", &body), 200);
  EXPECT_EQ(body, "last");
  ::shutdown(busy.get(), SHUT_WR);
  ::shutdown(idle.get(), SHUT_WR);
  turn_until([&] { return done; });
}

}  // namespace
}  // namespace skep::net
