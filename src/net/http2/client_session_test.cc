#include "net/http2/client_session.h"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <map>

#include "base/limits_http2_client.h"
#include "net/client/testing.h"

namespace skep::net::http2 {
namespace {

using net::testing::Asker;
using net::testing::MemoryStream;
using net::testing::Wire;

std::string frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string out;
  for (int shift = 16; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(payload.size() >> shift));
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(flags));
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(stream >> shift));
  return out.append(payload);
}

// An origin that reads what the session sends with nghttp2's server side, and answers as told.
class Origin {
 public:
  struct Request {
    std::string head, body;
    bool ended = false;
    uint32_t reset = 0;
    bool was_reset = false;
  };

  Origin(std::shared_ptr<Wire> wire, uint32_t max_streams) : wire_(std::move(wire)) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data);
    nghttp2_session_server_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, max_streams}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 1);
  }
  ~Origin() { nghttp2_session_del(session_); }

  void respond(int32_t id, std::string_view status, std::string body,
               std::vector<std::pair<std::string, std::string>> more = {}) {
    std::vector<nghttp2_nv> fields{nv(":status", status)};
    for (const auto& [name, value] : more) fields.push_back(nv(name, value));
    bodies_[id] = std::move(body);
    nghttp2_data_provider provider{};
    provider.read_callback = read;
    nghttp2_submit_response(session_, id, fields.data(), fields.size(),
                            bodies_[id].empty() ? nullptr : &provider);
  }
  void interim(int32_t id, std::string_view status) {
    const nghttp2_nv field = nv(":status", status);
    nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id, nullptr, &field, 1, nullptr);
  }
  void reset(int32_t id, uint32_t code) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, code);
  }
  void go_away(int32_t last) {
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0);
  }
  // Both ways, until nothing moves.
  void exchange() {
    const std::string in = std::exchange(wire_->sent, {});
    ASSERT_GE(
        nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(in.data()), in.size()),
        0);
    const uint8_t* bytes = nullptr;
    std::string out;
    for (ssize_t n = 0; (n = nghttp2_session_mem_send(session_, &bytes)) > 0;) {
      out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(n));
    }
    delivered += out.size();
    if (!wire_->closed && !out.empty()) wire_->deliver(out);
  }

  std::map<int32_t, Request> requests;
  size_t delivered = 0;

 private:
  static nghttp2_nv nv(std::string_view name, std::string_view value) {
    return {const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(name.data())),
            const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(value.data())), name.size(),
            value.size(), NGHTTP2_NV_FLAG_NONE};
  }
  static int header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                    size_t name_bytes, const uint8_t* value, size_t value_bytes, uint8_t,
                    void* user) {
    static_cast<Origin*>(user)
        ->requests[frame->hd.stream_id]
        .head.append(reinterpret_cast<const char*>(name), name_bytes)
        .append("=")
        .append(reinterpret_cast<const char*>(value), value_bytes)
        .append("\n");
    return 0;
  }
  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Request& request = static_cast<Origin*>(user)->requests[frame->hd.stream_id];
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
      request.was_reset = true;
      request.reset = frame->rst_stream.error_code;
    }
    if (frame->hd.type <= NGHTTP2_HEADERS && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
      request.ended = true;
    return 0;
  }
  static int data(nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, size_t count,
                  void* user) {
    static_cast<Origin*>(user)->requests[id].body.append(reinterpret_cast<const char*>(bytes),
                                                         count);
    return 0;
  }
  static ssize_t read(nghttp2_session*, int32_t id, uint8_t* out, size_t room, uint32_t* flags,
                      nghttp2_data_source*, void* user) {
    std::string& body = static_cast<Origin*>(user)->bodies_[id];
    const size_t count = std::min(room, body.size());
    std::copy_n(body.data(), count, reinterpret_cast<char*>(out));
    body.erase(0, count);
    if (body.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }

  std::shared_ptr<Wire> wire_;
  nghttp2_session* session_ = nullptr;
  std::map<int32_t, std::string> bodies_;
};

class Http2Client : public ::testing::Test {
 protected:
  Http2Client() : loop_(std::move(*loop::Loop::create({.recv_buffer_count = 16}))) { open(100); }

