// One request and its response over HTTP/1.1: the response side lives here, the request side is fed
// by the connection. Exchanges are pooled by the server and lent to a connection from the first
// byte of a request to the end of its response, so that an idle connection holds no buffers and a
// busy one allocates none. Runs in the shard.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "net/http.h"
#include "net/http1/request_parser.h"
#include "net/http1/response_writer.h"

namespace skep::net::http1 {

class Connection;

class Exchange final : public HttpExchange {
 public:
  // For the connection that has it now.
  void begin(Connection& connection);
  void reset();
  // The head is complete and the handler hears of it next.
  void open() { continue_wanted_ = parser_.framing().expect_continue; }
  RequestParser& parser() { return parser_; }
  ExchangeEvents* events() const { return events_; }

  bool pull_pending() const { return pull_pending_; }
  void pull_answered() { pull_pending_ = false; }
  bool aborted() const { return aborted_; }
  bool response_finished() const { return response_ == Response::finished; }
  // The client said "Expect: 100-continue" and was not answered yet.
  bool continue_wanted() const { return continue_wanted_; }
  void send_continue();
  // The connection can't carry another request after this one.
  bool close_after() const { return close_after_; }
  // The response is shorter or longer than its Content-Length said.
  bool broken() const { return broken_; }
  bool upgraded() const { return upgraded_; }
  // The handler's response was replaced by a 500.
  bool replaced() const { return replaced_; }
  // True once after write() said false.
  bool take_waiting_writable() { return std::exchange(waiting_writable_, false); }
  void set_close_after() { close_after_ = true; }

  // HttpExchange
  const RequestHead& head() const override { return parser_.head(); }
  const loop::PeerAddress& peer() const override;
  bool secure() const override;
  const TlsFacts* tls() const override;
  void set_events(ExchangeEvents* events) override { events_ = events; }
  void pull_body() override;
  void respond(const ResponseHead& head, std::string_view body, bool finish) override;
  bool write(std::string_view data) override;
  void finish() override;
  void abort() override;
  bool response_started() const override { return response_ != Response::none; }
  std::unique_ptr<Upgraded> upgrade() override;

 private:
  enum class Response : uint8_t { none, open, finished };

  // Between these and on_closed the exchange hears nothing more.
  bool over() const { return aborted_ || upgraded_ || response_ == Response::finished; }
  bool will_close(bool finish) const;
  ResponseFraming plan(const ResponseHead& head, std::string_view body, bool finish);
  void respond_500();
  void send_body(std::string_view data);
  void send_last();

  Connection* connection_ = nullptr;
  ExchangeEvents* events_ = nullptr;
  RequestParser parser_;
  std::string out_;           // where a head (and a small body with it) is put together
  uint64_t length_left_ = 0;  // of BodyFraming::length
  BodyFraming framing_ = BodyFraming::none;
  Response response_ = Response::none;
  bool body_dropped_ = false;  // HEAD, 204, 304, or a response that was replaced by a 500
  bool pull_pending_ = false;
  bool aborted_ = false;
  bool continue_wanted_ = false;
  bool close_after_ = false;
  bool broken_ = false;
  bool waiting_writable_ = false;
  bool switching_ = false;  // 101 was sent
  bool upgraded_ = false;
  bool replaced_ = false;
};

}  // namespace skep::net::http1
