#include "net/http1/connection.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"

namespace skep::net::http1 {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kNsPerMs = 1'000'000;
// An idle connection keeps no read-ahead buffer larger than this.
constexpr size_t kPendingBytesKept = 1024;

}  // namespace

// Keeps the connection alive while it calls out.
class Connection::Hold {
 public:
  explicit Hold(Connection& connection) : connection_(connection) { connection_.add_reference(); }
  ~Hold() { connection_.drop_reference(); }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

 private:
  Connection& connection_;
};

Connection::Connection(std::shared_ptr<ServerCore> core, std::unique_ptr<Stream> stream,
                       loop::PeerAddress peer)
    : core_(std::move(core)),
      stream_(std::move(stream)),
      peer_(std::move(peer)),
      deadline_ns_(kNever),
      timer_due_ns_(kNever),
      timer_(core_->loop, [this] { on_timer(); }),
      deferred_([this] { work_on_pending(); }) {}

void Connection::start() {
  stream_->set_events(this);
  // The first request is awaited like the rest of a head: a stranger that says nothing goes soon.
  set_deadline_ms(core_->options.header_timeout_ms);
  stream_->receive();
}

void Connection::start_refused() {
  stream_->set_events(this);
  over_limit = true;
  exchange_ = core_->take_exchange();
  exchange_->begin(*this);
  const Hold hold(*this);
  stream_->receive();
  refuse(503);
}

void Connection::drain() {
  if (phase_ == Phase::idle && !working_ && pending_bytes() == 0) begin_closing(true);
}

void Connection::close() {
  if (phase_ == Phase::closed) return;
  const Hold hold(*this);
  phase_ = Phase::closed;
  timer_.cancel();
  stream_.reset();
  core_->stats.buffered_bytes -= std::exchange(accounted_bytes_, 0);
  // Out of the list first: the handler may destroy the server in on_closed.
  core_->remove(*this);
  if (exchange_ != nullptr) end_exchange(false);
}

void Connection::send(std::string_view data) {
  if (stream_ == nullptr) return;
  if (stream_->queued() == 0) {
    send_began_ns_ = core_->loop.now_ns();
    arm(send_began_ns_ + core_->options.send_timeout_ms * kNsPerMs);
  }
  stream_->send(data);
  account();
}

void Connection::wake() {
  if (!working_) core_->loop.defer(deferred_);
}

void Connection::note_refused(int status) {
  core_->stats.refused++;
  core_->handler.on_refused(peer_, status);
}

std::unique_ptr<Upgraded> Connection::hand_over() {
  if (stream_ == nullptr || peer_ended_) return nullptr;
  auto upgraded = std::make_unique<Upgraded>();
  stream_->pause();
  stream_->set_events(nullptr);
  upgraded->stream = std::move(stream_);
  upgraded->remaining = working_ ? unread_ : std::string_view(pending_).substr(pending_begin_);
  upgraded->peer = peer_;
  return upgraded;
}

// --- events of the stream ---

void Connection::on_data(std::span<const char> data) {
  const std::string_view input(data.data(), data.size());
  if (phase_ == Phase::linger || phase_ == Phase::closing) return note_linger(input.size());
  SKEP_ASSERT(!working_);
  if (pending_bytes() > 0) {
    pending_.append(input);
    work_on_pending();
    return;
  }
  const Hold hold(*this);
  const size_t used = work(input);
  if (phase_ == Phase::closed) return;
  if (used < input.size()) pending_.append(input.substr(used));
  settle();
}

void Connection::on_end() {
  peer_ended_ = true;
  const Hold hold(*this);
  switch (phase_) {
    case Phase::idle:
    case Phase::head:
    case Phase::open:
      // A client may close its side and wait for the answer; only a request that can't become
      // complete any more ends here (work_pull sees to it when the body is wanted).
      if (!working_) work_on_pending();
      return;
    case Phase::closing:
      return;  // the output goes out first
    case Phase::discard:
    case Phase::linger:
      close();
      return;
    case Phase::closed:
      return;
  }
}

void Connection::on_error(int) {
  close();
}

