// The server's side of HTTP/2 with nghttp2's client side at the other end of a stream in memory.
#include "net/http2/session.h"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <map>

#include "base/limits_http2.h"
#include "net/server.h"
#include "net/testing.h"

namespace skep::net::http2 {
namespace {

using net::testing::MemoryStream;
using net::testing::Site;
using net::testing::Wire;

class Browser {
 public:
  struct Answer {
    std::map<std::string, std::string> fields;
    std::string body;
    bool ended = false;
    bool closed = false;
    uint32_t code = 0;
  };
  using Fields = std::vector<std::pair<std::string, std::string>>;

  explicit Browser(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, closed);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_session_client_new2(&session_, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~Browser() { nghttp2_session_del(session_); }

  int32_t ask(std::string_view path, const Fields& more = {}, std::string body = {},
              bool finish = true, std::string_view method = "GET") {
    std::vector<nghttp2_nv> fields{nv(":method", method), nv(":scheme", "http"),
                                   nv(":authority", "a.test"), nv(":path", path)};
    for (const auto& [name, value] : more) fields.push_back(nv(name, value));
    nghttp2_data_provider provider{};
    provider.read_callback = read;
    const bool plain = body.empty() && finish;
    const int32_t id = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                              plain ? nullptr : &provider, nullptr);
    uploads_[id] = {std::move(body), finish};
    return id;
  }
  void reset(int32_t id) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  }
  void consume(int32_t id, size_t bytes) { nghttp2_session_consume(session_, id, bytes); }
  void finish(int32_t id, std::string_view body) {
    uploads_[id].first.append(body);
    uploads_[id].second = true;
    nghttp2_session_resume_data(session_, id);
  }
  // What it has to say, in one piece.
  void say() {
    const uint8_t* bytes = nullptr;
    std::string out;
    for (ssize_t n = 0; (n = nghttp2_session_mem_send(session_, &bytes)) > 0;) {
      out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(n));
    }
    if (!wire_->closed && !out.empty()) wire_->deliver(out);
  }
  void hear() {
    const std::string in = std::exchange(wire_->sent, {});
    EXPECT_GE(
        nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(in.data()), in.size()),
        0);
  }

  std::map<int32_t, Answer> answers;
  std::vector<int32_t> going_away;  // the last stream of each GOAWAY

 private:
  static nghttp2_nv nv(std::string_view name, std::string_view value) {
    return {const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(name.data())),
            const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(value.data())), name.size(),
            value.size(), NGHTTP2_NV_FLAG_NONE};
  }
  static Browser& self(void* user) { return *static_cast<Browser*>(user); }
  static int header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                    size_t name_bytes, const uint8_t* value, size_t value_bytes, uint8_t,
                    void* user) {
    self(user)
        .answers[frame->hd.stream_id]
        .fields[std::string(reinterpret_cast<const char*>(name), name_bytes)]
        .assign(reinterpret_cast<const char*>(value), value_bytes);
    return 0;
  }
  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_GOAWAY)
      self(user).going_away.push_back(frame->goaway.last_stream_id);
    if (frame->hd.type <= NGHTTP2_HEADERS && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
      self(user).answers[frame->hd.stream_id].ended = true;
    return 0;
  }
  static int data(nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, size_t count,
                  void* user) {
    self(user).answers[id].body.append(reinterpret_cast<const char*>(bytes), count);
    return 0;
  }
  static int closed(nghttp2_session*, int32_t id, uint32_t code, void* user) {
    self(user).answers[id].closed = true;
    self(user).answers[id].code = code;
    return 0;
  }
  static ssize_t read(nghttp2_session*, int32_t id, uint8_t* out, size_t room, uint32_t* flags,
                      nghttp2_data_source*, void* user) {
    auto& [body, whole] = self(user).uploads_[id];
    const size_t count = std::min(room, body.size());
    std::copy_n(body.data(), count, reinterpret_cast<char*>(out));
    body.erase(0, count);
    if (body.empty() && whole) *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (count == 0 && !whole) return NGHTTP2_ERR_DEFERRED;
    return static_cast<ssize_t>(count);
  }

  std::shared_ptr<Wire> wire_;
  nghttp2_session* session_ = nullptr;
  std::map<int32_t, std::pair<std::string, bool>> uploads_;
};