  void open(uint32_t max_streams) {
    session_.reset();
    wire_ = std::make_shared<Wire>();
    origin_ = std::make_unique<Origin>(wire_, max_streams);
    broken_ = changes_ = 0;
    session_ = make_client_session(*loop_, std::make_unique<MemoryStream>(wire_),
                                   [this](bool broken) { (broken ? broken_ : changes_)++; });
  }
  void turn() {
    for (int i = 0; i < 8; i++) {
      ASSERT_TRUE(loop_->turn(false));
      wire_->report_sent();
      origin_->exchange();
    }
  }
  void ask(Asker& asker, const ClientRequest& request) {
    asker.exchange = session_->start(request, asker);
    turn();
  }
  // Bytes that nghttp2's server side would not send.
  void deliver_raw(std::string_view bytes) {
    if (!wire_->closed) wire_->deliver(bytes);
    for (int i = 0; i < 4; i++) ASSERT_TRUE(loop_->turn(false));
  }
  static ClientRequest upload(bool complete, std::string_view body = {}) {
    ClientRequest request = net::testing::get();
    request.method = "POST";
    request.has_body = true;
    request.body_complete = complete;
    request.body = body;
    return request;
  }

  std::unique_ptr<loop::Loop> loop_;
  std::shared_ptr<Wire> wire_;
  std::unique_ptr<Origin> origin_;
  std::unique_ptr<ClientSession> session_;
  int broken_ = 0, changes_ = 0;
};

TEST_F(Http2Client, OneExchange) {
  const Header header{"X-Name", "value"};
  ClientRequest request = net::testing::get("origin.test", "/path?q");
  request.secure = true;
  request.headers = {&header, 1};
  Asker asker;
  ask(asker, request);
  EXPECT_EQ(origin_->requests[1].head,
            ":method=GET\n:scheme=https\n:authority=origin.test\n:path=/path?q\nx-name=value\n");
  EXPECT_TRUE(origin_->requests[1].ended);
  EXPECT_FALSE(session_->idle());
  origin_->interim(1, "103");
  origin_->respond(1, "200", "hello", {{"content-length", "5"}, {"x-a", "b"}});
  turn();
  EXPECT_EQ(asker.status, 200);
  EXPECT_EQ(asker.headers, "content-length: 5\nx-a: b\n");
  EXPECT_EQ(asker.length, 5u);
  EXPECT_EQ(asker.body, "hello");
  EXPECT_TRUE(asker.ended);
  EXPECT_TRUE(session_->idle());
  EXPECT_GE(changes_, 1);
  EXPECT_EQ(broken_, 0);
}

TEST_F(Http2Client, ManyAtOnceUpToTheOriginsLimit) {
  open(3);
  turn();
  std::vector<std::unique_ptr<Asker>> askers;
  while (session_->has_room() && askers.size() < 10) {
    askers.push_back(std::make_unique<Asker>());
    ask(*askers.back(), net::testing::get());
  }
  ASSERT_EQ(askers.size(), 3u);
  for (int32_t id = 5; id >= 1; id -= 2) origin_->respond(id, "200", std::to_string(id));
  turn();
  EXPECT_EQ(askers[0]->body, "1");
  EXPECT_EQ(askers[2]->body, "5");
  EXPECT_TRUE(session_->has_room());
}

TEST_F(Http2Client, NoBody) {
  Asker asker;
  ask(asker, net::testing::get());
  origin_->respond(1, "204", "");
  turn();
  EXPECT_EQ(asker.status, 204);
  EXPECT_FALSE(asker.has_body);
  EXPECT_TRUE(asker.ended);
}

TEST_F(Http2Client, WindowOpensAsTheBodyIsRead) {
  Asker asker;
  asker.pulls = false;
  ask(asker, net::testing::get());
  const std::string body(1 << 20, 'x');
  origin_->respond(1, "200", body);
  turn();
  EXPECT_EQ(asker.status, 200);
  EXPECT_LE(origin_->delivered, limits::kHttp2ClientStreamWindow + 4096u);
  // A neighbour is not held up by it.
  Asker other;
  ask(other, net::testing::get());
  origin_->respond(3, "200", std::string(64 * 1024, 'y'));
  turn();
  EXPECT_EQ(other.body.size(), 64u * 1024);
  asker.pulls = true;
  asker.exchange->pull_body();
  for (int i = 0; i < 30; i++) turn();
  EXPECT_EQ(asker.body, body);
  EXPECT_TRUE(asker.ended);
}

TEST_F(Http2Client, UnreadResponsesDoNotHoldUpTheConnection) {
  std::vector<std::unique_ptr<Asker>> askers;
  for (int32_t id = 1; id < 100; id += 2) {
    askers.push_back(std::make_unique<Asker>());
    askers.back()->pulls = false;
    ask(*askers.back(), net::testing::get());
    origin_->respond(id, "200", std::string(1 << 20, 'x'));
    turn();
  }
  Asker last;
  ask(last, net::testing::get());
  origin_->respond(101, "200", "through");
  turn();
  EXPECT_EQ(last.body, "through");
}