void Connection::on_sent() {
  account();
  if (phase_ == Phase::closing) {
    const Hold hold(*this);
    after_flush();
    return;
  }
  if (exchange_ != nullptr && exchange_->take_waiting_writable() && !exchange_->aborted() &&
      !exchange_->response_finished()) {
    const Hold hold(*this);
    exchange_->events()->on_writable();
    if (phase_ == Phase::closed) return;
  }
  // A pipelined request may have waited for the output to drain.
  if (phase_ == Phase::idle && pending_bytes() > 0) work_on_pending();
}

// --- the work ---

void Connection::work_on_pending() {
  if (phase_ == Phase::closed || working_) return;
  const Hold hold(*this);
  // Nothing is appended to pending_ meanwhile: bytes arrive from the loop only.
  const size_t used = work(std::string_view(pending_).substr(pending_begin_));
  if (phase_ == Phase::closed) return;
  pending_begin_ += used;
  settle();
}

size_t Connection::work(std::string_view input) {
  size_t used = 0;
  unsigned requests_left = limits::kRequestsPerTurn;
  working_ = true;
  bool more = true;
  while (more && phase_ != Phase::closed) {
    size_t step = 0;
    unread_ = input.substr(used);
    switch (phase_) {
      case Phase::idle:
      case Phase::head:
        if (requests_left == 0) {
          core_->loop.defer(deferred_);
          more = false;
          break;
        }
        more = work_head(unread_, step);
        if (phase_ == Phase::open) requests_left--;
        break;
      case Phase::open:
        more = work_open(unread_, step);
        break;
      case Phase::discard:
        more = work_discard(unread_, step);
        break;
      case Phase::closing:
      case Phase::linger:
        step = unread_.size();
        more = false;
        break;
      case Phase::closed:
        more = false;
        break;
    }
    used += step;
  }
  unread_ = std::string_view();
  working_ = false;
  return used;
}

bool Connection::work_head(std::string_view input, size_t& used) {
  if (input.empty()) {
    if (!peer_ended_) return false;
    // Half a head, or none: nothing to answer.
    begin_closing(false);
    return true;
  }
  if (phase_ == Phase::idle) {
    // A client that pipelines but does not read its answers gets no further.
    if (queued() > high_water_bytes()) return false;
    if (exchange_ == nullptr) {
      exchange_ = core_->take_exchange();
      exchange_->begin(*this);
    }
  }
  const RequestParser::Event event = exchange_->parser().feed(input, used);
  if (event == RequestParser::Event::refused) {
    refuse(exchange_->parser().refusal());
    return true;
  }
  const bool large = exchange_->parser().head_bytes() > limits::kSmallBufferBytes;
  if (core_->over_budget() && (large || event == RequestParser::Event::head)) {
    refuse(503);
    return true;
  }
  if (event == RequestParser::Event::head) {
    unread_.remove_prefix(used);
    open_exchange();
    return true;
  }
  if (phase_ == Phase::idle && exchange_->parser().started()) {
    phase_ = Phase::head;
    set_deadline_ms(core_->options.header_timeout_ms);
  }
  return true;
}

void Connection::open_exchange() {
  phase_ = Phase::open;
  deadline_ns_ = kNever;
  core_->stats.requests++;
  core_->stats.exchanges++;
  exchange_->open();
  const uint64_t length = exchange_->head().content_length.value_or(0);
  if (length > core_->options.max_body_bytes) {
    core_->stats.exchanges--;
    phase_ = Phase::head;
    refuse(413);
    return;
  }
  core_->handler.on_request(*exchange_);
  if (phase_ == Phase::open) SKEP_ASSERT(exchange_->events() != nullptr);
}

bool Connection::work_open(std::string_view input, size_t& used) {
  Exchange& exchange = *exchange_;
  if (exchange.upgraded()) {
    end_exchange(true);
    close();
    return false;
  }
  if (exchange.aborted()) {
    close();
    return false;
  }
  if (exchange.response_finished()) {
    if (exchange.broken()) {
      // What was promised did not come: the client must see the connection break.
      phase_ = Phase::closing;
      end_exchange(false);
      if (phase_ == Phase::closed) return false;
      begin_closing(false);
      return true;
    }
    next_request();
    return true;
  }
  return exchange.pull_pending() && work_pull(input, used);
}

