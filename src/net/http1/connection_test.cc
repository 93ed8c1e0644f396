#include "net/http1/connection.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "net/http1/response_parser.h"
#include "net/server.h"
#include "net/testing.h"

namespace skep::net {
namespace {

using testing::MemoryStream;
using testing::Site;
using testing::Wire;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

std::string get(std::string_view path, std::string_view headers = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n" + std::string(headers) + "\r\n";
}

std::string post(std::string_view path, std::string_view body, std::string_view headers = "") {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

std::string chunked(std::string_view path, std::string_view chunks) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(chunks);
}

struct Answer {
  int status = 0;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool keep_alive = false;

  std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers)
      if (equals_ignore_case(key, name)) return value;
    return "(none)";
  }
};

// All responses in `bytes`; the test fails when they are not whole.
std::vector<Answer> answers_in(std::string_view bytes, bool to_head = false, bool at_end = false) {
  std::vector<Answer> answers;
  http1::ResponseParser parser;
  while (!bytes.empty()) {
    Answer answer;
    parser.reset(to_head);
    parser.set_body_sink(&answer.body);
    bytes.remove_prefix(parser.feed(bytes));
    if (at_end && !parser.done()) parser.feed_end();
    EXPECT_TRUE(parser.done()) << parser.error() << " before: " << bytes;
    if (!parser.done()) break;
    answer.status = parser.status();
    answer.keep_alive = parser.keep_alive();
    for (const Header& header : parser.headers())
      answer.headers.emplace_back(header.name, header.value);
    answers.push_back(std::move(answer));
  }
  return answers;
}

class ConnectionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto loop = loop::Loop::create(
        {.entries = 64, .fixed_files = 0, .recv_buffer_bytes = 0, .recv_buffer_count = 0});
    ASSERT_TRUE(loop) << loop.error().message;
    loop_ = std::move(*loop);
    make_server();
  }

  void make_server() { server_ = std::make_unique<Server>(*loop_, site_, options_); }

  std::shared_ptr<Wire> connect() {
    auto wire = std::make_shared<Wire>();
    server_->add_stream(std::make_unique<MemoryStream>(wire), {"192.0.2.1", 4711});
    return wire;
  }

  // What the loop would do until nothing more happens.
  void run(Wire& wire) {
    for (int i = 0; i < 100; i++) {
      ASSERT_TRUE(loop_->turn(false));
      wire.report_sent();
      wire.pump();
    }
  }

  // Sends and returns what came back.
  std::string talk(Wire& wire, std::string_view bytes) {
    const size_t before = wire.sent.size();
    wire.deliver(bytes);
    run(wire);
    return wire.sent.substr(before);
  }

  void run_for_ms(Wire& wire, int64_t duration_ms) {
    loop::Timer timer(*loop_, [] {});
    timer.set_ms(duration_ms);
    while (timer.armed()) {
      ASSERT_TRUE(loop_->turn(true));
      wire.report_sent();
      wire.pump();
    }
  }

  std::unique_ptr<loop::Loop> loop_;
  ServerOptions options_;
  Site site_;
  std::unique_ptr<Server> server_;
};

TEST_F(ConnectionTest, Hello) {
  auto wire = connect();
  const auto answers = answers_in(talk(*wire, kGet));
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].status, 200);
  EXPECT_EQ(answers[0].body, "hello\n");
  EXPECT_EQ(answers[0].header("content-length"), "6");
  EXPECT_EQ(answers[0].header("content-type"), "text/plain");
  EXPECT_EQ(answers[0].header("date").size(), 29u);
  EXPECT_EQ(answers[0].header("connection"), "(none)");
  EXPECT_FALSE(wire->closed);
  EXPECT_EQ(site_.completed, 1u);
  EXPECT_EQ(server_->stats().requests, 1u);
  EXPECT_EQ(server_->stats().exchanges, 0u);
}

TEST_F(ConnectionTest, HeadCanBeReadToTheLast) {
  auto wire = connect();
  for (const char* path : {"/a", "/abort"}) {
    talk(*wire, get(path));
    EXPECT_EQ(site_.path_at_close, path);
  }
  wire = connect();
  talk(*wire, get("/hold"));
  wire->fail(ECONNRESET);
  EXPECT_EQ(site_.path_at_close, "/hold");
}