TEST_F(Http2Client, RequestBody) {
  Asker whole;
  ClientRequest request = upload(true, "all of it");
  request.content_length = 9;
  ask(whole, request);
  EXPECT_NE(origin_->requests[1].head.find("content-length=9\n"), std::string::npos);
  EXPECT_EQ(origin_->requests[1].body, "all of it");
  EXPECT_TRUE(origin_->requests[1].ended);

  Asker pieces;
  ask(pieces, upload(false, "first "));
  EXPECT_TRUE(pieces.exchange->write("second"));
  turn();
  EXPECT_EQ(origin_->requests[3].body, "first second");
  EXPECT_FALSE(origin_->requests[3].ended);
  pieces.exchange->finish();
  turn();
  EXPECT_TRUE(origin_->requests[3].ended);
}

TEST_F(Http2Client, RequestBodyHasBackpressure) {
  Asker asker;
  ask(asker, upload(false));
  const std::string piece(64 * 1024, 'x');
  size_t written = piece.size();
  while (asker.exchange->write(piece)) written += piece.size();
  EXPECT_LE(written, limits::kClientSendHighWater + piece.size());
  EXPECT_EQ(asker.writables, 0u) << "not from within the call";
  for (int i = 0; i < 10; i++) turn();
  EXPECT_EQ(asker.writables, 1u);
  asker.exchange->finish();
  for (int i = 0; i < 10; i++) turn();
  EXPECT_EQ(origin_->requests[1].body.size(), written);
  EXPECT_TRUE(origin_->requests[1].ended);
}

TEST_F(Http2Client, BodyOfAnotherLengthIsNoRequest) {
  ClientRequest request = upload(false);
  request.content_length = 3;
  Asker asker;
  ask(asker, request);
  asker.exchange->write("four");
  turn();
  EXPECT_TRUE(asker.failed);
  EXPECT_EQ(asker.kind, ClientFailure::refused);
  EXPECT_TRUE(origin_->requests[1].was_reset);
  Asker shorter;
  ask(shorter, request);
  shorter.exchange->finish();
  turn();
  EXPECT_TRUE(shorter.failed);
  EXPECT_EQ(broken_, 0);
}

TEST_F(Http2Client, DroppedExchangeIsReset) {
  Asker asker;
  ask(asker, net::testing::get());
  asker.exchange.reset();
  turn();
  EXPECT_TRUE(origin_->requests[1].was_reset);
  EXPECT_EQ(origin_->requests[1].reset, static_cast<uint32_t>(NGHTTP2_CANCEL));
  EXPECT_TRUE(session_->idle());
  Asker at_head, at_body;
  at_head.drop_at_head = true;
  ask(at_head, net::testing::get());
  at_body.drop_at_body = true;
  ask(at_body, net::testing::get());
  origin_->respond(3, "200", "x");
  origin_->respond(5, "200", "x");
  turn();
  EXPECT_EQ(at_body.body, "x");
  EXPECT_TRUE(session_->idle());
  // Before a byte of it was sent.
  Asker never;
  never.exchange = session_->start(net::testing::get(), never);
  never.exchange.reset();
  turn();
  EXPECT_EQ(origin_->requests.count(7), 0u);
  EXPECT_EQ(broken_, 0);
}

TEST_F(Http2Client, EarlyAnswerToAnUpload) {
  Asker asker;
  ask(asker, upload(false, "some"));
  origin_->respond(1, "413", "no");
  turn();
  EXPECT_EQ(asker.status, 413);
  EXPECT_TRUE(asker.ended);
  EXPECT_TRUE(origin_->requests[1].was_reset);
  EXPECT_TRUE(asker.exchange->write("more"));
  asker.exchange->finish();
  turn();
  EXPECT_TRUE(session_->idle());
}

TEST_F(Http2Client, ResetFailsOneExchange) {
  Asker asker, other;
  ask(asker, net::testing::get());
  ask(other, net::testing::get());
  origin_->reset(1, NGHTTP2_INTERNAL_ERROR);
  turn();
  EXPECT_TRUE(asker.failed);
  EXPECT_EQ(asker.kind, ClientFailure::lost);
  EXPECT_EQ(asker.why,
            "http://origin.test: the stream was closed (INTERNAL_ERROR) without a response");
  origin_->respond(3, "200", "ok");
  turn();
  EXPECT_EQ(other.body, "ok");
}

