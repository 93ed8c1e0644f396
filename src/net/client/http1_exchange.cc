#include "net/client/http1_exchange.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/limits_fetch.h"
#include "net/headers.h"
#include "net/http1/response_writer.h"

namespace skep::net {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

// RFC 9110 7.6.1: of the connection, not of the response.
bool is_hop_by_hop(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "trailer"};
  for (const std::string_view known : kNames) {
    if (equals_ignore_case(name, known)) return true;
  }
  return false;
}

}  // namespace

// ---- the connection
// --------------------------------------------------------------------------------

Http1Connection::Http1Connection(Http1Owner& owner, std::unique_ptr<Stream> stream,
                                 loop::PeerAddress peer)
    : owner_(owner), stream_(std::move(stream)), peer_(std::move(peer)) {
  stream_->set_events(this);
}

std::unique_ptr<Stream> Http1Connection::take_stream() {
  stream_->set_events(nullptr);
  return std::move(stream_);
}

void Http1Connection::attach(Http1Exchange& exchange) {
  SKEP_ASSERT(exchange_ == nullptr);
  exchange_ = &exchange;
}

void Http1Connection::detach(bool reusable) {
  exchange_ = nullptr;
  reused = true;
  if (reusable) {
    owner_.on_free(*this);
  } else {
    owner_.on_broken(*this);
  }
}

// Without an exchange nothing may arrive: an answer to no question is an attempt at smuggling.
void Http1Connection::on_data(std::span<const char> data) {
  if (exchange_ == nullptr) return owner_.on_broken(*this);
  exchange_->on_data(data);
}

void Http1Connection::on_end() {
  if (exchange_ == nullptr) return owner_.on_broken(*this);
  exchange_->on_end();
}

void Http1Connection::on_error(int error) {
  if (exchange_ == nullptr) return owner_.on_broken(*this);
  exchange_->on_error(error);
}

void Http1Connection::on_sent() {
  if (exchange_ != nullptr) exchange_->on_sent();
}

// ---- the exchange: its owner's side
// --------------------------------------------------------------------------------

Http1Exchange::Http1Exchange(Http1Owner& owner, const ClientRequest& request, ClientEvents& events)
    : owner_(&owner),
      events_(events),
      request_(request),
      unsent_(request.body),
      has_length_(request.content_length.has_value()),
      request_done_(!request.has_body || request.body_complete),
      streamed_(request.has_body && !request.body_complete),
      deferred_([this] { deliver(); }),
      timer_(owner.loop(), [this] { check_progress(); }) {
  body_left_ = request.content_length.value_or(0);
  parser_.reset(request.method == "HEAD");
  parser_.set_body_views(&views_);
  if (!request_.complaint().empty()) {
    error_ = {.kind = ClientFailure::refused, .message = std::string(request_.complaint())};
    state_ = State::failed;
    owner.loop().defer(deferred_);
  }
}

Http1Exchange::~Http1Exchange() {
  if (gone_ != nullptr) *gone_ = true;
  if (owner_ == nullptr) return;
  if (connection_ != nullptr) std::exchange(connection_, nullptr)->detach(false);
  owner_->forget(*this);
}

void Http1Exchange::pull_body() {
  if (inner_) return inner_->pull_body();
  pulled_ = true;
  if (owner_ != nullptr) owner_->loop().defer(deferred_);
}

bool Http1Exchange::write(std::string_view data) {
  if (inner_) return inner_->write(data);
  if (request_done_ || state_ == State::complete || state_ == State::failed || data.empty()) {
    return true;
  }
  if (state_ == State::waiting) {
    unsent_.append(data);
    blocked_ = unsent_.size() > limits::kClientSendHighWater;
  } else {
    send_body(data);
    if (connection_ == nullptr) return true;
    blocked_ = connection_->stream().queued() > limits::kClientSendHighWater;
  }
  return !blocked_;
}

void Http1Exchange::finish() {
  if (inner_) return inner_->finish();
  if (request_done_) return;
  request_done_ = true;
  if (state_ != State::open) return;
  send_body({});
}

std::unique_ptr<Upgraded> Http1Exchange::upgrade() {
  if (inner_) return inner_->upgrade();
  if (connection_ == nullptr || !head_told_ || parser_.status() != 101) return nullptr;
  Http1Connection& connection = *std::exchange(connection_, nullptr);
  auto upgraded = std::make_unique<Upgraded>();
  upgraded->peer = connection.peer();
  upgraded->remaining = std::move(remaining_);
  upgraded->stream = connection.take_stream();
  state_ = State::complete;
  timer_.cancel();
  connection.detach(false);
  return upgraded;
}

// ---- sending
// --------------------------------------------------------------------------------

