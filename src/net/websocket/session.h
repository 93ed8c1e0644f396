// A WebSocket over a byte stream: messages in both directions, pings answered, the closing
// handshake (RFC 6455, section 7), a look at whether the peer still lives. One a socket, owned by
// whoever uses the messages; on the loop's thread. Runs in the shard; the peer is hostile.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "loop/loop.h"
#include "net/stream.h"
#include "net/websocket/reader.h"

namespace skep::net::websocket {

// What the owner hears, on the loop's stack. Only on_settled and on_over may destroy the session.
class SessionEvents {
 public:
  virtual void on_message(bool text, std::string data) = 0;
  // The peer's Close frame (1005: without a code). No message follows. Who has not closed answers
  // with close().
  virtual void on_close(uint16_t code, std::string_view reason) = 0;
  // There will be no Close frame of the peer: `failed` says what it did wrong, 1006 that the
  // connection is lost. No message follows.
  virtual void on_lost(Failure failed) = 0;
  // All that came at once has been told.
  virtual void on_settled() = 0;
  // What was sent has been taken by the kernel.
  virtual void on_sent() = 0;
  // The connection has ended, the last call.
  virtual void on_over() = 0;

 protected:
  ~SessionEvents() = default;
};

struct SessionOptions {
  Role role = Role::server;
  std::optional<DeflateParameters> deflate;  // agreed on
  size_t most_bytes = 0;                     // of a message that is received
};

class Session final : private loop::SocketEvents, private ReaderEvents {
 public:
  Session(loop::Loop& loop, std::unique_ptr<Stream> stream, const SessionOptions& options,
          SessionEvents& events);
  // Whatever is unsent is dropped.
  ~Session();

  // Begins to receive. `remaining`: bytes that came with the handshake; they are read in a later
  // turn.
  void start(std::string remaining);
  // Nothing is told after this (but for what is being read right now) until resume().
  void pause();
  void resume();

  // These may be called on a fiber; they only queue. After close(), or when the connection is lost,
  // nothing is sent.
  void send(bool text, std::string_view data);
  // code 1005: a Close frame without one. The peer gets some time to answer.
  void close(uint16_t code, std::string_view reason);
  size_t queued() const { return stream_ ? stream_->queued() : 0; }
  size_t held() const { return reader_.held(); }
  bool can_send() const { return stream_ && !close_sent_; }

 private:
  // loop::SocketEvents
  void on_data(std::span<const char> data) override;
  void on_end() override;
  void on_error(int error) override;
  void on_sent() override;
  // ReaderEvents
  void on_message(bool text, std::string data) override;
  void on_ping(std::string_view data) override;
  void on_pong() override {}
  void on_close_frame(uint16_t code, std::string_view reason) override;

  void send_frame(Opcode opcode, bool compressed, std::string_view payload);
  void send_close(uint16_t code, std::string_view reason);
  void fail(Failure failure);
  void lose();
  void linger_if_closed();
  void on_deferred();
  void on_timer();
  void look_after();
  void over();

  loop::Loop& loop_;
  std::unique_ptr<Stream> stream_;
  SessionEvents& events_;
  const Role role_;
  const std::optional<DeflateParameters> deflate_;
  Reader reader_;
  std::string remaining_;
  loop::Deferred deferred_;
  Failure failure_;  // due
  loop::Timer timer_;
  int64_t heard_ns_ = 0;  // when the peer last sent something
  bool pinged_ = false;
  bool paused_ = false;
  bool close_sent_ = false;
  bool close_received_ = false;
  bool deaf_ = false;       // nothing of the peer is read any more
  bool told_end_ = false;   // on_close or on_lost was called
  bool lingering_ = false;  // FIN is sent (or will be), the peer's is awaited
};

}  // namespace skep::net::websocket
