#include "net/http1/exchange.h"

#include "base/assert.h"
#include "base/limits.h"
#include "net/headers.h"
#include "net/http1/connection.h"
#include "net/response_rules.h"

namespace skep::net::http1 {
namespace {

// Bodies up to this ride in the same buffer as their head.
constexpr size_t kJoinBytes = 16 * 1024;
constexpr size_t kOutBytesKept = 32 * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace

void Exchange::begin(Connection& connection) {
  connection_ = &connection;
}

void Exchange::reset() {
  connection_ = nullptr;
  events_ = nullptr;
  parser_.reset();
  if (out_.capacity() > kOutBytesKept) out_ = std::string();
  out_.clear();
  length_left_ = 0;
  framing_ = BodyFraming::none;
  response_ = Response::none;
  body_dropped_ = pull_pending_ = aborted_ = continue_wanted_ = close_after_ = false;
  broken_ = waiting_writable_ = switching_ = upgraded_ = replaced_ = false;
}

const loop::PeerAddress& Exchange::peer() const {
  return connection_->peer();
}
const TlsFacts* Exchange::tls() const {
  return connection_->tls();
}

bool Exchange::secure() const {
  return connection_->secure();
}

void Exchange::pull_body() {
  if (over() || pull_pending_) return;
  pull_pending_ = true;
  connection_->wake();
}

void Exchange::send_continue() {
  continue_wanted_ = false;
  if (response_ == Response::none) connection_->send(kContinue);
}

// Whether the connection ends with this response, as far as can be told when its head is sent.
bool Exchange::will_close(bool finish) const {
  if (close_after_ || !parser_.framing().keep_alive || connection_->draining()) return true;
  if (parser_.ended()) return false;
  // The client may or may not send its body now (RFC 9110 10.1.1): nobody can know where it ends.
  if (continue_wanted_) return true;
  // Nobody will read the rest of the body; a long one is not worth waiting for.
  const uint64_t length = parser_.head().content_length.value_or(0);
  return finish && length - parser_.body_bytes() > limits::kDiscardBytes &&
         !parser_.framing().chunked;
}

ResponseFraming Exchange::plan(const ResponseHead& head, std::string_view body, bool finish) {
  ResponseFraming framing;
  const bool old_client = parser_.head().version_minor == 0;
  body_dropped_ = head.status == 101 || has_no_body(head.status) || parser_.is_head_method();
  if (head.status == 101) {
    switching_ = true;
    framing.connection = ConnectionOption::upgrade;
    return framing;
  }
  if (has_no_body(head.status)) {
    // RFC 9110 8.6: never with 204; with 304 it is the length that a 200 would have.
    if (head.status == 304 && head.content_length) {
      framing.body = BodyFraming::length;
      framing.length = *head.content_length;
    }
  } else if (head.content_length || finish) {
    framing.body = BodyFraming::length;
    framing.length = head.content_length.value_or(body.size());
  } else {
    framing.body = old_client ? BodyFraming::until_close : BodyFraming::chunked;
  }
  if (framing.body == BodyFraming::until_close && !body_dropped_) close_after_ = true;
  close_after_ = will_close(finish);
  if (close_after_) {
    framing.connection = ConnectionOption::close;
  } else if (old_client) {
    framing.connection = ConnectionOption::keep_alive;
  }
  return framing;
}

void Exchange::respond(const ResponseHead& head, std::string_view body, bool finish) {
  if (over()) return;
  SKEP_ASSERT(response_ == Response::none);
  const ResponseFraming framing = plan(head, body, finish);
  out_.clear();
  if (!append_response_head(out_, head, framing, connection_->date_line())) {
    respond_500();
    if (finish) this->finish();
    return;
  }
  response_ = Response::open;
  continue_wanted_ = false;
  framing_ = framing.body;
  length_left_ = framing.length;
  if (body_dropped_) body = std::string_view();
  const bool joined =
      body.size() <= kJoinBytes && framing_ == BodyFraming::length && body.size() <= length_left_;
  if (joined) {
    out_.append(body);
    length_left_ -= body.size();
  }
  connection_->send(out_);
  if (!joined && !body.empty()) send_body(body);
  if (finish) this->finish();
}

// In place of a head that would break the protocol.
void Exchange::respond_500() {
  response_ = Response::open;
  switching_ = false;
  close_after_ = true;
  const std::string_view body = parser_.is_head_method() ? "" : "500 Internal Server Error\n";
  const Header header{"Content-Type", "text/plain;charset=UTF-8"};
  const ResponseHead head{.status = 500, .headers = {&header, 1}};
  const ResponseFraming framing{BodyFraming::length, body.size(), ConnectionOption::close};
  SKEP_ASSERT(append_response_head(out_, head, framing, connection_->date_line()));
  out_.append(body);
  connection_->send(out_);
  body_dropped_ = true;
  replaced_ = true;
}

void Exchange::send_body(std::string_view data) {
  switch (framing_) {
    case BodyFraming::none:
      return;
    case BodyFraming::length:
      if (data.size() > length_left_) {
        data = data.substr(0, length_left_);
        broken_ = true;
      }
      length_left_ -= data.size();
      if (!data.empty()) connection_->send(data);
      return;
    case BodyFraming::until_close:
      connection_->send(data);
      return;
    case BodyFraming::chunked:
      out_.clear();
      append_chunk_size(out_, data.size());
      if (data.size() > kJoinBytes) {
        connection_->send(out_);
        connection_->send(data);
        connection_->send("\r\n");
      } else {
        out_.append(data).append("\r\n");
        connection_->send(out_);
      }
      return;
  }
}

bool Exchange::write(std::string_view data) {
  if (over() || body_dropped_ || data.empty()) return true;
  SKEP_ASSERT(response_ == Response::open);
  send_body(data);
  if (connection_->queued() <= connection_->high_water_bytes()) return true;
  waiting_writable_ = true;
  return false;
}

void Exchange::finish() {
  if (over()) return;
  SKEP_ASSERT(response_ == Response::open);
  if (!body_dropped_) {
    if (framing_ == BodyFraming::chunked) connection_->send(kLastChunk);
    if (framing_ == BodyFraming::length && length_left_ > 0) broken_ = true;
  }
  // A 101 that nobody took up leaves a connection that speaks no protocol.
  if (switching_) close_after_ = true;
  response_ = Response::finished;
  connection_->wake();
}

void Exchange::abort() {
  if (over()) return;
  aborted_ = true;
  connection_->wake();
}

std::unique_ptr<Upgraded> Exchange::upgrade() {
  if (over() || !switching_ || !parser_.ended()) return nullptr;
  upgraded_ = true;
  auto upgraded = connection_->hand_over();
  connection_->wake();
  return upgraded;
}

}  // namespace skep::net::http1

namespace skep::net {

void write_plain_error(HttpExchange& exchange, int status, std::string_view detail) {
  if (exchange.response_started()) return;
  std::string body = std::to_string(status);
  body.append(" ").append(status_phrase(status)).append("\n");
  if (!detail.empty()) body.append(detail).append("\n");
  const Header header{"Content-Type", "text/plain;charset=UTF-8"};
  exchange.respond({.status = status, .headers = {&header, 1}}, body, true);
}

}  // namespace skep::net
