#include "net/websocket/session.h"

#include <openssl/rand.h>

#include <utility>

#include "base/assert.h"
#include "base/limits_websocket.h"

namespace skep::net::websocket {

Session::Session(loop::Loop& loop, std::unique_ptr<Stream> stream, const SessionOptions& options,
                 SessionEvents& events)
    : loop_(loop),
      stream_(std::move(stream)),
      events_(events),
      role_(options.role),
      deflate_(options.deflate),
      reader_(options.role, options.deflate.has_value(), options.most_bytes),
      deferred_([this] { on_deferred(); }),
      timer_(loop, [this] { on_timer(); }) {}

Session::~Session() = default;

void Session::start(std::string remaining) {
  stream_->set_events(this);
  remaining_ = std::move(remaining);
  heard_ns_ = loop_.now_ns();
  timer_.set_ms(limits::kWebSocketQuietMs);
  paused_ = true;
  resume();
}

void Session::pause() {
  if (paused_ || !stream_) return;
  paused_ = true;
  if (!lingering_) stream_->pause();
}

void Session::resume() {
  if (!paused_ || !stream_) return;
  paused_ = false;
  heard_ns_ = loop_.now_ns();
  pinged_ = false;
  if (!remaining_.empty()) loop_.defer(deferred_);
  stream_->receive();
}

// ---- sending
// --------------------------------------------------------------------------------

void Session::send(bool text, std::string_view data) {
  if (!can_send()) return;
  const Opcode opcode = text ? Opcode::text : Opcode::binary;
  if (deflate_ && data.size() >= limits::kWebSocketDeflateBytes) {
    const auto smaller = deflate_message(data, deflate_->send_window_bits);
    if (smaller && smaller->size() < data.size()) return send_frame(opcode, true, *smaller);
  }
  send_frame(opcode, false, data);
}

void Session::send_frame(Opcode opcode, bool compressed, std::string_view payload) {
  std::string frame;
  if (role_ == Role::server) {
    append_header(frame, opcode, true, compressed, payload.size(), nullptr);
    if (payload.size() > 1024) {
      stream_->send(frame);
      stream_->send(payload);
      return;
    }
    frame.append(payload);
  } else {
    // 5.3: a fresh mask for each frame, not to be foreseen.
    uint8_t mask[4];
    RAND_bytes(mask, sizeof(mask));
    frame.reserve(kHeaderBytes + payload.size());
    append_header(frame, opcode, true, compressed, payload.size(), mask);
    const size_t at = frame.size();
    frame.append(payload);
    apply_mask({frame.data() + at, payload.size()}, mask, 0);
  }
  stream_->send(frame);
}

void Session::send_close(uint16_t code, std::string_view reason) {
  SKEP_ASSERT(!close_sent_);
  std::string payload;
  if (code != 1005) {
    payload += static_cast<char>(code >> 8);
    payload += static_cast<char>(code & 0xff);
    payload += reason;
  }
  send_frame(Opcode::close, false, payload);
  close_sent_ = true;
}

void Session::close(uint16_t code, std::string_view reason) {
  if (!can_send()) return;
  send_close(code, reason);
  if (close_received_ || deaf_) return linger_if_closed();
  timer_.set_ms(limits::kWebSocketCloseMs);
}

// ---- receiving
// --------------------------------------------------------------------------------

void Session::on_data(std::span<const char> data) {
  heard_ns_ = loop_.now_ns();
  pinged_ = false;
  if (deaf_) return;  // what comes after a Close frame, or after a failure
  if (paused_ || !remaining_.empty()) {
    // Bytes of the handshake come first.
    remaining_.append(data.data(), data.size());
    return;
  }
  failure_ = reader_.take({data.data(), data.size()}, *this);
  if (failure_) {
    // What was right before it is told first, and mostly answered.
    deaf_ = true;
    loop_.defer(deferred_);
  }
  events_.on_settled();  // `this` may be gone
}

void Session::on_deferred() {
  if (!stream_) return;
  if (failure_) {
    fail(std::exchange(failure_, Failure{}));
    return events_.on_settled();
  }
  // Bytes that came with the handshake, once.
  if (!remaining_.empty() && !paused_) on_data(std::exchange(remaining_, std::string()));
}

void Session::on_message(bool text, std::string data) {
  events_.on_message(text, std::move(data));
}

// 5.5.2. A peer that sends pings and does not read gets no more pongs than this.
void Session::on_ping(std::string_view data) {
  if (!can_send() || stream_->queued() > limits::kWebSocketPongsQueued) return;
  send_frame(Opcode::pong, false, data);
}

void Session::on_close_frame(uint16_t code, std::string_view reason) {
  close_received_ = deaf_ = told_end_ = true;
  linger_if_closed();
  events_.on_close(code, reason);
}

// 7.1.7: the peer is told why, and nothing more of it is read.
void Session::fail(Failure failure) {
  deaf_ = true;
  if (can_send()) send_close(failure.code, failure.why);
  linger_if_closed();
  if (std::exchange(told_end_, true)) return;
  events_.on_lost(failure);
}

void Session::lose() {
  deaf_ = true;
  if (std::exchange(told_end_, true)) return;
  events_.on_lost({1006, "WebSocket disconnected without sending Close frame."});
}

void Session::on_end() {
  lose();
  over();
}

void Session::on_error(int) {
  lose();
  over();
}

void Session::on_sent() {
  events_.on_sent();
}

// ---- the end
// --------------------------------------------------------------------------------

// 7.1.1: both Close frames are through (or ours, after a failure). The server ends the connection;
// the client waits for that, but not for long.
void Session::linger_if_closed() {
  if (!close_sent_ || !(close_received_ || deaf_) || lingering_) return;
  lingering_ = true;
  stream_->shutdown_send();
  // What still comes is dropped: to close before it was read would be a reset, which may take
  // our Close frame along.
  stream_->receive();
  timer_.set_ms(limits::kWebSocketLingerMs);
}

void Session::on_timer() {
  if (lingering_) {
    // As long as the peer takes what was sent, it has time.
    if (stream_->queued() > 0 &&
        loop_.now_ns() - stream_->last_progress_ns() < limits::kWebSocketQuietMs * 1'000'000) {
      timer_.set_ms(limits::kWebSocketLingerMs);
      return;
    }
    return over();
  }
  if (close_sent_) {
    lose();
    return over();
  }
  look_after();
}

// A peer that is gone without a word would stay for ever.
void Session::look_after() {
  const int64_t quiet_ns = loop_.now_ns() - heard_ns_;
  const int64_t left_ns = limits::kWebSocketQuietMs * 1'000'000 - quiet_ns;
  if (paused_ || left_ns > 0) {
    // Paused, nothing of it can be heard: then it is our own side that is slow.
    timer_.set_ms(paused_ ? limits::kWebSocketQuietMs : left_ns / 1'000'000 + 1);
    return;
  }
  if (pinged_) {
    lose();
    return over();
  }
  pinged_ = true;
  send_frame(Opcode::ping, false, {});
  timer_.set_ms(limits::kWebSocketPongMs);
}

void Session::over() {
  timer_.cancel();
  stream_.reset();
  events_.on_over();  // `this` may be gone
}

}  // namespace skep::net::websocket