TEST_F(Http2Client, GoAwayLetsWhatItTookFinish) {
  Asker taken, refused;
  ask(taken, net::testing::get());
  ask(refused, net::testing::get());
  origin_->go_away(1);
  turn();
  EXPECT_FALSE(session_->has_room());
  EXPECT_TRUE(refused.failed);
  EXPECT_FALSE(taken.failed);
  EXPECT_EQ(broken_, 0);
  origin_->respond(1, "200", "late");
  turn();
  EXPECT_EQ(taken.body, "late");
  EXPECT_TRUE(taken.ended);
  EXPECT_EQ(broken_, 1);
}

TEST_F(Http2Client, ConnectionLost) {
  Asker asker, reader;
  ask(asker, net::testing::get());
  reader.pulls = false;
  ask(reader, net::testing::get());
  origin_->respond(3, "200", "whole");
  turn();
  wire_->end();
  turn();
  EXPECT_TRUE(asker.failed);
  EXPECT_EQ(broken_, 1);
  EXPECT_FALSE(session_->has_room());
  session_.reset();
  // What has arrived is still to be had.
  reader.pulls = true;
  reader.exchange->pull_body();
  turn();
  EXPECT_EQ(reader.body, "whole");
  EXPECT_TRUE(reader.ended);
}

TEST_F(Http2Client, SessionGoesFirst) {
  Asker asker;
  ask(asker, upload(false));
  session_.reset();
  EXPECT_TRUE(asker.exchange->write("x"));
  asker.exchange->finish();
  asker.exchange->pull_body();
  turn();
  EXPECT_TRUE(asker.failed);
}

TEST_F(Http2Client, CutBodyFails) {
  Asker asker;
  ask(asker, net::testing::get());
  origin_->respond(1, "200", "short", {{"content-length", "10"}});
  turn();
  EXPECT_TRUE(asker.failed);
  EXPECT_EQ(asker.kind, ClientFailure::bad_response);
  EXPECT_FALSE(asker.ended);
}

TEST_F(Http2Client, TooManyHeaders) {
  Asker asker;
  ask(asker, net::testing::get());
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 300; i++) many.emplace_back("x-" + std::to_string(i), "v");
  origin_->respond(1, "200", "", many);
  turn();
  EXPECT_TRUE(asker.failed);
  EXPECT_EQ(asker.why, "http://origin.test: the response's headers are too large");
  EXPECT_EQ(broken_, 0);
}

TEST_F(Http2Client, InterimResponsesAreBounded) {
  Asker asker;
  ask(asker, net::testing::get());
  for (unsigned i = 0; i < limits::kClientInterimResponses + 1; i++) origin_->interim(1, "103");
  turn();
  EXPECT_TRUE(asker.failed);
}

TEST_F(Http2Client, HostileFrames) {
  struct Case {
    const char* what;
    std::string bytes;
  };
  std::string pings;
  for (int i = 0; i < 1200; i++) pings += frame(6, 0, 0, "12345678");
  std::string empties;
  for (int i = 0; i < 1200; i++) empties += frame(0, 0, 1, "");
  std::string settings;
  for (int i = 0; i < 1200; i++) settings += frame(4, 0, 0, "");
  const std::string head = frame(1, 4, 1, "\x88");  // :status 200
  const Case cases[] = {
      {"ping flood", pings},
      {"empty data flood", head + empties},
      {"settings flood", settings},
      {"push promise", frame(5, 4, 1, std::string("\0\0\0\2", 4) + "\x82")},
      {"data on an idle stream", frame(0, 0, 99, "x")},
      {"a frame larger than the limit", frame(0, 0, 1, std::string(17'000, 'x'))},
      {"zero window update", frame(8, 0, 0, std::string(4, '\0'))},
      {"broken HPACK", frame(1, 4, 1, "\xff\xff\xff\xff\xff")},
      {"HTTP/1.1", "HTTP/1.1 400 Bad Request\r\n\r\n"},
      {"headers inside headers", frame(1, 0, 1, "\x88") + frame(1, 4, 3, "\x88")},
  };
  for (const Case& one : cases) {
    open(100);
    turn();
    Asker asker;
    ask(asker, net::testing::get());
    deliver_raw(one.bytes);
    if (asker.status != 0 && !asker.failed) {
      asker.exchange->pull_body();
      deliver_raw({});
    }
    EXPECT_TRUE(asker.failed) << one.what;
    EXPECT_EQ(broken_, 1) << one.what;
  }
}

}  // namespace
}  // namespace skep::net::http2
