#include "net/http2/session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "base/ascii.h"
#include "base/assert.h"
#include "base/limits.h"
#include "base/limits_http2.h"
#include "net/headers.h"
#include "net/http2/callbacks.h"
#include "net/http2/tunnel.h"
#include "net/response_rules.h"

namespace skep::net::http2 {
namespace {

nghttp2_nv field(std::string_view name, std::string_view value) {
  return {const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(name.data())),
          const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(value.data())), name.size(),
          value.size(), NGHTTP2_NV_FLAG_NONE};
}

// "Date: Tue, …\r\n" to its value.
std::string_view date_value(std::string_view line) {
  return line.substr(6, line.size() - 8);
}

}  // namespace

Session::Session(std::shared_ptr<ServerCore> core, std::unique_ptr<Stream> stream,
                 loop::PeerAddress peer)
    : core_(std::move(core)),
      stream_(std::move(stream)),
      peer_(std::move(peer)),
      deferred_([this] { run(); }),
      tick_(core_->loop, [this] { on_tick(); }),
      tolerance_(limits::kHttp2IdleFramesBurst),
      tolerance_ns_(core_->loop.now_ns()),
      began_idle_ns_(tolerance_ns_) {}

Session::~Session() {
  nghttp2_session_del(session_);
  core_->stats.buffered_bytes -= accounted_bytes_;
}

void Session::make_session() {
  nghttp2_session_callbacks* callbacks = Callbacks::all();
  nghttp2_option* option = nullptr;
  SKEP_ASSERT(nghttp2_option_new(&option) == 0);
  // Windows open as the application reads, not as bytes arrive.
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_max_outbound_ack(option, limits::kHttp2AcksQueued);
  nghttp2_option_set_max_send_header_block_length(option, limits::kResponseHeadBytes + 64 * 1024);
  SKEP_ASSERT(nghttp2_session_server_new2(&session_, callbacks, this, option) == 0);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits::kHttp2Streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits::kHttp2StreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits::kHeaderBytes},
      {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, limits::kHttp2HeaderTableBytes},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                        limits::kHttp2ConnectionWindow);
}

void Session::start_with(std::string_view received) {
  make_session();
  stream_->set_events(this);
  stream_->receive();
  arm_tick();
  if (!received.empty()) on_data({received.data(), received.size()});
  if (!closed_) core_->loop.defer(deferred_);
}

void Session::start_refused() {
  over_limit = true;
  make_session();
  stream_->set_events(this);
  go_away(NGHTTP2_ENHANCE_YOUR_CALM);
  core_->loop.defer(deferred_);
}

// RFC 9113 6.8: first a GOAWAY that refuses nothing, so that requests on their way are still
// answered; and once the client must have seen it, as its answer to our PING shows, the last one.
void Session::drain() {
  if (closed_) return;
  if (!ending_ && notice_ns_ == 0) {
    notice_ns_ = core_->loop.now_ns();
    nghttp2_submit_shutdown_notice(session_);
    nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
    tick_.set_ms(limits::kHttp2NoticeMs);
  }
  core_->loop.defer(deferred_);
}

void Session::end_notice() {
  if (ending_ || notice_ns_ == 0) return;
  ending_ = true;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
  if (!closed_) core_->loop.defer(deferred_);
}

void Session::go_away(uint32_t code) {
  ending_ = true;
  nghttp2_session_terminate_session(session_, code);
  if (!closed_) core_->loop.defer(deferred_);
}

bool Session::tolerate(double frames) {
  const int64_t now = core_->loop.now_ns();
  tolerance_ = std::min(limits::kHttp2IdleFramesBurst,
                        tolerance_ + static_cast<double>(now - tolerance_ns_) * 1e-9 *
                                         limits::kHttp2IdleFramesPerSecond);
  tolerance_ns_ = now;
  tolerance_ -= frames;
  if (tolerance_ >= 0) return true;
  go_away(NGHTTP2_ENHANCE_YOUR_CALM);
  return false;
}

// ---- the connection ----

void Session::on_data(std::span<const char> data) {
  if (closed_) return;
  add_reference();
  const ssize_t used = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const uint8_t*>(data.data()), data.size());
  // What nghttp2 calls an error has put GOAWAY into its queue; a callback's has too.
  if (used < 0 && !ending_) go_away(NGHTTP2_PROTOCOL_ERROR);
  if (used < 0 && stream_) stream_->pause();
  run();
  drop_reference();
}