// The handler waits for body bytes.
bool Connection::work_pull(std::string_view input, size_t& used) {
  Exchange& exchange = *exchange_;
  const RequestParser::Event event = exchange.parser().feed(input, used);
  switch (event) {
    case RequestParser::Event::body:
      if (exchange.parser().body_bytes() > core_->options.max_body_bytes) {
        refuse(413);
        return true;
      }
      unread_.remove_prefix(used);
      deadline_ns_ = kNever;
      exchange.pull_answered();
      exchange.events()->on_body(
          {exchange.parser().body().data(), exchange.parser().body().size()});
      return true;
    case RequestParser::Event::end:
      unread_.remove_prefix(used);
      deadline_ns_ = kNever;
      exchange.pull_answered();
      exchange.events()->on_body_end();
      return true;
    case RequestParser::Event::refused:
      refuse(exchange.parser().refusal());
      return true;
    case RequestParser::Event::head:
    case RequestParser::Event::need_more:
      break;
  }
  if (used < input.size()) return true;
  if (peer_ended_) {
    close();
    return false;
  }
  if (exchange.continue_wanted()) exchange.send_continue();
  set_deadline_ms(core_->options.body_timeout_ms);
  return false;
}

// The response is out; what is left of the request's body is read and dropped, so that the
// connection can go on.
bool Connection::work_discard(std::string_view input, size_t& used) {
  const RequestParser::Event event = exchange_->parser().feed(input, used);
  dropped_bytes_ += used;
  if (event == RequestParser::Event::end) {
    core_->give_exchange(std::exchange(exchange_, nullptr));
    phase_ = Phase::idle;
    set_deadline_ms(core_->options.idle_timeout_ms);
    return true;
  }
  if (event == RequestParser::Event::refused || dropped_bytes_ > limits::kDiscardBytes ||
      (peer_ended_ && used == input.size())) {
    begin_closing(true);
    return true;
  }
  return used < input.size();
}

// The response is complete.
void Connection::next_request() {
  const bool close_after = exchange_->close_after() || core_->draining;
  const bool body_left = !exchange_->parser().ended();
  // A client that asked for the close sends nothing more, so nothing can make its kernel drop the
  // answer; any other may be sending right now.
  const bool linger = body_left || exchange_->parser().framing().keep_alive;
  if (close_after) {
    phase_ = Phase::closing;
    end_exchange(true);
    if (phase_ != Phase::closed) begin_closing(linger);
    return;
  }
  if (body_left) {
    // The parser still knows where the body ends, so the exchange stays, but its handler is
    // through.
    phase_ = Phase::discard;
    dropped_bytes_ = 0;
    core_->stats.exchanges--;
    ExchangeEvents* events = exchange_->events();
    exchange_->set_events(nullptr);
    set_deadline_ms(limits::kLingerMs);
    events->on_closed(true);
    return;
  }
  phase_ = Phase::idle;
  set_deadline_ms(core_->options.idle_timeout_ms);
  end_exchange(true);
}

// Tells the handler and gives the exchange back. The caller has set the phase that comes after.
void Connection::end_exchange(bool complete) {
  std::unique_ptr<Exchange> exchange = std::move(exchange_);
  ExchangeEvents* events = exchange->events();
  if (exchange->replaced()) note_refused(500);
  if (events != nullptr) {
    core_->stats.exchanges--;
    events->on_closed(complete);  // may still read the head
  }
  core_->give_exchange(std::move(exchange));
}

// Answers a request that can't be served, if it still can be answered, and closes.
void Connection::refuse(int status) {
  if (exchange_->response_started()) {
    close();
    return;
  }
  exchange_->set_close_after();
  write_plain_error(*exchange_, status);
  phase_ = Phase::closing;
  end_exchange(false);
  if (phase_ == Phase::closed) return;
  note_refused(status);
  if (phase_ == Phase::closed) return;
  begin_closing(true);
}

