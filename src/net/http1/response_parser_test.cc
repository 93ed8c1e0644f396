#include "net/http1/response_parser.h"

#include <gtest/gtest.h>

#include "net/headers.h"

namespace skep::net::http1 {
namespace {

// Feeds in pieces until the response is done; returns how much was used.
size_t feed_pieces(ResponseParser& parser, std::string_view bytes, size_t piece_bytes) {
  size_t used = 0;
  while (used < bytes.size() && !parser.done() && !parser.failed()) {
    const std::string piece(bytes.substr(used, piece_bytes));
    used += parser.feed(piece);
  }
  return used;
}

TEST(ResponseParser, OneAfterAnother) {
  const std::string first = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b \r\n\r\nhello";
  const std::string second =
      "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
  for (const size_t piece_bytes : {1u, 3u, 1000u}) {
    ResponseParser parser;
    std::string body;
    parser.set_body_sink(&body);
    const std::string bytes = first + second;
    size_t used = feed_pieces(parser, bytes, piece_bytes);
    EXPECT_EQ(used, first.size());
    EXPECT_TRUE(parser.done());
    EXPECT_TRUE(parser.keep_alive());
    EXPECT_EQ(parser.status(), 200);
    EXPECT_EQ(body, "hello");
    EXPECT_EQ(header_value(parser.headers(), "x-a"), "b");
    EXPECT_EQ(parser.headers().size(), 2u);
    EXPECT_EQ(parser.feed("more"), 0u);

    parser.reset();
    body.clear();
    used += feed_pieces(parser, std::string_view(bytes).substr(used), piece_bytes);
    EXPECT_EQ(used, bytes.size());
    EXPECT_EQ(parser.status(), 404);
    EXPECT_EQ(body, "abc");
    EXPECT_EQ(parser.body_bytes(), 3u);
    EXPECT_EQ(parser.headers().size(), 1u);
  }
}

TEST(ResponseParser, WithoutHeaders) {
  ResponseParser parser(false);
  parser.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello");
  EXPECT_TRUE(parser.done());
  EXPECT_TRUE(parser.headers().empty());
  EXPECT_EQ(parser.body_bytes(), 5u);
}

TEST(ResponseParser, BodyUntilTheEnd) {
  ResponseParser parser;
  parser.feed("HTTP/1.0 200 OK\r\n\r\nabc");
  EXPECT_FALSE(parser.done());
  parser.feed_end();
  EXPECT_TRUE(parser.done());
  EXPECT_FALSE(parser.keep_alive());
  EXPECT_EQ(parser.body_bytes(), 3u);
}

TEST(ResponseParser, CutShort) {
  for (const char* bytes : {"", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"}) {
    ResponseParser parser;
    parser.feed(bytes);
    parser.feed_end();
    EXPECT_FALSE(parser.done()) << bytes;
    EXPECT_TRUE(parser.failed()) << bytes;
    EXPECT_FALSE(parser.error().empty());
  }
}

TEST(ResponseParser, HeadAndStatusesWithoutBody) {
  ResponseParser parser;
  parser.reset(true);
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  EXPECT_EQ(parser.feed(head), head.size());
  EXPECT_TRUE(parser.done());
  parser.reset();
  parser.feed("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_TRUE(parser.done());
  EXPECT_TRUE(parser.keep_alive());
}

TEST(ResponseParser, InterimResponsesAreSkipped) {
  ResponseParser parser;
  const std::string bytes =
      "HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
  EXPECT_EQ(feed_pieces(parser, bytes, 5), bytes.size());
  EXPECT_EQ(parser.status(), 201);
  EXPECT_EQ(parser.headers().size(), 1u);
}

TEST(ResponseParser, SwitchingProtocolsEndsIt) {
  ResponseParser parser;
  const std::string head =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  EXPECT_EQ(parser.feed(head + "\x81\x00"), head.size());
  EXPECT_TRUE(parser.done());
  EXPECT_EQ(parser.status(), 101);
}

TEST(ResponseParser, BodyViewsLieInTheData) {
  ResponseParser parser;
  std::vector<std::string_view> views;
  parser.set_body_views(&views);
  const std::string bytes =
      "HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\nX";
  EXPECT_EQ(parser.feed(bytes), bytes.size() - 1);
  ASSERT_EQ(views.size(), 2u);
  EXPECT_EQ(views[0].data(), bytes.data() + bytes.find("ab"));
  EXPECT_EQ(views[1], "c");
  EXPECT_TRUE(parser.has_body());
  EXPECT_FALSE(parser.content_length().has_value());
  EXPECT_EQ(parser.status_text(), "Fine");
}

// What two readers may frame differently is nobody's response.
TEST(ResponseParser, AmbiguousFramingIsRefused) {
  for (const char* headers :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked", "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 5", "Content-Length: -1", "Content-Length: 5x",
        "Content-Length: 99999999999999999999999", "Transfer-Encoding: gzip",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity", "Content-Length : 5", "X: a\x01", "X: a\r\n folded",
        "X:\r\n\tfolded", "A B: c", ": x"}) {
    ResponseParser parser;
    parser.feed(std::string("HTTP/1.1 200 OK\r\n") + headers + "\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    EXPECT_TRUE(parser.failed()) << headers;
    EXPECT_FALSE(parser.error().empty());
  }
  for (const char* start :
       {"HTTP/2.0 200 OK\r\n", "HTTP/0.9 200 OK\r\n", "HTTP/1.1 20 OK\r\n", "HTTP/1.1 2000 OK\r\n",
        "HTTP/1.1  200 OK\r\n", "HTTP/1.1 200\x01\r\n", "http/1.1 200 OK\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n"}) {
    ResponseParser parser;
    parser.feed(std::string(start) + "\r\n");
    EXPECT_TRUE(parser.failed()) << start << parser.status() << parser.status_text();
  }
}

TEST(ResponseParser, NoiseIsBounded) {
  ResponseParser interim;
  for (int i = 0; i < 100; i++) interim.feed("HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(interim.failed());
  ResponseParser chunks;
  chunks.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 100 && !chunks.failed(); i++) {
    chunks.feed("1;" + std::string(1000, 'x') + "\r\na\r\n");
  }
  EXPECT_TRUE(chunks.failed());
  ResponseParser trailers;
  trailers.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
  for (int i = 0; i < 100 && !trailers.failed(); i++) {
    trailers.feed("X-Trailer: " + std::string(1000, 'x') + "\r\n");
  }
  EXPECT_TRUE(trailers.failed());
}

TEST(ResponseParser, Nonsense) {
  ResponseParser parser;
  parser.feed("SSH-2.0-OpenSSH\r\n");
  EXPECT_TRUE(parser.failed());
  parser.reset();
  EXPECT_FALSE(parser.failed());
  parser.feed("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(parser.done());
  EXPECT_FALSE(parser.keep_alive());
  parser.reset();
  std::string large = "HTTP/1.1 200 OK\r\n";
  while (large.size() < 300'000) large += "X-Header: " + std::string(1000, 'v') + "\r\n";
  parser.feed(large);
  EXPECT_TRUE(parser.failed());
}

}  // namespace
}  // namespace skep::net::http1