void Session::on_sent() {
  if (closed_) return;
  send_began_ns_ = 0;
  add_reference();
  run();
  drop_reference();
}

void Session::want_work(StreamState& stream) {
  if (!stream.listed_) {
    stream.listed_ = true;
    work_.push_back(&stream);
  }
  if (!running_ && !closed_) core_->loop.defer(deferred_);
}

size_t Session::high_water_bytes() const {
  return core_->over_budget() ? limits::kSmallBufferBytes : limits::kSendBufferHighWater;
}

// Until nothing is left that can be done now. On the loop's stack.
void Session::run() {
  if (closed_ || running_) return;
  add_reference();
  running_ = true;
  do {
    work_on_streams();
    if (!closed_) send_frames();
  } while (!closed_ && !work_.empty());
  running_ = false;
  if (!closed_) {
    account();
    arm_tick();
    close_when_done();
  }
  drop_reference();
}

void Session::send_frames() {
  frames_.clear();
  while (stream_->queued() + frames_.size() < high_water_bytes()) {
    const uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &data);
    if (size < 0) return close();
    if (size == 0) break;
    frames_.append(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
  }
  if (frames_.empty()) return;
  if (send_began_ns_ == 0) send_began_ns_ = core_->loop.now_ns();
  stream_->send(frames_);
  if (frames_.capacity() > 64 * 1024) std::string().swap(frames_);
}

void Session::close_when_done() {
  const bool wants = nghttp2_session_want_read(session_) || nghttp2_session_want_write(session_);
  const bool drained = ending_ && streams_.empty() && !nghttp2_session_want_write(session_);
  if ((wants && !drained) || stream_->queued() > 0) return;
  stream_->shutdown_send();
  close();
}

void Session::close() {
  if (closed_) return;
  closed_ = true;
  tick_.cancel();
  add_reference();
  work_.clear();
  // Out of the list first: a handler may destroy the server in on_closed.
  core_->remove(*this);
  while (!streams_.empty()) {
    tell_closed(*streams_.back(), false);
    streams_.pop_back();
  }
  stream_.reset();
  drop_reference();
}

// What the streams hold counts against the server's budget.
void Session::account() {
  size_t bytes = stream_->queued();
  for (const auto& stream : streams_) bytes += stream->in_.size() + stream->out_.size();
  core_->stats.buffered_bytes += bytes - accounted_bytes_;
  accounted_bytes_ = bytes;
}

// ---- streams ----

void Session::work_on_streams() {
  // What comes up meanwhile waits for the next round, after frames were sent.
  std::vector<StreamState*> now;
  now.swap(work_);
  for (StreamState* stream : now) {
    if (closed_) return;
    stream->listed_ = false;
    work_on(*stream);
  }
}

void Session::work_on(StreamState& stream) {
  if (stream.head_done_ && !stream.opened_ && !stream.refused_ && !stream.gone_) open(stream);
  if (closed_) return;
  if (stream.upgraded_ && !stream.told_closed_) tell_closed(stream, true);
  if (closed_) return;
  if (stream.aborted_) reset(stream, NGHTTP2_INTERNAL_ERROR);
  if (stream.out_deferred_ && !stream.gone_ &&
      (!stream.out_.empty() || stream.response_ == StreamState::Response::finished)) {
    stream.out_deferred_ = false;
    nghttp2_session_resume_data(session_, stream.id);
  }
  // A response that is shorter than it said: the client must be able to tell.
  if (stream.broken_ && stream.response_ == StreamState::Response::finished &&
      stream.out_.empty() && !stream.gone_) {
    stream.aborted_ = true;
    return want_work(stream);
  }
  if (stream.upgraded_) {
    give_tunnel(stream);
  } else {
    give_body(stream);
  }
  if (closed_) return;
  if (stream.end_sent_ && !stream.in_ended_ && !stream.gone_) {
    // RFC 9113 8.1: the whole response is there, the rest of the request is not wanted.
    reset(stream, NGHTTP2_NO_ERROR);
  }
  if (!stream.gone_) return;
  tell_closed(stream, stream.end_sent_ && !stream.aborted_);
  if (!closed_) remove(stream);
}