// After each piece of work: reads on or stops reading, and lets go of memory that is not needed.
void Connection::settle() {
  if (pending_bytes() == 0 || phase_ == Phase::closing || phase_ == Phase::linger) {
    pending_begin_ = 0;
    pending_.clear();
    if (pending_.capacity() > kPendingBytesKept) pending_ = std::string();
  } else if (pending_begin_ > pending_.size() / 2) {
    pending_.erase(0, std::exchange(pending_begin_, 0));
  }
  if (stream_ == nullptr) return;
  account();
  const size_t most = core_->over_budget() ? limits::kSmallBufferBytes : limits::kBodyReadAhead;
  const bool full = pending_bytes() >= most;
  if (full && !paused_) {
    paused_ = true;
    stream_->pause();
  } else if (paused_ && pending_bytes() < most / 2 && phase_ != Phase::linger) {
    paused_ = false;
    stream_->receive();
  }
}

// What a connection holds in its buffers, for the server's budget.
void Connection::account() {
  const size_t in = pending_bytes() + (exchange_ == nullptr ? 0 : exchange_->parser().head_bytes());
  const size_t bytes = in + queued();
  core_->stats.buffered_bytes += bytes - accounted_bytes_;
  accounted_bytes_ = bytes;
}

// --- the end ---

void Connection::begin_closing(bool linger) {
  phase_ = Phase::closing;
  linger_ = linger && !peer_ended_;
  deadline_ns_ = kNever;
  dropped_bytes_ = 0;
  if (exchange_ != nullptr) {
    // Of a head or a body that will not be read any more; its handler has heard.
    core_->give_exchange(std::exchange(exchange_, nullptr));
  }
  if (stream_->queued() == 0) after_flush();
}

// RFC 9112 9.6: to close with input unread would make the kernel reset the connection, and the
// client could lose the answer. So: our side closes, theirs is read and dropped for a while.
void Connection::after_flush() {
  if (!linger_ || peer_ended_) {
    close();
    return;
  }
  phase_ = Phase::linger;
  if (paused_ && dropped_bytes_ <= limits::kLingerBytes) {
    paused_ = false;
    stream_->receive();
  }
  set_deadline_ms(limits::kLingerMs);
  stream_->shutdown_send();
}

void Connection::note_linger(size_t bytes) {
  dropped_bytes_ += bytes;
  if (dropped_bytes_ > limits::kLingerBytes && !paused_) {
    paused_ = true;
    stream_->pause();
  }
}

// --- the clocks ---

void Connection::set_deadline_ms(int64_t delay_ms) {
  deadline_ns_ = core_->loop.now_ns() + delay_ms * kNsPerMs;
  arm(deadline_ns_);
}

// The timer only ever moves to an earlier time here; when it fires too early, on_timer sets it
// anew. So a request that is answered at once costs two comparisons.
void Connection::arm(int64_t due_ns) {
  if (due_ns >= timer_due_ns_) return;
  timer_due_ns_ = due_ns;
  timer_.set_at_ns(due_ns);
}

void Connection::on_timer() {
  timer_due_ns_ = kNever;
  if (phase_ == Phase::closed || stream_ == nullptr) return;
  const Hold hold(*this);
  const int64_t now_ns = core_->loop.now_ns();
  if (stream_->queued() > 0) {
    const int64_t stalled_at_ns = std::max(send_began_ns_, stream_->last_progress_ns()) +
                                  core_->options.send_timeout_ms * kNsPerMs;
    if (now_ns >= stalled_at_ns) {
      close();
      return;
    }
    arm(stalled_at_ns);
  }
  if (deadline_ns_ == kNever) return;
  if (now_ns < deadline_ns_) {
    arm(deadline_ns_);
    return;
  }
  time_out();
}

void Connection::time_out() {
  switch (phase_) {
    case Phase::head:
      refuse(408);
      return;
    case Phase::open:
      refuse(408);
      return;
    case Phase::idle:
    case Phase::discard:
    case Phase::closing:
    case Phase::linger:
    case Phase::closed:
      close();
      return;
  }
}

}  // namespace skep::net::http1
