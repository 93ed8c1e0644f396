#include "net/http1/request_parser.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "net/headers.h"

namespace skep::net::http1 {
namespace {

using Event = RequestParser::Event;

struct Parsed {
  std::string summary;  // "METHOD target host [Name: value]… (body)" a line for each request
  int refusal = 0;
  bool incomplete = false;  // the bytes ended inside a request

  bool operator==(const Parsed&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Parsed& parsed) {
  return out << parsed.summary << "refusal " << parsed.refusal << " incomplete "
             << parsed.incomplete;
}

void describe(const RequestHead& head, std::string& to) {
  to.append(head.method).append(" ").append(head.target).append(" ").append(head.host);
  for (const Header& header : head.headers)
    to.append(" [").append(header.name).append(": ").append(header.value).append("]");
}

// Parses all of `bytes`, given in pieces of that size.
Parsed parse(std::string_view bytes, size_t piece_bytes) {
  Parsed parsed;
  RequestParser parser;
  std::string body;
  bool in_request = false;
  for (size_t at = 0; at < bytes.size(); at += piece_bytes) {
    // A copy of its own, so that a sanitizer sees reads beyond the piece.
    const std::string piece(bytes.substr(at, piece_bytes));
    std::string_view input = piece;
    while (true) {
      size_t used = 0;
      const Event event = parser.feed(input, used);
      input.remove_prefix(used);
      if (event == Event::refused) {
        parsed.refusal = parser.refusal();
        return parsed;
      }
      in_request = in_request || parser.started();
      if (event == Event::head) {
        describe(parser.head(), parsed.summary);
      } else if (event == Event::body) {
        body.append(parser.body());
      } else if (event == Event::end) {
        parsed.summary.append(" (").append(body).append(")\n");
        body.clear();
        parser.reset();
        in_request = false;
        if (input.empty()) break;
      } else {
        break;
      }
    }
  }
  parsed.incomplete = in_request;
  return parsed;
}

// However the bytes arrive, they mean the same.
Parsed parse(std::string_view bytes) {
  const Parsed whole = parse(bytes, bytes.size());
  for (const size_t piece_bytes : {1, 2, 3, 7, 64}) EXPECT_EQ(parse(bytes, piece_bytes), whole);
  return whole;
}

std::string get(std::string_view headers) {
  return "GET / HTTP/1.1\r\nHost: h\r\n" + std::string(headers) + "\r\n";
}

std::string post(std::string_view headers, std::string_view body) {
  return "POST / HTTP/1.1\r\nHost: h\r\n" + std::string(headers) + "\r\n" + std::string(body);
}

TEST(RequestParser, PlainRequest) {
  const Parsed parsed = parse("GET /a?b=c HTTP/1.1\r\nHost: example.com\r\nX-Y:  z \t\r\n\r\n");
  EXPECT_EQ(parsed.summary, "GET /a?b=c example.com [Host: example.com] [X-Y: z] ()\n");
  EXPECT_EQ(parsed.refusal, 0);
  EXPECT_FALSE(parsed.incomplete);
}

TEST(RequestParser, Pipelined) {
  std::string bytes;
  std::string expected;
  for (int i = 0; i < 50; i++) {
    bytes += post("Content-Length: 2\r\n", "ab") + get("") +
             post("Transfer-Encoding: chunked\r\n", "1\r\nx\r\n0\r\n\r\n");
    expected +=
        "POST / h [Host: h] [Content-Length: 2] (ab)\n"
        "GET / h [Host: h] ()\n"
        "POST / h [Host: h] [Transfer-Encoding: chunked] (x)\n";
  }
  EXPECT_EQ(parse(bytes).summary, expected);
}

TEST(RequestParser, HeadFields) {
  RequestParser parser;
  size_t used = 0;
  const std::string bytes = post(
      "Content-Length: 5\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
      "Expect: 100-Continue\r\n",
      "hello");
  ASSERT_EQ(parser.feed(bytes, used), Event::head);
  EXPECT_EQ(parser.head().content_length, 5u);
  EXPECT_TRUE(parser.head().has_body);
  EXPECT_TRUE(parser.head().upgrade);
  EXPECT_TRUE(parser.framing().keep_alive);
  EXPECT_TRUE(parser.framing().expect_continue);
  EXPECT_EQ(bytes.size() - used, 5u);
}

TEST(RequestParser, KeepAliveByVersionAndConnection) {
  const auto keep_alive = [](std::string_view bytes) {
    RequestParser parser;
    size_t used = 0;
    EXPECT_EQ(parser.feed(bytes, used), Event::head);
    return parser.framing().keep_alive;
  };
  EXPECT_TRUE(keep_alive(get("")));
  EXPECT_FALSE(keep_alive(get("Connection: close\r\n")));
  EXPECT_FALSE(keep_alive(get("Connection: keep-alive\r\nConnection: Close\r\n")));
  EXPECT_FALSE(keep_alive("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keep_alive("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(RequestParser, AbsoluteFormWinsOverHost) {
  EXPECT_EQ(parse("GET http://a.example:81/x HTTP/1.1\r\nHost: b.example\r\n\r\n").summary,
            "GET http://a.example:81/x a.example:81 [Host: a.example:81] ()\n");
  EXPECT_EQ(parse("GET HTTPS://a.example?q HTTP/1.1\r\nHost: a.example\r\n\r\n").summary,
            "GET HTTPS://a.example?q a.example [Host: a.example] ()\n");
  EXPECT_EQ(parse("GET http://u@a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n").refusal, 400);
  EXPECT_EQ(parse("GET http:///x HTTP/1.1\r\nHost: a.example\r\n\r\n").refusal, 400);
  EXPECT_EQ(parse("GET ftp://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n").refusal, 400);
  // Without a Host header it is still an HTTP/1.1 request without one.
  EXPECT_EQ(parse("GET http://a.example/ HTTP/1.1\r\n\r\n").refusal, 400);
  EXPECT_EQ(parse("GET http://a.example/ HTTP/1.0\r\n\r\n").summary,
            "GET http://a.example/ a.example ()\n");
}

TEST(RequestParser, HostForms) {
  for (const char* good : {"a", "a.b:1", "1.2.3.4:80", "[::1]", "[fe80::1]:8080", "a_b.c", "%41"})
    EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: " + std::string(good) + "\r\n\r\n").refusal, 0)
        << good;
  for (const char* bad : {"", "a b", "a/b", "a,b", "u@a", "a:b", "[::1", "::1", "[x]", "a?", "a#",
                          "a\\b", "a:123456", "a\xc3\xa9", ":80", "[::1]x"})
    EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: " + std::string(bad) + "\r\n\r\n").refusal, 400)
        << bad;
}

struct Vector {
  const char* name;
  std::string bytes;
  int refusal;
  std::string summary = "";  // of what is accepted before it, or instead
};

class Refused : public testing::TestWithParam<Vector> {};

TEST_P(Refused, OrReadInTheOneWay) {
  const Parsed parsed = parse(GetParam().bytes);
  EXPECT_EQ(parsed.refusal, GetParam().refusal);
  EXPECT_EQ(parsed.summary, GetParam().summary);
}

// What follows is the request that an attacker would have a second server see.
constexpr const char* kSmuggled = "GET /evil HTTP/1.1\r\nHost: h\r\n\r\n";

std::vector<Vector> smuggling_vectors() {
  const std::string te = "Transfer-Encoding: chunked\r\n";
  const std::string end = std::string("0\r\n\r\n") + kSmuggled;
  return {
      // Two lengths (RFC 9112 6.1, 6.3, 11.2).
      {"cl_te", post("Content-Length: 6\r\n" + te, end), 400},
      {"te_cl", post(te + "Content-Length: 4\r\n", end), 400},
      {"cl_twice_different", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), 400},
      {"cl_twice_same", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400},
      {"cl_list_different", post("Content-Length: 5, 6\r\n", "hello!"), 400},
      {"cl_list_same", post("Content-Length: 5, 5\r\n", "hello"), 400},
      {"cl_plus", post("Content-Length: +5\r\n", "hello"), 400},
      {"cl_minus", post("Content-Length: -5\r\n", "hello"), 400},
      {"cl_hex", post("Content-Length: 0x5\r\n", "hello"), 400},
      {"cl_inner_space", post("Content-Length: 5 5\r\n", "hello"), 400},
      {"cl_empty", post("Content-Length:\r\n", "hello"), 400},
      {"cl_overflow", post("Content-Length: 18446744073709551621\r\n", "hello"), 400},
      {"cl_underscore", post("Content_Length: 5\r\n", ""), 0,
       "POST / h [Host: h] [Content_Length: 5] ()\n"},
      {"cl_0_cl", post("Content-Length: 0\r\nContent-Length: 5\r\n", "hello"), 400},
      {"cl_fraction", post("Content-Length: 5.0\r\n", "hello"), 400},
      // Transfer-Encoding that some read as chunked and others don't (TE.TE).
      {"te_twice", post(te + te, end), 400},
      {"te_chunked_twice", post("Transfer-Encoding: chunked, chunked\r\n", end), 400},
      {"te_not_last", post("Transfer-Encoding: chunked, identity\r\n", end), 400},
      {"te_identity", post("Transfer-Encoding: identity\r\n", end), 400},
      {"te_unknown_under", post("Transfer-Encoding: gzip, chunked\r\n", end), 501},
      {"te_unknown_twice_headers", post("Transfer-Encoding: gzip\r\n" + te, end), 400},
      {"te_xchunked", post("Transfer-Encoding: xchunked\r\n", end), 400},
      {"te_chunkedx", post("Transfer-Encoding: chunked1\r\n", end), 400},
      {"te_quoted", post("Transfer-Encoding: \"chunked\"\r\n", end), 400},
      {"te_space_before_colon", post("Transfer-Encoding : chunked\r\n", end), 400},
      {"te_tab_before_colon", post("Transfer-Encoding\t: chunked\r\n", end), 400},
      {"te_vertical_tab",
       post("Transfer-Encoding: \x0b"
            "chunked\r\n",
            end),
       400},
      {"te_form_feed_after", post("Transfer-Encoding: chunked\x0c\r\n", end), 400},
      {"te_nul_after", post(std::string("Transfer-Encoding: chunked\0\r\n", 29), end), 400},
      {"te_line_start_space", post(" Transfer-Encoding: chunked\r\n", end), 400},
      {"te_folded", post("Transfer-Encoding:\r\n chunked\r\n", end), 400},
      {"te_folded_tab", post("Transfer-Encoding:\r\n\tchunked\r\n", end), 400},
      {"te_fold_after", post("X: y\r\n Transfer-Encoding: chunked\r\n", end), 400},
      {"te_bare_lf", post("X: y\nTransfer-Encoding: chunked\r\n", end), 400},
      {"te_bare_cr", post("X: y\rTransfer-Encoding: chunked\r\n", end), 400},
      {"te_semicolon", post("Transfer-Encoding: chunked;x=1\r\n", end), 400},
      {"te_empty_member", post("Transfer-Encoding: , chunked\r\n", end), 501},
      {"te_http_1_0", "POST / HTTP/1.0\r\nHost: h\r\n" + te + "\r\n" + end, 400},
      {"te_upper_case", post("TRANSFER-ENCODING: Chunked\r\n", "1\r\nx\r\n0\r\n\r\n"), 0,
       "POST / h [Host: h] [TRANSFER-ENCODING: Chunked] (x)\n"},
      {"te_tab_after", post("Transfer-Encoding: chunked\t\r\n", end), 400},
      {"te_trailing_space", post("Transfer-Encoding:  chunked \r\n", "1\r\nx\r\n0\r\n\r\n"), 0,
       "POST / h [Host: h] [Transfer-Encoding: chunked] (x)\n"},
      {"cl_space_before_colon", post("Content-Length : 5\r\n", "hello"), 400},
      {"cl_folded", post("Content-Length:\r\n 5\r\n", "hello"), 400},
      {"cl_space_before_name", post("X: y\r\n Content-Length: 5\r\n", "hello"), 400},
  };
}

// The head of a chunked request, as it stands in a summary.
constexpr const char* kChunkedHead = "POST / h [Host: h] [Transfer-Encoding: chunked]";

std::vector<Vector> chunk_vectors() {
  const auto chunked = [](std::string_view body) {
    return post("Transfer-Encoding: chunked\r\n", body);
  };
  const std::string head = kChunkedHead;
  return {
      {"plain", chunked("5\r\nhello\r\n0\r\n\r\n"), 0, head + " (hello)\n"},
      {"hex_case", chunked("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"), 0,
       head + " (01234567890123456789)\n"},
      {"leading_zeros", chunked("0005\r\nhello\r\n000\r\n\r\n"), 0, head + " (hello)\n"},
      {"extension", chunked("5;a=b\r\nhello\r\n0;c\r\n\r\n"), 0, head + " (hello)\n"},
      {"trailers", chunked("1\r\nx\r\n0\r\nA: b\r\nContent-Length: 7\r\n\r\n"), 0, head + " (x)\n"},
      {"size_0x", chunked("0x5\r\nhello\r\n0\r\n\r\n"), 400, head},
      {"size_plus", chunked("+5\r\nhello\r\n0\r\n\r\n"), 400, head},
      {"size_minus", chunked("-1\r\nhello\r\n0\r\n\r\n"), 400, head},
      {"size_empty", chunked("\r\nhello\r\n0\r\n\r\n"), 400, head},
      {"size_underscore", chunked("1_0\r\nhello\r\n0\r\n\r\n"), 400, head},
      {"size_space_before", chunked(" 5\r\nhello\r\n0\r\n\r\n"), 400, head},
      {"size_overflow", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n"), 400, head},
      {"size_bare_lf", chunked("5\nhello\r\n0\r\n\r\n"), 400, head},
      {"size_bare_cr", chunked("5\rhello\r\n0\r\n\r\n"), 400, head},
      {"extension_bare_lf", chunked("5;a\nhello\r\n0\r\n\r\n"), 400, head},
      {"extension_bare_cr", chunked("5;a\rb\r\nhello\r\n0\r\n\r\n"), 400, head},
      {"data_too_long", chunked("5\r\nhello!\r\n0\r\n\r\n"), 400, head},
      {"data_bare_lf", chunked("5\r\nhello\n0\r\n\r\n"), 400, head},
      {"data_no_crlf", chunked("5\r\nhello0\r\n\r\n"), 400, head},
      {"last_bare_lf", chunked("5\r\nhello\r\n0\n\n"), 400, head},
      {"trailer_space_before_colon", chunked("0\r\nA : b\r\n\r\n"), 400, head},
      {"trailer_bare_lf", chunked("0\r\nA: b\n\r\n"), 400, head},
      {"trailer_nul", chunked(std::string_view("0\r\nA: \0\r\n\r\n", 11)), 400, head},
      {"trailer_end_lf", chunked("0\r\nA: b\r\n\n"), 400, head},
      {"trailer_folded", chunked("0\r\nA: b\r\n c\r\n\r\n"), 400, head},
      {"trailer_no_colon", chunked("0\r\nGET / HTTP/1.1\r\n\r\n"), 400, head},
      {"end_cr_then_other", chunked("0\r\n\rX"), 400, head},
      {"end_lf_only", chunked("0\r\n\n"), 400, head},
      {"size_space_after", chunked("5 \r\nhello\r\n0\r\n\r\n"), 400, head},
      {"size_space_garbage", chunked("5 abc\r\nhello\r\n0\r\n\r\n"), 400, head},
      {"extension_nul", chunked(std::string_view("5;\0\r\nhello\r\n0\r\n\r\n", 17)), 400, head},
  };
}

std::vector<Vector> head_vectors() {
  return {
      {"no_host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two_hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"same_host_twice", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400},
      {"bare_lf_lines", "GET / HTTP/1.1\nHost: h\n\n", 400},
      {"bare_lf_end", "GET / HTTP/1.1\r\nHost: h\r\n\n", 400},
      {"bare_lf_after_value", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400},
      {"cr_then_other_at_end", "GET / HTTP/1.1\r\nHost: h\r\n\rX", 400},
      {"two_crs", "GET / HTTP/1.1\r\r\nHost: h\r\n\r\n", 400},
      {"cr_in_value", get("X: a\rb\r\n"), 400},
      {"nul_in_value", get(std::string("X: a\0b\r\n", 8)), 400},
      {"bell_in_value",
       get("X: a\x07"
           "b\r\n"),
       400},
      {"escape_in_value", get("X: \x1b[2J\r\n"), 400},
      {"delete_in_value", get("X: a\x7f\r\n"), 400},
      {"obs_text_in_value", get("X: \xe9\r\n"), 0, "GET / h [Host: h] [X: \xe9] ()\n"},
      {"tab_in_value", get("X: a\tb\r\n"), 0, "GET / h [Host: h] [X: a\tb] ()\n"},
      {"empty_value", get("X:\r\nA: b\r\n"), 0, "GET / h [Host: h] [X: ] [A: b] ()\n"},
      {"blank_value", get("X: \t \r\n"), 0, "GET / h [Host: h] [X: ] ()\n"},
      {"empty_value_folded", get("X:\r\n b\r\n"), 400},
      {"empty_name", get(": a\r\n"), 400},
      {"no_colon", get("X\r\n"), 400},
      {"space_in_name", get("X Y: a\r\n"), 400},
      {"nul_in_name", get(std::string("X\0: a\r\n", 7)), 400},
      {"utf8_in_name", get("\xc3\xa9: a\r\n"), 400},
      {"bracket_in_name", get("X[a]: a\r\n"), 400},
      {"space_first_header", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400},
      {"two_spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"two_spaces_version", "GET /  HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"tab_for_space", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"space_after_version", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 400},
      {"space_before_method", " GET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"space_in_target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"fragment", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"nul_in_target", std::string("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 28), 400},
      {"utf8_in_target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"relative_target", "GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"asterisk_get", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"asterisk_options", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 0,
       "OPTIONS * h [Host: h] ()\n"},
      {"http_0_9", "GET /\r\n\r\n", 505},
      {"http_0_9_said", "GET / HTTP/0.9\r\n\r\n", 505},
      {"http_2", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
      {"http_2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"http_1_2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", 400},
      {"http_1_1x", "GET / HTTP/1.1x\r\nHost: h\r\n\r\n", 400},
      {"http_lower", "GET / http/1.1\r\nHost: h\r\n\r\n", 400},
      {"rtsp", "GET / RTSP/1.0\r\nHost: h\r\n\r\n", 400},
      {"ice", "SOURCE / ICE/1.0\r\nHost: h\r\n\r\n", 400},
      {"tls_hello", "\x16\x03\x01\x02", 400},
      {"unknown_method", "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 501},
      {"lower_method", "get / HTTP/1.1\r\nHost: h\r\n\r\n", 501},
      {"connect", "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n", 501},
      {"trace", "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 501},
      {"expect_other", post("Content-Length: 1\r\nExpect: 200-ok\r\n", "x"), 417},
      {"empty_lines_first", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 0,
       "GET / h [Host: h] ()\n"},
      {"bare_lf_first", "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"bare_cr_first", "\rGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"many_empty_lines", "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"upgrade_h2c_with_body",
       post("Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n", "ab"), 0,
       "POST / h [Host: h] [Connection: Upgrade] [Upgrade: h2c] [Content-Length: 2] (ab)\n"},
  };
}

std::string vector_name(const testing::TestParamInfo<Vector>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Smuggling, Refused, testing::ValuesIn(smuggling_vectors()), vector_name);
INSTANTIATE_TEST_SUITE_P(Chunks, Refused, testing::ValuesIn(chunk_vectors()), vector_name);
INSTANTIATE_TEST_SUITE_P(Heads, Refused, testing::ValuesIn(head_vectors()), vector_name);

TEST(RequestParser, BoundsOfTheRequestLine) {
  const std::string rest = " HTTP/1.1\r\nHost: h\r\n\r\n";
  const size_t fits = limits::kRequestLineBytes - std::string("GET / HTTP/1.1\r\nH").size();
  EXPECT_EQ(parse("GET /" + std::string(fits, 'a') + rest).refusal, 0);
  EXPECT_EQ(parse("GET /" + std::string(fits + 1, 'a') + rest).refusal, 414);
  EXPECT_EQ(parse("GET /" + std::string(1 << 20, 'a')).refusal, 414);
}

TEST(RequestParser, BoundsOfTheHeaders) {
  const std::string head = "GET / HTTP/1.1\r\n";
  const std::string start = "Host: h\r\nX: ";
  const size_t fits = limits::kHeaderBytes - start.size() - 4;
  EXPECT_EQ(parse(head + start + std::string(fits, 'a') + "\r\n\r\n").refusal, 0);
  EXPECT_EQ(parse(head + start + std::string(fits + 1, 'a') + "\r\n\r\n").refusal, 431);
  EXPECT_EQ(parse(head + start + std::string(1 << 20, 'a')).refusal, 431);
  std::string many;
  for (size_t i = 1; i < limits::kHeaderCount; i++) many += "X: y\r\n";
  EXPECT_EQ(parse(get(many)).refusal, 0);
  EXPECT_EQ(parse(get(many + "X: y\r\n")).refusal, 431);
}

TEST(RequestParser, BoundsOfChunkFraming) {
  const std::string head = post("Transfer-Encoding: chunked\r\n", "");
  EXPECT_EQ(parse(head + "1;" + std::string(20'000, 'a') + "\r\nx\r\n0\r\n\r\n").refusal, 400);
  EXPECT_EQ(parse(head + std::string(20'000, '0') + "1\r\nx\r\n0\r\n\r\n").refusal, 400);
  EXPECT_EQ(parse(head + "0\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n").refusal, 400);
  std::string small;
  for (int i = 0; i < 20'000; i++) small += "1\r\nx\r\n";
  EXPECT_EQ(parse(head + small + "0\r\n\r\n").refusal, 0);
}

TEST(RequestParser, IncompleteIsNotComplete) {
  const std::string bytes = post("Content-Length: 5\r\n", "hello");
  for (size_t length = 1; length < bytes.size(); length++)
    EXPECT_TRUE(parse(bytes.substr(0, length), length).incomplete) << length;
}

TEST(RequestParser, MemoryOfALargeHeadIsGivenBack) {
  RequestParser parser;
  size_t used = 0;
  std::string many;
  for (size_t i = 1; i < limits::kHeaderCount; i++) many += "X: " + std::string(400, 'y') + "\r\n";
  ASSERT_EQ(parser.feed(get(many), used), Event::head);
  parser.reset();
  ASSERT_EQ(parser.feed(get(""), used), Event::head);
  EXPECT_EQ(parser.head().headers.size(), 1u);
}

}  // namespace
}  // namespace skep::net::http1
