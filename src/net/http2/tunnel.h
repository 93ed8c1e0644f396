// The bytes of one HTTP/2 stream after an extended CONNECT (RFC 8441) as a net::Stream. Owned by
// whoever upgraded; the stream's state may go first, and then the tunnel is broken.
#pragma once

#include "net/http2/stream_state.h"
#include "net/stream.h"

namespace skep::net::http2 {

class Tunnel final : public Stream {
 public:
  explicit Tunnel(StreamState& state) : state_(&state) {}
  ~Tunnel() override;

  void set_events(loop::SocketEvents* events) override { events_ = events; }
  void receive() override;
  void pause() override { receiving_ = false; }
  void send(std::string_view data) override;
  void send_owned(std::span<const char> data, std::shared_ptr<void> owner) override;
  size_t queued() const override { return state_ == nullptr ? 0 : state_->out_.size(); }
  void shutdown_send() override;
  int64_t last_progress_ns() const override { return state_ == nullptr ? 0 : state_->touched_ns_; }
  bool secure() const override { return state_ != nullptr && state_->secure(); }

 private:
  friend class Session;
  StreamState* state_;
  loop::SocketEvents* events_ = nullptr;
  bool receiving_ = false;
  bool end_told_ = false;
  bool sent_due_ = false;  // on_sent is owed
};

}  // namespace skep::net::http2