class Http2Server : public ::testing::Test {
 protected:
  Http2Server()
      : loop_(std::move(*loop::Loop::create({.recv_buffer_count = 16}))),
        server_(std::make_unique<Server>(*loop_, site_, ServerOptions{.max_body_bytes = 1 << 20})),
        wire_(std::make_shared<Wire>()),
        browser_(wire_) {
    server_->add_stream(std::make_unique<MemoryStream>(wire_), {"192.0.2.1", 4711}, true);
  }

  void turn(int count = 6) {
    for (int i = 0; i < count; i++) {
      browser_.say();
      ASSERT_TRUE(loop_->turn(false));
      wire_->report_sent();
      browser_.hear();
    }
  }
  Browser::Answer& get(int32_t id) { return browser_.answers[id]; }

  Site site_;
  std::unique_ptr<loop::Loop> loop_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<Wire> wire_;
  Browser browser_;
};

TEST_F(Http2Server, ManyRequestsOnOneConnection) {
  for (int i = 0; i < 10; i++) browser_.ask("/");
  turn();
  for (int32_t id = 1; id < 20; id += 2) {
    EXPECT_EQ(get(id).fields[":status"], "200");
    EXPECT_EQ(get(id).body, "hello\n");
    EXPECT_EQ(get(id).code, 0u);
  }
  EXPECT_EQ(site_.completed, 10u);
  EXPECT_EQ(server_->stats().exchanges, 0u);
}

TEST_F(Http2Server, ABodyThatComesWithItsHead) {
  turn();
  int bodies = 0;
  site_.hook = [&](std::string_view callback) {
    if (callback == "request" && site_.held()->exchange().head().has_body) bodies++;
  };
  const int32_t id = browser_.ask("/echo", {}, "a small body", true, "POST");
  turn();
  EXPECT_EQ(get(id).body, "a small body");
  const int32_t sized = browser_.ask("/echo", {{"content-length", "3"}}, "abc", true, "POST");
  turn();
  EXPECT_EQ(get(sized).body, "abc");
  EXPECT_EQ(bodies, 2);
  browser_.ask("/");
  turn();
  EXPECT_EQ(bodies, 2) << "a request without a body";
}

TEST_F(Http2Server, WindowOpensAsTheBodyIsRead) {
  const int32_t id = browser_.ask("/hold", {}, std::string(1 << 20, 'x'), true, "POST");
  turn(20);
  ASSERT_NE(site_.held(), nullptr);
  EXPECT_LE(server_->stats().buffered_bytes, limits::kHttp2StreamWindow + 4096u);
  EXPECT_EQ(site_.body_bytes, 0u);
  site_.held()->exchange().pull_body();
  turn(60);
  EXPECT_EQ(site_.body_bytes, 1u << 20);
  site_.held()->exchange().respond({}, "read", true);
  turn();
  EXPECT_EQ(get(id).body, "read");
}

