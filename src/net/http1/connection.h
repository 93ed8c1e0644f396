// One HTTP/1.1 connection on the server's side: reads requests one after another, lends each an
// exchange, and keeps the clocks and the bounds. Pipelined requests wait as bytes; reading stops
// when kBodyReadAhead of them wait. Owned by the ServerCore (and by itself while a callback runs).
// Runs in the shard.
//
// The phases: idle → head → open (the handler has it) → idle again, or through discard (the rest of
// a body that nobody reads) to idle, or closing (output drains) → linger (the client reads the
// answer) → closed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/http1/exchange.h"
#include "net/server_connection.h"
#include "net/server_core.h"

namespace skep::net::http1 {

class Connection final : public ServerConnection, private loop::SocketEvents {
 public:
  Connection(std::shared_ptr<ServerCore> core, std::unique_ptr<Stream> stream,
             loop::PeerAddress peer);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // ServerConnection
  void start() override;
  void start_refused() override;
  void drain() override;
  void close() override;

  // For its exchange.
  const loop::PeerAddress& peer() const { return peer_; }
  const TlsFacts* tls() const { return stream_ != nullptr ? stream_->tls() : nullptr; }
  bool secure() const { return stream_ != nullptr && stream_->secure(); }
  bool draining() const { return core_->draining; }
  std::string_view date_line() { return core_->date.header_line(core_->loop.now_ns()); }
  void send(std::string_view data);
  size_t queued() const { return stream_ == nullptr ? 0 : stream_->queued(); }
  size_t high_water_bytes() const {
    return core_->over_budget() ? limits::kSmallBufferBytes : limits::kSendBufferHighWater;
  }
  // Goes on with the exchange later in this turn, on the loop's stack.
  void wake();
  void note_refused(int status);
  std::unique_ptr<Upgraded> hand_over();

 private:
  enum class Phase : uint8_t { idle, head, open, discard, closing, linger, closed };
  class Hold;

  ~Connection() override = default;

  // loop::SocketEvents
  void on_data(std::span<const char> data) override;
  void on_end() override;
  void on_error(int error) override;
  void on_sent() override;

  // Works on the input until more is needed from somewhere; returns how much of it was used.
  size_t work(std::string_view input);
  // Each returns false when it can do nothing until something happens.
  bool work_head(std::string_view input, size_t& used);
  bool work_open(std::string_view input, size_t& used);
  bool work_pull(std::string_view input, size_t& used);
  bool work_discard(std::string_view input, size_t& used);
  void work_on_pending();
  size_t pending_bytes() const { return pending_.size() - pending_begin_; }
  void settle();
  void account();

  void open_exchange();
  void refuse(int status);
  void end_exchange(bool complete);
  void next_request();
  void begin_closing(bool linger);
  void after_flush();
  void note_linger(size_t bytes);

  void set_deadline_ms(int64_t delay_ms);
  void arm(int64_t due_ns);
  void on_timer();
  void time_out();

  std::shared_ptr<ServerCore> core_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Exchange> exchange_;
  loop::PeerAddress peer_;
  std::string pending_;  // read, not yet worked on, from pending_begin_
  size_t pending_begin_ = 0;
  std::string_view unread_;   // of the input that is being worked on
  size_t dropped_bytes_ = 0;  // in discard and linger
  int64_t deadline_ns_;       // of the phase
  int64_t timer_due_ns_;
  int64_t send_began_ns_ = 0;  // when the send queue was last empty
  loop::Timer timer_;
  loop::Deferred deferred_;
  size_t accounted_bytes_ = 0;  // our share of the server's buffered_bytes
  Phase phase_ = Phase::idle;
  bool working_ = false;
  bool paused_ = false;
  bool peer_ended_ = false;
  bool linger_ = false;
};

}  // namespace skep::net::http1