// The stream is closed, and its owner hears of it, once the frame has left.
void Session::reset(StreamState& stream, uint32_t code) {
  if (stream.gone_ || std::exchange(stream.reset_, true)) return;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, code);
}

void Session::open(StreamState& stream) {
  // The whole body may have come with the head.
  const int status = stream.fields.finish(stream.in_ended_ && stream.in_.empty());
  const RequestHead& head = stream.fields.head();
  if (status != 0) return refuse(stream, status);
  if (core_->over_budget()) return refuse(stream, 503);
  if (head.content_length.value_or(0) > core_->options.max_body_bytes) return refuse(stream, 413);
  stream.opened_ = true;
  stream.continue_wanted_ = stream.fields.expects_continue() && head.has_body;
  core_->stats.requests++;
  core_->stats.exchanges++;
  core_->handler.on_request(stream);
}

void Session::refuse(StreamState& stream, int status) {
  stream.refused_ = true;
  core_->stats.refused++;
  core_->handler.on_refused(peer_, status);
  if (closed_) return;
  write_plain_error(stream, status);
  tolerate(1);
}

void Session::begin_response(StreamState& stream, const ResponseHead& head, bool last) {
  if (stream.gone_ || closed_) return;
  char status[3], length[20];
  const int code = head.status == 101 ? 200 : head.status;  // RFC 8441 5
  std::to_chars(status, status + 3, code);
  std::string names;
  size_t bytes = 0;
  for (const Header& header : head.headers) bytes += header.name.size();
  names.reserve(bytes);
  std::vector<nghttp2_nv> fields;
  fields.reserve(head.headers.size() + 3);
  fields.push_back(field(":status", {status, 3}));
  for (const Header& header : head.headers) {
    if (is_servers_own(header.name, false)) continue;
    const size_t at = names.size();
    for (const char c : header.name) names.push_back(ascii_lower(c));
    fields.push_back(field(std::string_view(names).substr(at), trim_whitespace(header.value)));
  }
  if (stream.length_known_ || (code == 304 && head.content_length)) {
    const uint64_t value = stream.length_known_ ? stream.length_left_ : *head.content_length;
    char* end = std::to_chars(length, length + sizeof length, value).ptr;
    fields.push_back(field("content-length", {length, static_cast<size_t>(end - length)}));
  }
  fields.push_back(field("date", date_value(core_->date.header_line(core_->loop.now_ns()))));
  nghttp2_data_provider provider{.source = {.ptr = &stream}, .read_callback = Callbacks::read_body};
  const int error = nghttp2_submit_response(session_, stream.id, fields.data(), fields.size(),
                                            last ? nullptr : &provider);
  if (error != 0) stream.aborted_ = true;
}

void Session::give_body(StreamState& stream) {
  if (!stream.opened_ || stream.events_ == nullptr) return;
  if (stream.waiting_writable_ && stream.out_.size() <= high_water_bytes() / 2 && !stream.over()) {
    stream.waiting_writable_ = false;
    stream.events_->on_writable();
    if (closed_ || stream.gone_) return;
  }
  if (!stream.pull_pending_ || stream.over() ||
      stream.response_ == StreamState::Response::finished) {
    return;
  }
  if (!stream.in_.empty()) {
    const std::string bytes(stream.in_.view());
    stream.in_.clear();
    stream.pull_pending_ = false;
    nghttp2_session_consume(session_, stream.id, bytes.size());
    stream.received_ += bytes.size();
    if (stream.received_ > core_->options.max_body_bytes) {
      if (stream.response_ == StreamState::Response::none) write_plain_error(stream, 413);
      stream.aborted_ = stream.response_ != StreamState::Response::finished;
      return want_work(stream);
    }
    return stream.events_->on_body(bytes);
  }
  if (stream.in_ended_) {
    if (stream.body_end_told_) return;
    stream.body_end_told_ = true;
    stream.pull_pending_ = false;
    return stream.events_->on_body_end();
  }
  stream.touched_ns_ = core_->loop.now_ns();
  if (stream.continue_wanted_ && stream.response_ == StreamState::Response::none) {
    stream.continue_wanted_ = false;
    const nghttp2_nv status = field(":status", "100");
    nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id, nullptr, &status, 1, nullptr);
  }
}

