// HTTP/1.1 towards an origin: a connection, and the exchange that is on it. An exchange is made by
// the pool before there is a connection, gets one (begin), and lets it go when the response is
// whole, maybe long before its owner has read the last byte. Runs in the shard, on the loop's
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/client/exchange.h"
#include "net/client/request_copy.h"
#include "net/http1/response_parser.h"
#include "net/stream.h"

namespace skep::net {

class Http1Exchange;
class Http1Connection;

// The pool, as connections and exchanges see it.
class Http1Owner {
 public:
  virtual loop::Loop& loop() = 0;
  // The connection may carry another exchange.
  virtual void on_free(Http1Connection& connection) = 0;
  // It is of no further use, and is destroyed within or after this call.
  virtual void on_broken(Http1Connection& connection) = 0;
  // The exchange had a connection that was closed before it knew of the request: it wants another.
  virtual void again(Http1Exchange& exchange) = 0;
  // The exchange is destroyed: it waits for nothing any more.
  virtual void forget(Http1Exchange& exchange) = 0;

 protected:
  ~Http1Owner() = default;
};

class Http1Connection final : private loop::SocketEvents {
 public:
  Http1Connection(Http1Owner& owner, std::unique_ptr<Stream> stream, loop::PeerAddress peer);

  Stream& stream() { return *stream_; }
  const loop::PeerAddress& peer() const { return peer_; }
  // Gives the stream away; what is left of the connection is to be destroyed.
  std::unique_ptr<Stream> take_stream();

  // By the exchange that is on it.
  void attach(Http1Exchange& exchange);
  void detach(bool reusable);

  bool reused = false;  // an exchange was on it before
  int64_t free_since_ns = 0;
  void* place = nullptr;  // the pool's

 private:
  void on_data(std::span<const char> data) override;
  void on_end() override;
  void on_error(int error) override;
  void on_sent() override;

  Http1Owner& owner_;
  std::unique_ptr<Stream> stream_;
  const loop::PeerAddress peer_;
  Http1Exchange* exchange_ = nullptr;
};

class Http1Exchange final : public ClientExchange {
 public:
  Http1Exchange(Http1Owner& owner, const ClientRequest& request, ClientEvents& events);
  ~Http1Exchange() override;
  Http1Exchange(const Http1Exchange&) = delete;
  Http1Exchange& operator=(const Http1Exchange&) = delete;

  // ClientExchange
  void pull_body() override;
  bool write(std::string_view data) override;
  void finish() override;
  std::unique_ptr<Upgraded> upgrade() override;

  // By the pool.
  const RequestCopy& request() const { return request_; }
  void begin(Http1Connection& connection);
  // A session of another kind carries it: everything is handed on.
  void delegate(HttpClient& session);
  void fail(ClientFailure kind, std::string_view why);
  // The pool goes before the exchange, which hears nothing more.
  void orphan();
  void* place = nullptr;  // the pool's
  bool fresh_connection_only = false;

  // By the connection; each may destroy the exchange.
  void on_data(std::span<const char> data);
  void on_end();
  void on_error(int error);
  void on_sent();

 private:
  enum class State : uint8_t { waiting, open, complete, failed };
  // What a session tells of an exchange that it carries, on its way to the owner.
  class Relay final : public ClientEvents {
   public:
    explicit Relay(Http1Exchange& exchange) : exchange_(exchange) {}
    void on_head(const ClientResponseHead& head) override { exchange_.events_.on_head(head); }
    void on_body(std::span<const char> data) override { exchange_.events_.on_body(data); }
    void on_body_end() override { exchange_.events_.on_body_end(); }
    void on_writable() override { exchange_.events_.on_writable(); }
    void on_failed(const ClientError& error) override { exchange_.session_failed(error); }

   private:
    Http1Exchange& exchange_;
  };

  void send_body(std::string_view data);
  void tell_head();
  bool tell_views();
  void deliver();
  void complete();
  void let_go(bool reusable);
  void check_progress();
  bool may_try_again() const;
  void session_failed(const ClientError& error);
  std::string origin() const;

  Http1Owner* owner_;
  ClientEvents& events_;
  RequestCopy request_;
  http1::ResponseParser parser_;
  std::vector<std::string_view> views_;  // of the body, within on_data
  std::vector<Header> headers_;          // of the head, as told
  std::string unsent_;                   // of the request's body, until there is a connection
  std::string arrived_;                  // of the response's body, not pulled yet
  std::string remaining_;                // after a 101
  ClientError error_;
  Http1Connection* connection_ = nullptr;
  Relay relay_{*this};
  std::unique_ptr<ClientExchange> inner_;
  uint64_t body_left_ = 0;
  State state_ = State::waiting;
  bool has_length_ = false;
  bool request_done_ = false;
  bool streamed_ = false;  // the body came in pieces: it can't be sent again
  bool blocked_ = false;   // write() said false
  bool head_told_ = false;
  bool pulled_ = false;
  bool over_ = false;  // the end, or the failure, was told
  bool paused_ = false;
  bool spoilt_ = false;    // bytes after the response: the connection is not to be trusted
  unsigned refusals_ = 0;  // by sessions that had not looked at it
  bool* gone_ = nullptr;
  int64_t last_progress_ns_ = 0;
  loop::Deferred deferred_;
  loop::Timer timer_;
};

}  // namespace skep::net
