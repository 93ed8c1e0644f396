#include "net/client/request_copy.h"

#include <gtest/gtest.h>

#include "net/client/testing.h"

namespace skep::net {
namespace {

std::string text(const ClientRequest& request) {
  std::string out;
  RequestCopy(request).append_http1(out);
  return out;
}

TEST(RequestCopy, AsItGoesOut) {
  ClientRequest request = testing::get("origin.test:81", "/a?b");
  const Header headers[] = {{"X-A", "1"},
                            {"Host", "other"},
                            {"Connection", "close, X-A"},
                            {"Content-Length", "7"},
                            {"transfer-encoding", "chunked"},
                            {"accept", "*/*"}};
  request.headers = headers;
  EXPECT_EQ(text(request),
            "GET /a?b HTTP/1.1\r\nHost: origin.test:81\r\nX-A: 1\r\naccept: */*\r\n\r\n");
  request.method = "POST";
  EXPECT_NE(text(request).find("\r\nContent-Length: 0\r\n"), std::string::npos);
  request.has_body = true;
  EXPECT_NE(text(request).find("\r\nTransfer-Encoding: chunked\r\n"), std::string::npos);
  request.content_length = 12;
  EXPECT_NE(text(request).find("\r\nContent-Length: 12\r\n"), std::string::npos);
  EXPECT_EQ(text(request).find("Transfer"), std::string::npos);
  request.upgrade = "websocket";
  EXPECT_NE(text(request).find("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
            std::string::npos);
}

// What a Worker could smuggle a second request with.
TEST(RequestCopy, WhatWouldBreakTheProtocolIsRefused) {
  const auto complaint = [](auto change) {
    ClientRequest request = testing::get();
    change(request);
    return std::string(RequestCopy(request).complaint());
  };
  EXPECT_EQ(complaint([](ClientRequest&) {}), "");
  EXPECT_NE(complaint([](ClientRequest& r) { r.method = "GET / HTTP/1.1\r\n"; }), "");
  EXPECT_NE(complaint([](ClientRequest& r) { r.method = ""; }), "");
  EXPECT_NE(complaint([](ClientRequest& r) { r.target = "/ HTTP/1.1"; }), "");
  EXPECT_NE(complaint([](ClientRequest& r) { r.target = "/\r\nX: y"; }), "");
  EXPECT_NE(complaint([](ClientRequest& r) { r.target = "x"; }), "");
  EXPECT_NE(complaint([](ClientRequest& r) { r.authority = "a\r\nX: y"; }), "");
  EXPECT_NE(complaint([](ClientRequest& r) { r.upgrade = "a\r\n"; }), "");
  static constexpr Header kBadName[] = {{"X: y\r\nZ", "v"}};
  static constexpr Header kBadValue[] = {{"X", "y\r\nZ: v"}};
  EXPECT_NE(complaint([](ClientRequest& r) { r.headers = kBadName; }), "");
  EXPECT_NE(complaint([](ClientRequest& r) { r.headers = kBadValue; }), "");
  const std::string large(300'000, 'v');
  const Header header[] = {{"X", large}};
  EXPECT_NE(complaint([&](ClientRequest& r) { r.headers = header; }), "");
}

TEST(RequestCopy, OutlivesWhatItWasMadeOf) {
  auto name = std::make_unique<std::string>("X-Name");
  ClientRequest request = testing::get();
  const Header headers[] = {{*name, "value"}};
  request.headers = headers;
  const RequestCopy copy(request);
  *name = "......";
  name.reset();
  EXPECT_EQ(copy.view().headers[0].name, "X-Name");
}

}  // namespace
}  // namespace skep::net