void Session::give_tunnel(StreamState& stream) {
  Tunnel* tunnel = stream.tunnel_;
  if (tunnel == nullptr || tunnel->events_ == nullptr) return;
  if (tunnel->sent_due_ && stream.out_.empty()) {
    tunnel->sent_due_ = false;
    tunnel->events_->on_sent();
    if (closed_ || stream.tunnel_ == nullptr) return;
  }
  if (!tunnel->receiving_) return;
  if (!stream.in_.empty()) {
    const std::string bytes(stream.in_.view());
    stream.in_.clear();
    if (!stream.gone_) nghttp2_session_consume(session_, stream.id, bytes.size());
    tunnel->events_->on_data(bytes);
    if (closed_ || stream.tunnel_ == nullptr) return;
    return want_work(stream);  // the end may have come too
  }
  if (stream.in_ended_ && !tunnel->end_told_) {
    tunnel->end_told_ = true;
    tunnel->events_->on_end();
  }
}

void Session::tell_closed(StreamState& stream, bool complete) {
  if (stream.tunnel_ != nullptr && (closed_ || stream.gone_)) {
    Tunnel& tunnel = *std::exchange(stream.tunnel_, nullptr);
    tunnel.state_ = nullptr;
    if (tunnel.events_ != nullptr && !tunnel.end_told_) tunnel.events_->on_error(ECONNRESET);
  }
  if (!stream.opened_ || stream.told_closed_) return;
  stream.told_closed_ = true;
  core_->stats.exchanges--;
  if (stream.events_ != nullptr) stream.events_->on_closed(complete);
}

void Session::remove(StreamState& stream) {
  const auto place = std::find_if(streams_.begin(), streams_.end(),
                                  [&stream](const auto& other) { return other.get() == &stream; });
  SKEP_ASSERT(place != streams_.end());
  if (stream.listed_) std::erase(work_, &stream);
  // What was received and not read still counts against the connection's window.
  if (!stream.in_.empty()) nghttp2_session_consume_connection(session_, stream.in_.size());
  std::swap(*place, streams_.back());
  streams_.pop_back();
  if (streams_.empty()) began_idle_ns_ = core_->loop.now_ns();
}

// ---- time ----

void Session::arm_tick() {
  if (tick_.armed()) return;
  const ServerOptions& options = core_->options;
  const int64_t least = std::min({options.header_timeout_ms, options.body_timeout_ms,
                                  options.send_timeout_ms, options.idle_timeout_ms});
  tick_.set_ms(std::max<int64_t>(least / 4, 10));
}

void Session::on_tick() {
  add_reference();
  const ServerOptions& options = core_->options;
  const int64_t now = core_->loop.now_ns();
  const auto older = [now](int64_t since_ns, int64_t limit_ms) {
    return since_ns != 0 && now - since_ns > limit_ms * 1'000'000;
  };
  if (older(notice_ns_, limits::kHttp2NoticeMs - 1)) end_notice();
  const int64_t progress = std::max(send_began_ns_, stream_->last_progress_ns());
  if (stream_->queued() > 0 && older(progress, options.send_timeout_ms)) {
    close();
  } else if (older(head_began_ns_, options.header_timeout_ms)) {
    go_away(NGHTTP2_ENHANCE_YOUR_CALM);
  } else if (streams_.empty() && older(began_idle_ns_, options.idle_timeout_ms)) {
    go_away(NGHTTP2_NO_ERROR);
  } else {
    for (const auto& stream : streams_) check_stream(*stream, now);
  }
  if (!closed_) arm_tick();
  drop_reference();
}

void Session::check_stream(StreamState& stream, int64_t now_ns) {
  const int64_t quiet_ms = (now_ns - stream.touched_ns_) / 1'000'000;
  if (stream.upgraded_ && stream.out_.empty()) return;
  const bool body_late = stream.pull_pending_ && stream.in_.empty() && !stream.in_ended_ &&
                         quiet_ms > core_->options.body_timeout_ms;
  // The client's window has been shut for so long: it holds our memory.
  const bool send_late = !stream.out_.empty() && quiet_ms > core_->options.send_timeout_ms;
  if (!body_late && !send_late) return;
  if (body_late && stream.response_ == StreamState::Response::none) {
    write_plain_error(stream, 408);
  } else {
    stream.aborted_ = true;
  }
  want_work(stream);
}

}  // namespace skep::net::http2