TEST_F(ConnectionTest, KeepsAliveAndCloses) {
  auto wire = connect();
  talk(*wire, kGet);
  talk(*wire, kGet);
  EXPECT_FALSE(wire->closed);
  const auto answers = answers_in(talk(*wire, get("/", "Connection: close\r\n")));
  EXPECT_EQ(answers.at(0).header("connection"), "close");
  EXPECT_TRUE(wire->closed);
  EXPECT_EQ(site_.completed, 3u);
  EXPECT_EQ(server_->stats().connections, 0u);
}

TEST_F(ConnectionTest, Http10) {
  auto wire = connect();
  const auto answers = answers_in(talk(*wire, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_EQ(answers.at(0).header("connection"), "keep-alive");
  EXPECT_FALSE(wire->closed);
  // A body of unknown length ends with the connection.
  const std::string sent = talk(*wire, "GET /stream/5 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(sent.find("Transfer-Encoding"), std::string::npos);
  EXPECT_TRUE(sent.ends_with("\r\n\r\nxxxxx"));
  EXPECT_EQ(answers_in(sent, false, true).at(0).header("connection"), "close");
  EXPECT_TRUE(wire->shut_down);
  auto other = connect();
  talk(*other, "GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(other->closed);
}

TEST_F(ConnectionTest, HeadHasHeadersOnly) {
  auto wire = connect();
  const std::string sent = talk(*wire, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(sent.ends_with("\r\n\r\n"));
  EXPECT_EQ(answers_in(sent, true).at(0).header("content-length"), "6");
  EXPECT_TRUE(talk(*wire, "HEAD /stream/100 HTTP/1.1\r\nHost: h\r\n\r\n").ends_with("\r\n\r\n"));
  EXPECT_TRUE(talk(*wire, "HEAD /sized/100 HTTP/1.1\r\nHost: h\r\n\r\n").ends_with("\r\n\r\n"));
  EXPECT_EQ(answers_in(talk(*wire, kGet)).at(0).body, "hello\n");
}

TEST_F(ConnectionTest, Bodies) {
  auto wire = connect();
  EXPECT_EQ(answers_in(talk(*wire, post("/echo", "abc"))).at(0).body, "abc");
  EXPECT_EQ(answers_in(talk(*wire, post("/echo", ""))).at(0).body, "");
  EXPECT_EQ(answers_in(talk(*wire, chunked("/echo", "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"))).at(0).body,
            "abc");
  EXPECT_EQ(answers_in(talk(*wire, chunked("/pipe", "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"))).at(0).body,
            "abc");
  const std::string large(1 << 20, 'z');
  EXPECT_EQ(answers_in(talk(*wire, post("/echo", large))).at(0).body, large);
  EXPECT_FALSE(wire->closed);
}

TEST_F(ConnectionTest, StreamedBodies) {
  auto wire = connect();
  EXPECT_EQ(answers_in(talk(*wire, get("/stream/100000"))).at(0).body.size(), 100'000u);
  EXPECT_EQ(answers_in(talk(*wire, get("/sized/100000"))).at(0).body.size(), 100'000u);
  EXPECT_EQ(answers_in(talk(*wire, get("/stream/0"))).at(0).body.size(), 0u);
  EXPECT_FALSE(wire->closed);
}

TEST_F(ConnectionTest, BytewiseIsTheSame) {
  const std::string bytes = std::string(kGet) + post("/echo", "hello") + get("/stream/10") +
                            chunked("/pipe", "3;x\r\nabc\r\n0\r\nT: u\r\n\r\n") +
                            get("/", "Connection: close\r\n");
  auto whole = connect();
  talk(*whole, bytes);
  const std::string log = std::exchange(site_.log, "");
  auto bytewise = connect();
  for (const char c : bytes) talk(*bytewise, {&c, 1});
  EXPECT_EQ(site_.log, log);
  const auto one = answers_in(whole->sent);
  const auto other = answers_in(bytewise->sent);
  ASSERT_EQ(one.size(), 5u);
  ASSERT_EQ(other.size(), 5u);
  for (size_t i = 0; i < 5; i++) {
    EXPECT_EQ(one[i].status, other[i].status);
    EXPECT_EQ(one[i].body, other[i].body);
  }
}

TEST_F(ConnectionTest, PipelinesAThousand) {
  auto wire = connect();
  std::string bytes;
  for (int i = 0; i < 500; i++) bytes += std::string(kGet) + post("/echo", std::to_string(i));
  const auto answers = answers_in(talk(*wire, bytes));
  ASSERT_EQ(answers.size(), 1000u);
  for (size_t i = 0; i < 500; i++) {
    EXPECT_EQ(answers[2 * i].body, "hello\n");
    EXPECT_EQ(answers[2 * i + 1].body, std::to_string(i));
  }
}

TEST_F(ConnectionTest, PipeliningTakesTurnsWithOthers) {
  auto wire = connect();
  auto other = connect();
  std::string bytes;
  for (int i = 0; i < 1000; i++) bytes += kGet;
  wire->deliver(bytes);
  EXPECT_EQ(site_.requests, limits::kRequestsPerTurn);
  other->deliver(kGet);
  EXPECT_EQ(answers_in(other->sent).size(), 1u);
  run(*wire);
  EXPECT_EQ(answers_in(wire->sent).size(), 1000u);
}

TEST_F(ConnectionTest, PipelinedRequestsWaitAsBoundedBytes) {
  auto wire = connect();
  wire->deliver(get("/hold"));
  std::string bytes;
  while (bytes.size() < limits::kBodyReadAhead) bytes += kGet;
  wire->deliver(bytes);
  EXPECT_FALSE(wire->receiving);
  EXPECT_EQ(site_.requests, 1u);
  site_.held()->exchange().respond({}, "done", true);
  const size_t requests = 1 + bytes.size() / kGet.size();
  for (size_t i = 0; i < requests && site_.completed < requests; i++) run(*wire);
  EXPECT_TRUE(wire->receiving);
  EXPECT_EQ(answers_in(wire->sent).size(), requests);
}

TEST_F(ConnectionTest, PipeliningWithoutReadingIsHeldUp) {
  auto wire = connect();
  wire->stalled = true;
  std::string bytes;
  for (int i = 0; i < 1000; i++) bytes += get("/sized/100000");
  wire->deliver(bytes);
  run(*wire);
  EXPECT_LT(wire->waiting.size(), 2 * limits::kSendBufferHighWater);
  EXPECT_LT(site_.requests, 10u);
  for (int i = 0; i < 2000 && site_.completed < 1000; i++) {
    wire->unstall();
    wire->stalled = true;
    run(*wire);
    EXPECT_LT(wire->waiting.size(), 2 * limits::kSendBufferHighWater);
  }
  EXPECT_EQ(site_.completed, 1000u);
}

TEST_F(ConnectionTest, ExpectContinue) {
  auto wire = connect();
  const std::string head =
      "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
  EXPECT_EQ(talk(*wire, head), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(answers_in(talk(*wire, "ab")).at(0).body, "ab");
  // The body came without waiting.
  EXPECT_TRUE(talk(*wire, head + "ab").starts_with("HTTP/1.1 200"));
  EXPECT_FALSE(wire->closed);
}

TEST_F(ConnectionTest, ExpectContinueAnsweredWithoutTheBody) {
  auto wire = connect();
  const auto answers = answers_in(talk(
      *wire, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(answers.at(0).status, 200);
  EXPECT_EQ(answers.at(0).header("connection"), "close");
  EXPECT_TRUE(wire->shut_down);
}

TEST_F(ConnectionTest, UnreadBodyIsSkipped) {
  auto wire = connect();
  EXPECT_EQ(answers_in(talk(*wire, post("/", "not read") + std::string(kGet))).size(), 2u);
  EXPECT_EQ(
      answers_in(talk(*wire, chunked("/", "3\r\nabc\r\n0\r\n\r\n") + std::string(kGet))).size(),
      2u);
  EXPECT_FALSE(wire->closed);
  // It arrives later.
  const std::string late = post("/", std::string(1000, 'l'));
  talk(*wire, late.substr(0, 200));
  EXPECT_EQ(site_.completed, 5u);
  EXPECT_EQ(answers_in(talk(*wire, late.substr(200) + std::string(kGet))).size(), 1u);
}

TEST_F(ConnectionTest, LongUnreadBodyClosesWithLinger) {
  auto wire = connect();
  const auto answers =
      answers_in(talk(*wire, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\nabc"));
  EXPECT_EQ(answers.at(0).header("connection"), "close");
  EXPECT_TRUE(wire->shut_down);
  EXPECT_FALSE(wire->closed);
  // What still comes is dropped, up to a bound; then nothing is read.
  for (int i = 0; i < 100; i++) wire->deliver(std::string(100'000, 'x'));
  EXPECT_FALSE(wire->receiving);
  EXPECT_GT(wire->held.size(), 8'000'000u);
  EXPECT_EQ(site_.requests, 1u);
}

TEST_F(ConnectionTest, LingerEndsWithTheClient) {
  auto wire = connect();
  talk(*wire, "nonsense\r\n\r\n");
  EXPECT_TRUE(wire->shut_down);
  EXPECT_FALSE(wire->closed);
  wire->end();
  EXPECT_TRUE(wire->closed);
}

TEST_F(ConnectionTest, RefusesWithShortPlainBodies) {
  struct Case {
    std::string bytes;
    int status;
  };
  const Case cases[] = {
      {"@nonsense\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET /" + std::string(20'000, 'a'), 414},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(200'000, 'a'), 431},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n", 413},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
      {"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 501},
  };
  for (const Case& one : cases) {
    auto wire = connect();
    const auto answers = answers_in(talk(*wire, one.bytes));
    ASSERT_EQ(answers.size(), 1u) << one.bytes.substr(0, 40);
    EXPECT_EQ(answers[0].status, one.status);
    EXPECT_TRUE(answers[0].body.starts_with(std::to_string(one.status) + " "));
    EXPECT_EQ(answers[0].header("connection"), "close");
    EXPECT_TRUE(wire->shut_down);
    EXPECT_EQ(site_.refusals.back(), one.status);
  }
  EXPECT_EQ(site_.requests, 0u);
  EXPECT_EQ(server_->stats().refused, std::size(cases));
}

TEST_F(ConnectionTest, ChunkedBodyOverTheLimit) {
  options_.max_body_bytes = 10;
  make_server();
  auto wire = connect();
  EXPECT_EQ(answers_in(talk(*wire, chunked("/echo", "5\r\nhello\r\n0\r\n\r\n"))).at(0).status, 200);
  EXPECT_EQ(answers_in(talk(*wire, chunked("/echo", "5\r\nhello\r\n6\r\nworld!\r\n"))).at(0).status,
            413);
  EXPECT_EQ(site_.broken, 1u);
  // Too late for an answer: the connection breaks.
  auto streaming = connect();
  talk(*streaming, chunked("/pipe", "5\r\nhello\r\n6\r\nworld!\r\n"));
  EXPECT_TRUE(streaming->closed);
  EXPECT_FALSE(streaming->sent.ends_with("0\r\n\r\n"));
  EXPECT_EQ(site_.broken, 2u);
}

TEST_F(ConnectionTest, MalformedChunkInAnOpenExchange) {
  auto wire = connect();
  EXPECT_EQ(answers_in(talk(*wire, chunked("/echo", "5\r\nhello\r\nzz\r\n"))).at(0).status, 400);
  EXPECT_EQ(site_.broken, 1u);
  EXPECT_TRUE(site_.open.empty());
}

TEST_F(ConnectionTest, UploadBackpressure) {
  auto wire = connect();
  wire->deliver("POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\n");
  for (int i = 0; i < 20; i++) wire->deliver(std::string(50'000, 'x'));
  EXPECT_FALSE(wire->receiving);
  // Read-ahead, and the piece that crossed its bound.
  EXPECT_GE(wire->held.size(), 1'000'000 - limits::kBodyReadAhead - 50'000);
  EXPECT_EQ(site_.body_bytes, 0u);
  site_.held()->exchange().pull_body();
  EXPECT_EQ(site_.body_bytes, 0u);  // never from within the call
  run(*wire);
  // Visit pulls on, so everything that arrived gets through.
  EXPECT_EQ(site_.body_bytes, 1'000'000u);
  EXPECT_TRUE(wire->receiving);
}

TEST_F(ConnectionTest, DownloadBackpressure) {
  auto wire = connect();
  wire->stalled = true;
  wire->deliver(get("/stream/50000000"));
  size_t received = 0;
  for (int i = 0; i < 10'000 && site_.completed == 0; i++) {
    run(*wire);
    ASSERT_LT(wire->waiting.size(), 2 * limits::kSendBufferHighWater);
    wire->unstall();
    received += wire->sent.size();
    wire->sent.clear();
    wire->stalled = true;
  }
  EXPECT_EQ(site_.completed, 1u);
  wire->unstall();
  received += wire->sent.size();
  EXPECT_GT(received, 50'000'000u);
}

TEST_F(ConnectionTest, AbortSendsNothing) {
  auto wire = connect();
  EXPECT_EQ(talk(*wire, get("/abort")), "");
  EXPECT_TRUE(wire->closed);
  EXPECT_EQ(site_.broken, 1u);
}

TEST_F(ConnectionTest, ShortBodyBreaksTheConnection) {
  auto wire = connect();
  EXPECT_TRUE(talk(*wire, get("/cut")).ends_with("12345"));
  EXPECT_TRUE(wire->closed);
  EXPECT_EQ(site_.broken, 1u);
}

TEST_F(ConnectionTest, LongBodyIsCutAtItsLength) {
  auto wire = connect();
  wire->deliver(get("/hold"));
  HttpExchange& exchange = site_.held()->exchange();
  exchange.respond({.content_length = 3}, "abcdef", false);
  exchange.write("ghi");
  exchange.finish();
  run(*wire);
  EXPECT_EQ(answers_in(wire->sent).at(0).body, "abc");
  EXPECT_TRUE(wire->closed);
}

TEST_F(ConnectionTest, ResponseHeadersAreChecked) {
  const std::pair<Header, bool> cases[] = {
      {{"X-Good", "a\tb \xe9"}, true},
      {{"X", "a\r\nSet-Cookie: b"}, false},
      {{"X", "a\nb"}, false},
      {{"X", std::string_view("a\0b", 3)}, false},
      {{"X Y", "a"}, false},
      {{"X:", "a"}, false},
      {{"", "a"}, false},
      {{"X\r\n", "a"}, false},
  };
  for (const auto& [header, good] : cases) {
    auto wire = connect();
    wire->deliver(get("/hold"));
    HttpExchange& exchange = site_.held()->exchange();
    exchange.respond({.headers = {&header, 1}}, "secret", false);
    exchange.write("more");
    exchange.finish();
    run(*wire);
    const auto answers = answers_in(wire->sent);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].status, good ? 200 : 500) << header.name;
    EXPECT_EQ(answers[0].body, good ? "secretmore" : "500 Internal Server Error\n");
    EXPECT_EQ(wire->sent.find("Set-Cookie"), std::string::npos);
  }
}

TEST_F(ConnectionTest, ResponseStatusIsChecked) {
  for (const int status : {0, 99, 100, 102, 103, 199, 600, 1000, -1}) {
    auto wire = connect();
    wire->deliver(get("/hold"));
    site_.held()->exchange().respond({.status = status}, "x", true);
    run(*wire);
    EXPECT_EQ(answers_in(wire->sent).at(0).status, 500) << status;
  }
  auto wire = connect();
  wire->deliver(get("/hold"));
  site_.held()->exchange().respond({.status_text = "OK\r\nX: y"}, "x", true);
  run(*wire);
  EXPECT_EQ(answers_in(wire->sent).at(0).status, 500);
}

TEST_F(ConnectionTest, ServersOwnHeadersAreDropped) {
  auto wire = connect();
  wire->deliver(get("/hold"));
  const Header headers[] = {
      {"Connection", "x-secret"}, {"Keep-Alive", "a"},   {"Transfer-Encoding", "gzip"},
      {"content-length", "99"},   {"Date", "now"},       {"Upgrade", "h2c"},
      {"Trailer", "a"},           {"TE", "a"},           {"Proxy-Connection", "a"},
      {"Set-Cookie", "a=1"},      {"Set-Cookie", "b=2"},
  };
  site_.held()->exchange().respond({.headers = headers}, "body", true);
  run(*wire);
  const auto answers = answers_in(wire->sent);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].body, "body");
  // Date, Content-Length and the two cookies.
  EXPECT_EQ(answers[0].headers.size(), 4u);
  EXPECT_FALSE(wire->closed);
}

TEST_F(ConnectionTest, StatusesWithoutBody) {
  for (const int status : {204, 304}) {
    auto wire = connect();
    wire->deliver(get("/hold"));
    site_.held()->exchange().respond({.status = status}, "dropped", true);
    run(*wire);
    const auto answers = answers_in(wire->sent);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].header("content-length"), "(none)");
    EXPECT_EQ(answers[0].header("transfer-encoding"), "(none)");
    EXPECT_TRUE(wire->sent.ends_with("\r\n\r\n"));
    EXPECT_EQ(answers_in(talk(*wire, kGet)).size(), 1u);
  }
}

TEST_F(ConnectionTest, StatusWithoutPhrase) {
  auto wire = connect();
  wire->deliver(get("/hold"));
  site_.held()->exchange().respond({.status = 299}, "", true);
  run(*wire);
  EXPECT_TRUE(wire->sent.starts_with("HTTP/1.1 299 \r\n"));
}

TEST_F(ConnectionTest, ClientGoesInEachState) {
  {
    auto wire = connect();
    wire->end();
    EXPECT_TRUE(wire->closed);
  }
  {
    auto wire = connect();
    talk(*wire, "GET / HT");
    wire->end();
    EXPECT_TRUE(wire->closed);
    EXPECT_EQ(site_.requests, 0u);
  }
  {
    auto wire = connect();
    talk(*wire, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
    wire->end();
    run(*wire);
    EXPECT_TRUE(wire->closed);
    EXPECT_EQ(site_.broken, 1u);
  }
  {
    auto wire = connect();
    talk(*wire, get("/hold"));
    wire->fail(ECONNRESET);
    EXPECT_TRUE(wire->closed);
    EXPECT_EQ(site_.broken, 2u);
  }
  {
    auto wire = connect();
    wire->stalled = true;
    talk(*wire, get("/stream/10000000"));
    wire->fail(EPIPE);
    EXPECT_TRUE(wire->closed);
    EXPECT_EQ(site_.broken, 3u);
  }
  EXPECT_TRUE(site_.open.empty());
  EXPECT_EQ(server_->stats().connections, 0u);
  EXPECT_EQ(server_->stats().exchanges, 0u);
}

TEST_F(ConnectionTest, HalfClosedClientGetsItsAnswer) {
  auto wire = connect();
  talk(*wire, get("/hold") + std::string(kGet));
  wire->end();
  EXPECT_FALSE(wire->closed);
  site_.held()->exchange().respond({}, "late", true);
  run(*wire);
  EXPECT_EQ(answers_in(wire->sent).size(), 2u);
  EXPECT_TRUE(wire->closed);
}

TEST_F(ConnectionTest, Upgrade) {
  auto wire = connect();
  wire->deliver(get("/hold", "Connection: Upgrade\r\nUpgrade: websocket\r\n") + "frames");
  HttpExchange& exchange = site_.held()->exchange();
  EXPECT_TRUE(exchange.head().upgrade);
  EXPECT_EQ(exchange.upgrade(), nullptr);  // no 101 yet
  const Header headers[] = {{"Upgrade", "websocket"}};
  exchange.respond({.status = 101, .headers = headers}, "", false);
  auto upgraded = exchange.upgrade();
  ASSERT_NE(upgraded, nullptr);
  EXPECT_EQ(upgraded->remaining, "frames");
  EXPECT_EQ(upgraded->peer.port, 4711);
  run(*wire);
  EXPECT_EQ(site_.completed, 1u);
  EXPECT_EQ(server_->stats().connections, 0u);
  EXPECT_FALSE(wire->closed);
  EXPECT_TRUE(
      wire->sent.starts_with("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\n"));
  EXPECT_TRUE(wire->sent.ends_with("\r\n\r\n"));
  upgraded.reset();
  EXPECT_TRUE(wire->closed);
}

TEST_F(ConnectionTest, UpgradeInsideTheRequestCallback) {
  auto wire = connect();
  std::unique_ptr<Upgraded> upgraded;
  site_.hook = [&](std::string_view callback) {
    if (callback != "request") return;
    const Header headers[] = {{"Upgrade", "websocket"}};
    site_.held()->exchange().respond({.status = 101, .headers = headers}, "", false);
    upgraded = site_.held()->exchange().upgrade();
  };
  wire->deliver(get("/hold", "Connection: Upgrade\r\nUpgrade: websocket\r\n") + "frames");
  run(*wire);
  ASSERT_NE(upgraded, nullptr);
  EXPECT_EQ(upgraded->remaining, "frames");
  EXPECT_EQ(site_.completed, 1u);
}

// The server goes from within each of its callbacks.
TEST_F(ConnectionTest, DestroyedInEachCallback) {
  const std::pair<std::string, std::string> cases[] = {
      {"request", std::string(kGet) + std::string(kGet)},
      {"request", get("/hold")},
      {"body", post("/echo", "abc") + std::string(kGet)},
      {"body", chunked("/pipe", "1\r\na\r\n1\r\nb\r\n0\r\n\r\n")},
      {"body_end", post("/echo", "abc")},
      {"closed", std::string(kGet) + std::string(kGet)},
      {"closed", post("/", "unread") + std::string(kGet)},
      {"closed", get("/abort")},
      {"closed", get("/cut")},
      {"closed", get("/", "Connection: close\r\n")},
      {"closed", chunked("/echo", "zz\r\n")},
      {"writable", get("/stream/10000000")},
  };
  for (const auto& [callback, bytes] : cases) {
    make_server();
    auto wire = connect();
    auto other = connect();
    talk(*other, get("/hold"));
    bool destroyed = false;
    site_.hook = [&](std::string_view called) {
      if (called != callback || std::exchange(destroyed, true)) return;
      server_.reset();
    };
    wire->stalled = callback == "writable";
    wire->deliver(bytes);
    run(*wire);
    if (wire->stalled) wire->unstall();
    run(*wire);
    EXPECT_TRUE(destroyed) << callback << " " << bytes;
    EXPECT_TRUE(wire->closed);
    EXPECT_TRUE(other->closed);
    EXPECT_TRUE(site_.open.empty());
    site_.hook = nullptr;
    server_.reset();
  }
}

TEST_F(ConnectionTest, DrainClosesIdleAndLetsBusyFinish) {
  auto idle = connect();
  talk(*idle, kGet);
  auto fresh = connect();
  auto busy = connect();
  talk(*busy, get("/hold") + std::string(kGet));
  bool done = false;
  server_->drain([&] { done = true; });
  run(*idle);
  run(*fresh);
  EXPECT_TRUE(idle->shut_down);
  idle->end();
  fresh->end();
  EXPECT_TRUE(idle->closed);
  EXPECT_FALSE(done);
  site_.held()->exchange().respond({}, "last", true);
  run(*busy);
  const auto answers = answers_in(busy->sent);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].header("connection"), "close");
  EXPECT_FALSE(done);
  busy->end();
  run(*busy);
  EXPECT_TRUE(done);
}

TEST_F(ConnectionTest, DrainOfNothing) {
  bool done = false;
  server_->drain([&] { done = true; });
  EXPECT_FALSE(done);
  ASSERT_TRUE(loop_->turn(false));
  ASSERT_TRUE(loop_->turn(false));
  EXPECT_TRUE(done);
}

TEST_F(ConnectionTest, MemoryOfAllConnectionsIsBounded) {
  options_.max_buffered_bytes = 1'000'000;
  make_server();
  // Uploads that nobody reads…
  std::vector<std::shared_ptr<Wire>> uploads;
  for (int i = 0; i < 30; i++) {
    uploads.push_back(connect());
    uploads.back()->deliver("POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\n");
    for (int j = 0; j < 10; j++) uploads.back()->deliver(std::string(16'000, 'x'));
  }
  EXPECT_GT(server_->stats().buffered_bytes, 1'000'000u);
  EXPECT_LT(server_->stats().buffered_bytes, 2'000'000u);
  auto other = connect();
  EXPECT_EQ(answers_in(talk(*other, kGet)).at(0).status, 503);
  for (auto& wire : uploads) wire->fail(ECONNRESET);
  EXPECT_EQ(server_->stats().buffered_bytes, 0u);
  // …answers that nobody fetches…
  for (int i = 0; i < 30; i++) {
    uploads.push_back(connect());
    uploads.back()->stalled = true;
    talk(*uploads.back(), get("/stream/10000000"));
  }
  EXPECT_LT(server_->stats().buffered_bytes, 2'000'000u);
  for (auto& wire : uploads)
    if (!wire->closed) wire->fail(ECONNRESET);
  EXPECT_EQ(server_->stats().buffered_bytes, 0u);
  // …and heads that never end.
  for (int i = 0; i < 60; i++) {
    uploads.push_back(connect());
    for (int j = 0; j < 8; j++)
      uploads.back()->deliver(j == 0 ? "GET / HTTP/1.1\r\nX: " : std::string(15'000, 'x'));
  }
  EXPECT_LT(server_->stats().buffered_bytes, 2'200'000u);
  for (auto& wire : uploads)
    if (!wire->closed) wire->fail(ECONNRESET);
  EXPECT_EQ(server_->stats().buffered_bytes, 0u);
  EXPECT_EQ(answers_in(talk(*connect(), kGet)).at(0).status, 200);
}

TEST_F(ConnectionTest, LingerReadsOnAfterReadAheadWasFull) {
  auto wire = connect();
  wire->deliver(get("/hold", "X: y\r\n"));
  wire->deliver(std::string(2 * limits::kBodyReadAhead, 'p'));
  wire->deliver("more");
  EXPECT_FALSE(wire->receiving);
  site_.held()->exchange().respond({}, "done", true);
  run(*wire);
  // What was read ahead was no request; the client is still heard, so that it can close first.
  EXPECT_EQ(answers_in(wire->sent).size(), 2u);
  EXPECT_TRUE(wire->shut_down);
  EXPECT_TRUE(wire->receiving);
  EXPECT_TRUE(wire->held.empty());
  wire->end();
  EXPECT_TRUE(wire->closed);
}

TEST_F(ConnectionTest, ResponseHeadIsBounded) {
  auto wire = connect();
  wire->deliver(get("/hold"));
  const std::string large(limits::kResponseHeadBytes + 1, 'v');
  const Header header{"X", large};
  site_.held()->exchange().respond({.headers = {&header, 1}}, "", true);
  run(*wire);
  EXPECT_EQ(answers_in(wire->sent).at(0).status, 500);
  EXPECT_EQ(site_.refusals.back(), 500);
}

TEST_F(ConnectionTest, TooManyConnections) {
  options_.max_connections = 1;
  make_server();
  auto first = connect();
  auto second = connect();
  run(*second);
  EXPECT_EQ(answers_in(second->sent).at(0).status, 503);
  EXPECT_TRUE(second->shut_down);
  EXPECT_EQ(answers_in(talk(*first, kGet)).at(0).status, 200);
  std::vector<std::shared_ptr<Wire>> crowd;
  for (size_t i = 0; i < 2 * limits::kRefusedConnections; i++) crowd.push_back(connect());
  EXPECT_TRUE(crowd.back()->closed);
  EXPECT_EQ(crowd.back()->sent, "");
}

TEST_F(ConnectionTest, TimeOuts) {
  options_.header_timeout_ms = 30;
  options_.body_timeout_ms = 40;
  options_.idle_timeout_ms = 50;
  options_.send_timeout_ms = 60;
  make_server();
  auto silent = connect();
  auto slow_head = connect();
  talk(*slow_head, "GET / HT");
  auto slow_body = connect();
  talk(*slow_body, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
  auto idle = connect();
  talk(*idle, kGet);
  auto stalled = connect();
  stalled->stalled = true;
  talk(*stalled, get("/stream/10000000"));
  auto held = connect();
  talk(*held, get("/hold"));
  run_for_ms(*silent, 200);
  EXPECT_TRUE(silent->closed);
  EXPECT_EQ(silent->sent, "");
  EXPECT_EQ(answers_in(slow_head->sent).at(0).status, 408);
  EXPECT_EQ(answers_in(slow_body->sent).at(0).status, 408);
  EXPECT_TRUE(idle->closed);
  EXPECT_TRUE(stalled->closed);
  EXPECT_EQ(site_.broken, 2u);
  // A handler may take its time.
  EXPECT_FALSE(held->closed);
  EXPECT_EQ(held->sent, "");
}

TEST_F(ConnectionTest, SlowHeaderIsCutThoughItTrickles) {
  options_.header_timeout_ms = 60;
  make_server();
  auto wire = connect();
  for (int i = 0; i < 40 && wire->sent.empty(); i++) {
    wire->deliver("X");
    run_for_ms(*wire, 5);
  }
  EXPECT_FALSE(wire->sent.empty());
}

TEST_F(ConnectionTest, WritePlainErrorForTheShard) {
  auto wire = connect();
  wire->deliver(get("/hold"));
  write_plain_error(site_.held()->exchange(), 404, "No worker has this host.");
  run(*wire);
  const auto answers = answers_in(wire->sent);
  EXPECT_EQ(answers.at(0).status, 404);
  EXPECT_EQ(answers.at(0).body, "404 Not Found\nNo worker has this host.\n");
  EXPECT_FALSE(wire->closed);
}

}  // namespace
}  // namespace skep::net
