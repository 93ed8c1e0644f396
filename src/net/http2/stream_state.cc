#include "net/http2/stream_state.h"

#include <algorithm>

#include "base/assert.h"
#include "base/limits.h"
#include "net/headers.h"
#include "net/http2/session.h"
#include "net/http2/tunnel.h"
#include "net/response_rules.h"

namespace skep::net::http2 {
const loop::PeerAddress& StreamState::peer() const {
  return session_->peer_;
}
bool StreamState::secure() const {
  return session_->stream_->secure();
}
const TlsFacts* StreamState::tls() const {
  return session_->stream_->tls();
}

void StreamState::pull_body() {
  if (over() || pull_pending_ || response_ == Response::finished) return;
  pull_pending_ = true;
  session_->want_work(*this);
}

void StreamState::respond(const ResponseHead& head, std::string_view body, bool finish) {
  if (over()) return;
  SKEP_ASSERT(response_ == Response::none);
  if (!is_valid_response_head(head) || (head.status == 101 && fields.head().protocol.empty())) {
    respond_500();
    if (finish) this->finish();
    return;
  }
  response_ = Response::open;
  continue_wanted_ = false;
  switching_ = head.status == 101;
  body_dropped_ = has_no_body(head.status) || fields.is_head_method();
  if (!switching_ && !has_no_body(head.status) && (head.content_length || finish)) {
    length_known_ = true;
    length_left_ = head.content_length.value_or(body.size());
  }
  session_->begin_response(*this, head, body_dropped_ || (finish && body.empty()));
  queue_body(body);
  if (finish) this->finish();
  session_->want_work(*this);
}

// In place of a head that would break the protocol.
void StreamState::respond_500() {
  response_ = Response::open;
  continue_wanted_ = false;
  const std::string_view body = "500 Internal Server Error\n";
  const Header header{"content-type", "text/plain;charset=UTF-8"};
  length_known_ = true;
  length_left_ = body.size();
  body_dropped_ = fields.is_head_method();
  session_->begin_response(*this, {.status = 500, .headers = {&header, 1}}, body_dropped_);
  queue_body(body);
  body_dropped_ = true;  // what the application sends after it belongs to another response
  session_->want_work(*this);
}

void StreamState::queue_body(std::string_view data) {
  if (body_dropped_ || data.empty()) return;
  if (length_known_) {
    if (data.size() > length_left_) {
      data = data.substr(0, length_left_);
      broken_ = true;
    }
    length_left_ -= data.size();
  }
  out_.append(data);
}

bool StreamState::write(std::string_view data) {
  if (over() || response_ == Response::finished || body_dropped_ || data.empty()) return true;
  SKEP_ASSERT(response_ == Response::open);
  queue_body(data);
  session_->want_work(*this);
  if (out_.size() <= session_->high_water_bytes()) return true;
  waiting_writable_ = true;
  return false;
}

void StreamState::finish() {
  if (over() || response_ == Response::finished) return;
  SKEP_ASSERT(response_ == Response::open);
  if (length_known_ && length_left_ > 0 && !body_dropped_) broken_ = true;
  response_ = Response::finished;
  session_->want_work(*this);
}

void StreamState::abort() {
  if (over()) return;
  aborted_ = true;
  session_->want_work(*this);
}

std::unique_ptr<Upgraded> StreamState::upgrade() {
  if (over() || !switching_ || gone_) return nullptr;
  upgraded_ = true;
  auto upgraded = std::make_unique<Upgraded>();
  upgraded->peer = session_->peer_;
  auto tunnel = std::make_unique<Tunnel>(*this);
  tunnel_ = tunnel.get();
  upgraded->stream = std::move(tunnel);
  session_->want_work(*this);
  return upgraded;
}

}  // namespace skep::net::http2
