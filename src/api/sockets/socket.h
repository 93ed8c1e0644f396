// A TCP connection that a Worker opened with connect() of cloudflare:sockets, seen by JavaScript
// (sockets.js) as an integer and a few promises. A resource of its event; on the loop's thread.
#pragma once

#include <v8.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "api/event/event.h"
#include "api/event/resource.h"
#include "net/client/connector.h"

namespace skep::api {

class TcpSocket final : public Resource, private loop::SocketEvents {
 public:
  explicit TcpSocket(Event& event);
  ~TcpSocket() override;

  // --- in a job ---
  void start(net::Connector& connector, const net::ConnectTarget& target);
  // The same connection over TLS from here on, for `host` ("": the one connected to). What waited
  // of the plain one is over; when_opened() then tells of TLS.
  void start_tls(v8::Local<v8::Context> context, std::string_view host);

  // Promises: of the peer's address; of whether take() has bytes (false: the end); of whether more
  // may be written; of the connection's end.
  v8::Local<v8::Promise> when_opened(v8::Local<v8::Context> context);
  v8::Local<v8::Promise> when_readable(v8::Local<v8::Context> context);
  v8::Local<v8::Promise> when_sent(v8::Local<v8::Context> context);
  v8::Local<v8::Promise> when_closed(v8::Local<v8::Context> context);

  std::string take();
  // False: nobody reads it. What was written is sent when when_sent() is fulfilled.
  bool write(std::string_view data);
  // Nothing more is written: the peer hears of it.
  void shutdown();
  // Ends it once all that was written has left.
  void close();

  // Resource
  void wake(v8::Isolate* isolate, v8::Local<v8::Context> context) override;

 private:
  enum class State : uint8_t { connecting, open, closing, over };
  using Resolver = v8::Global<v8::Promise::Resolver>;

  // loop::SocketEvents (loop)
  void on_data(std::span<const char> data) override;
  void on_end() override;
  void on_error(int error) override;
  void on_sent() override;

  void connected(Result<net::ConnectedStream> result);
  void secure();
  void fail(std::string message, std::string detail);
  // Lets go of the connection.
  void end();
  v8::Local<v8::Promise> promise(v8::Local<v8::Context> context, Resolver& resolver);
  void settle(v8::Isolate* isolate, v8::Local<v8::Context> context);
  v8::Local<v8::Value> failure(v8::Isolate* isolate, v8::Local<v8::Context> context);

  net::Connector* connector_ = nullptr;
  net::ConnectTarget target_;
  std::unique_ptr<net::ConnectAttempt> attempt_;
  std::unique_ptr<net::Stream> stream_;
  std::string address_;  // of the peer, with its port
  std::string in_;       // arrived, not asked for yet
  std::string error_, error_detail_;
  State state_ = State::connecting;
  bool pending_ = true;     // counted in the event
  bool tls_asked_ = false;  // start_tls() before there was a connection
  bool paused_ = false;
  bool ended_ = false;  // the peer sends no more
  bool shut_ = false;   // we send no more
  Resolver opened_, readable_, sent_, closed_;
};

}  // namespace skep::api