void Http1Exchange::begin(Http1Connection& connection) {
  SKEP_ASSERT(state_ == State::waiting && connection_ == nullptr);
  connection_ = &connection;
  connection.attach(*this);
  state_ = State::open;
  last_progress_ns_ = owner_->loop().now_ns();
  std::string head;
  request_.append_http1(head);
  connection.stream().send(head);
  // A body that came whole stays, for a second try.
  if (!unsent_.empty()) {
    if (streamed_) {
      send_body(std::exchange(unsent_, std::string()));
    } else {
      connection.stream().send(unsent_);
    }
  }
  if (state_ != State::open || connection_ == nullptr) return;
  if (streamed_ && request_done_) send_body({});
  if (state_ != State::open || connection_ == nullptr) return;
  timer_.set_ms(limits::kClientCheckMs);
  connection.stream().receive();
  if (blocked_ && connection.stream().queued() <= limits::kClientSendHighWater) {
    blocked_ = false;
    events_.on_writable();  // `this` may be gone
  }
}

void Http1Exchange::delegate(HttpClient& session) {
  SKEP_ASSERT(state_ == State::waiting && !inner_);
  ClientRequest request = request_.view();
  request.body = unsent_;
  request.body_complete = request_done_;
  inner_ = session.start(request, relay_);
  if (streamed_) unsent_ = {};                                // else it stays, for another try
  if (std::exchange(blocked_, false)) events_.on_writable();  // `this` may be gone
}

// RFC 9113 8.7: what the origin has not looked at goes to another connection.
void Http1Exchange::session_failed(const ClientError& error) {
  if (!error.unprocessed || streamed_ || refusals_++ >= limits::kClientRefusals) {
    return events_.on_failed(error);
  }
  inner_.reset();
  owner_->again(*this);
}

// A piece of the body as it goes over the wire; empty: its end.
void Http1Exchange::send_body(std::string_view data) {
  if (has_length_) {
    if (data.size() > body_left_ || (data.empty() && request_done_ && body_left_ > 0)) {
      // The head promised another length: what the origin has of it is no request.
      return fail(ClientFailure::refused, "the body is not as long as its Content-Length");
    }
    body_left_ -= data.size();
    if (!data.empty()) connection_->stream().send(data);
    return;
  }
  if (data.empty()) return connection_->stream().send("0\r\n\r\n");
  std::string size;
  http1::append_chunk_size(size, data.size());
  connection_->stream().send(size);
  connection_->stream().send(data);
  connection_->stream().send("\r\n");
}

void Http1Exchange::on_sent() {
  last_progress_ns_ = owner_->loop().now_ns();
  if (std::exchange(blocked_, false)) events_.on_writable();
}

// ---- receiving
// --------------------------------------------------------------------------------

void Http1Exchange::on_data(std::span<const char> data) {
  last_progress_ns_ = owner_->loop().now_ns();
  bool gone = false;
  gone_ = &gone;
  const std::string_view bytes(data.data(), data.size());
  views_.clear();
  const size_t used = parser_.feed(bytes);
  if (!parser_.failed() && parser_.head_complete() && !head_told_) {
    remaining_.clear();
    if (parser_.status() == 101) {
      connection_->stream().pause();
      paused_ = true;
      remaining_ = bytes.substr(used);
    }
    tell_head();
    if (gone) return;
  }
  if (state_ != State::open) {
    gone_ = nullptr;
    return;
  }
  // What came before a fault is still the body's.
  if (!tell_views()) return;
  gone_ = nullptr;
  if (state_ != State::open) return;
  if (parser_.failed()) return fail(ClientFailure::bad_response, parser_.error());
  if (parser_.done() && parser_.status() != 101) {
    spoilt_ = used < bytes.size();
    complete();
  } else if (!paused_ && !pulled_ && connection_ != nullptr &&
             arrived_.size() >= limits::kClientReadAhead) {
    connection_->stream().pause();
    paused_ = true;
  }
}

void Http1Exchange::tell_head() {
  const bool switched = parser_.status() == 101;
  if (parser_.status() > 599 || (switched && request_.view().upgrade.empty())) {
    return fail(ClientFailure::bad_response, "a status that nobody asked for");
  }
  for (const Header& header : parser_.headers()) {
    if (is_hop_by_hop(header.name)) continue;
    if (!switched && equals_ignore_case(header.name, "upgrade")) continue;
    headers_.push_back(header);
  }
  head_told_ = true;
  ClientResponseHead head;
  head.status = parser_.status();
  head.status_text = parser_.status_text();
  head.headers = headers_;
  head.content_length = parser_.content_length();
  head.has_body = parser_.has_body();
  head.version_minor = parser_.version_minor();
  events_.on_head(head);
}