TEST_F(Http2Server, AResponseWaitsForTheClientsWindow) {
  const int32_t id = browser_.ask("/stream/1000000");
  turn(20);
  EXPECT_EQ(get(id).body.size(), 65'535u);
  EXPECT_LE(server_->stats().buffered_bytes, limits::kSendBufferHighWater + 64 * 1024);
  EXPECT_FALSE(get(id).ended);
  size_t consumed = 0;
  for (int i = 0; i < 100 && !get(id).ended; i++) {
    browser_.consume(id, get(id).body.size() - consumed);
    consumed = get(id).body.size();
    turn(2);
  }
  EXPECT_EQ(get(id).body.size(), 1'000'000u);
  EXPECT_TRUE(get(id).ended);
  turn();
  EXPECT_EQ(site_.completed, 1u);
}

TEST_F(Http2Server, ResetTellsTheHandler) {
  const int32_t id = browser_.ask("/hold");
  turn();
  EXPECT_EQ(server_->stats().exchanges, 1u);
  browser_.reset(id);
  turn();
  EXPECT_EQ(site_.broken, 1u);
  EXPECT_TRUE(site_.open.empty());
  EXPECT_FALSE(wire_->closed);
}

TEST_F(Http2Server, ACutResponseIsReset) {
  const int32_t cut = browser_.ask("/cut");
  const int32_t aborted = browser_.ask("/abort");
  turn();
  EXPECT_TRUE(get(cut).closed);
  EXPECT_NE(get(cut).code, 0u);
  EXPECT_FALSE(get(cut).ended);
  EXPECT_NE(get(aborted).code, 0u);
  EXPECT_EQ(site_.broken, 2u);
  const int32_t next = browser_.ask("/");
  turn();
  EXPECT_EQ(get(next).body, "hello\n");
}

TEST_F(Http2Server, RefusalsAreAnswered) {
  const int32_t large = browser_.ask("/echo", {{"content-length", "1048577"}}, "x", false, "POST");
  Browser::Fields many;
  for (int i = 0; i < 300; i++) many.emplace_back("x-" + std::to_string(i), "v");
  const int32_t fields = browser_.ask("/", many);
  const int32_t host = browser_.ask("/", {{"host", "other.test"}});
  turn();
  EXPECT_EQ(get(large).fields[":status"], "413");
  EXPECT_EQ(get(fields).fields[":status"], "431");
  EXPECT_EQ(get(host).fields[":status"], "400");
  EXPECT_EQ(site_.refusals.size(), 3u);
  EXPECT_EQ(site_.requests, 0u);
}

TEST_F(Http2Server, DrainFinishesWhatIsOpen) {
  const int32_t id = browser_.ask("/hold");
  turn();
  bool drained = false;
  server_->drain([&] { drained = true; });
  turn();
  EXPECT_EQ(browser_.going_away, (std::vector<int32_t>{INT32_MAX, id}));
  EXPECT_FALSE(drained);
  site_.held()->exchange().respond({}, "last", true);
  turn();
  EXPECT_EQ(get(id).body, "last");
  EXPECT_TRUE(get(id).ended);
  EXPECT_TRUE(drained);
}

TEST_F(Http2Server, DrainAnswersWhatWasOnItsWay) {
  const int32_t first = browser_.ask("/hold");
  turn();
  server_->drain([] {});
  // The client has not heard of it yet.
  const int32_t second = browser_.ask("/");
  browser_.say();
  ASSERT_TRUE(loop_->turn(false));
  turn();
  EXPECT_EQ(get(second).fields[":status"], "200");
  EXPECT_EQ(browser_.going_away, (std::vector<int32_t>{INT32_MAX, second}));
  site_.held()->exchange().respond({}, "last", true);
  turn();
  EXPECT_TRUE(get(first).ended);
}

// A client that does not answer keeps a connection that is to end for a moment only.
TEST_F(Http2Server, DrainDoesNotWaitForASilentClient) {
  turn();
  bool drained = false;
  server_->drain([&] { drained = true; });
  while (!drained) {
    ASSERT_TRUE(loop_->turn(true));
    wire_->report_sent();
  }
}

TEST_F(Http2Server, ConnectionLost) {
  browser_.ask("/hold");
  browser_.ask("/hold");
  turn();
  wire_->fail(ECONNRESET);
  turn();
  EXPECT_EQ(site_.broken, 2u);
  EXPECT_EQ(server_->stats().connections, 0u);
  EXPECT_EQ(server_->stats().buffered_bytes, 0u);
}

TEST_F(Http2Server, TheServerMayGoInAnyCallback) {
  for (const std::string_view when : {"request", "body", "body_end", "closed"}) {
    Site site;
    Server* server = new Server(*loop_, site, {});
    auto wire = std::make_shared<Wire>();
    Browser browser(wire);
    server->add_stream(std::make_unique<MemoryStream>(wire), {"192.0.2.1", 1}, true);
    bool gone = false;
    site.hook = [&](std::string_view callback) {
      if (callback != when || std::exchange(gone, true)) return;
      delete server;
    };
    browser.ask("/hold");
    browser.ask("/echo", {}, "body", true, "POST");
    browser.ask("/");
    for (int i = 0; i < 6; i++) {
      browser.say();
      ASSERT_TRUE(loop_->turn(false));
      wire->report_sent();
    }
    EXPECT_TRUE(gone) << when;
    EXPECT_TRUE(wire->closed) << when;
    EXPECT_TRUE(site.open.empty()) << when;
  }
}

TEST_F(Http2Server, TwoVersionsOnOnePort) {
  auto plain = std::make_shared<Wire>();
  server_->add_stream(std::make_unique<MemoryStream>(plain), {"192.0.2.1", 1}, true);
  plain->deliver("P");
  plain->deliver("OST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
  turn();
  EXPECT_TRUE(plain->sent.starts_with("HTTP/1.1 200 OK\r\n")) << plain->sent;
  EXPECT_TRUE(plain->sent.ends_with("\r\n\r\nhi")) << plain->sent;
}

}  // namespace
}  // namespace skep::net::http2