// Gives the body where it lies, as far as it is wanted; keeps the rest. False: `this` is gone.
bool Http1Exchange::tell_views() {
  bool& gone = *gone_;
  for (const std::string_view view : views_) {
    if (!pulled_ || !arrived_.empty()) {
      arrived_.append(view);
      continue;
    }
    pulled_ = false;
    events_.on_body(view);
    if (gone) return false;
    if (state_ != State::open) break;  // and with the connection its bytes
  }
  views_.clear();
  return true;
}

// The whole response is here: the connection goes back, the rest is told as it is asked for.
void Http1Exchange::complete() {
  state_ = State::complete;
  let_go(parser_.keep_alive() && request_done_ && !spoilt_);
  if (pulled_ || blocked_) deliver();
}

void Http1Exchange::let_go(bool reusable) {
  timer_.cancel();
  if (connection_ == nullptr) return;
  Http1Connection& connection = *std::exchange(connection_, nullptr);
  if (reusable && paused_) connection.stream().receive();
  paused_ = false;
  connection.detach(reusable);
}

// What has been asked for, on the loop's stack.
void Http1Exchange::deliver() {
  if (over_) return;
  if (state_ == State::failed && !head_told_) {
    over_ = true;
    return events_.on_failed(error_);
  }
  // Whoever still has something to send may be done with it: nobody reads it.
  if (blocked_ && (state_ == State::failed || state_ == State::complete)) {
    blocked_ = false;
    bool gone = false;
    gone_ = &gone;
    events_.on_writable();
    if (gone) return;
    gone_ = nullptr;
  }
  if (!pulled_ || !head_told_) return;
  if (!arrived_.empty()) {
    pulled_ = false;
    const std::string data = std::exchange(arrived_, std::string());
    if (paused_ && connection_ != nullptr && parser_.status() != 101) {
      paused_ = false;
      last_progress_ns_ = owner_->loop().now_ns();
      connection_->stream().receive();
    }
    return events_.on_body(data);
  }
  if (state_ == State::complete) {
    over_ = true;
    return events_.on_body_end();
  }
  if (state_ == State::failed) {
    over_ = true;
    return events_.on_failed(error_);
  }
  if (paused_ && connection_ != nullptr && parser_.status() != 101) {
    paused_ = false;
    last_progress_ns_ = owner_->loop().now_ns();
    connection_->stream().receive();
  }
}

// ---- failing
// --------------------------------------------------------------------------------

std::string Http1Exchange::origin() const {
  const ClientRequest request = request_.view();
  return std::string(request.secure ? "https://" : "http://").append(request.authority);
}

// RFC 9112 9.3.1: a connection that was kept may have been closed before it saw this request.
bool Http1Exchange::may_try_again() const {
  return connection_ != nullptr && connection_->reused && !parser_.started() && !streamed_ &&
         request_.idempotent();
}

void Http1Exchange::fail(ClientFailure kind, std::string_view why) {
  if (state_ == State::complete || state_ == State::failed) return;
  if (kind == ClientFailure::lost && may_try_again()) {
    let_go(false);
    state_ = State::waiting;
    parser_.reset(request_.view().method == "HEAD");
    fresh_connection_only = true;
    return owner_->again(*this);
  }
  state_ = State::failed;
  error_ = {.kind = kind, .message = origin().append(": ").append(why)};
  let_go(false);
  if (owner_ != nullptr) owner_->loop().defer(deferred_);
}

void Http1Exchange::orphan() {
  owner_ = nullptr;
  connection_ = nullptr;
  inner_.reset();
  over_ = true;
  state_ = State::failed;
  timer_.cancel();
}

void Http1Exchange::on_end() {
  if (parser_.status() == 101) return fail(ClientFailure::lost, "the connection was closed");
  parser_.feed_end();
  if (parser_.done()) return complete();
  fail(ClientFailure::lost, parser_.started() ? "the connection ended inside the response"
                                              : "the connection ended without a response");
}

void Http1Exchange::on_error(int error) {
  fail(ClientFailure::lost, fail_errno("the connection broke", error).error().message);
}

void Http1Exchange::check_progress() {
  if (state_ != State::open || connection_ == nullptr) return;
  const int64_t now_ns = owner_->loop().now_ns();
  const Stream& stream = connection_->stream();
  const int64_t sent_ns = std::max(last_progress_ns_, stream.last_progress_ns());
  timer_.set_ms(limits::kClientCheckMs);
  if (stream.queued() > 0) {
    if (now_ns - sent_ns > limits::kClientSendMs * kNsPerMs) {
      fail(ClientFailure::lost, "it takes nothing more of the request");
    }
  } else if (!head_told_) {
    if (request_done_ && now_ns - sent_ns > limits::kClientHeadMs * kNsPerMs) {
      fail(ClientFailure::lost, "no response in time");
    }
  } else if (pulled_ && now_ns - last_progress_ns_ > limits::kClientBodyMs * kNsPerMs) {
    fail(ClientFailure::lost, "nothing more of the response's body in time");
  }
}

}  // namespace skep::net
