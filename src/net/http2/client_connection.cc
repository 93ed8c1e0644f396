#include "net/http2/client_connection.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"
#include "base/limits_http2_client.h"
#include "net/http2/client_callbacks.h"
#include "net/http2/client_session.h"

namespace skep::net::http2 {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr size_t kFramesBytesKept = 64 * 1024;

nghttp2_nv field(std::string_view name, std::string_view value) {
  return {const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(name.data())),
          const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(value.data())), name.size(),
          value.size(), NGHTTP2_NV_FLAG_NONE};
}

nghttp2_session* make_session(ClientConnection& connection) {
  nghttp2_session_callbacks* callbacks = ClientCallbacks::make();
  nghttp2_option* option = nullptr;
  SKEP_ASSERT(nghttp2_option_new(&option) == 0);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_max_send_header_block_length(option, limits::kClientRequestHeadBytes * 2);
  nghttp2_session* session = nullptr;
  SKEP_ASSERT(nghttp2_session_client_new2(&session, callbacks, &connection, option) == 0);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits::kHttp2ClientStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits::kHeaderBytes}};
  SKEP_ASSERT(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings)) ==
              0);
  SKEP_ASSERT(nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
                                                    limits::kHttp2ClientConnectionWindow) == 0);
  return session;
}

}  // namespace

ClientConnection::ClientConnection(loop::Loop& loop, std::unique_ptr<Stream> stream,
                                   std::function<void(bool broken)> on_change)
    : loop_(loop),
      stream_(std::move(stream)),
      on_change_(std::move(on_change)),
      tolerance_(limits::kHttp2ClientIdleFramesBurst),
      tolerance_ns_(loop.now_ns()),
      idle_since_ns_(tolerance_ns_),
      deferred_([this] { run(); }),
      timer_(loop, [this] { on_timer(); }) {
  session_ = make_session(*this);
  stream_->set_events(this);
  stream_->receive();
  timer_.set_ms(limits::kClientCheckMs);
  loop_.defer(deferred_);
}

ClientConnection::~ClientConnection() {
  while (!streams_.empty()) {
    ClientStream& stream = *streams_.back();
    remove(stream);
    stream.closed(NGHTTP2_CANCEL);
  }
  nghttp2_session_del(session_);
}

// ---- streams

bool ClientConnection::has_room() const {
  if (stream_ == nullptr || going_away_) return false;
  if (nghttp2_session_check_request_allowed(session_) == 0) return false;
  const uint32_t theirs =
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return streams_.size() < std::min(theirs, limits::kHttp2ClientStreams);
}

std::unique_ptr<ClientExchange> ClientConnection::start(const ClientRequest& request,
                                                        ClientEvents& events) {
  auto stream = std::make_unique<ClientStream>(*this, loop_, request, events);
  stream->place_ = streams_.size();
  streams_.push_back(stream.get());
  if (stream_ == nullptr || !request.upgrade.empty()) {
    stream->fail(ClientFailure::lost, "the connection takes no such request");
    return stream;
  }
  if (stream->has_length_) {
    const bool fits = request.body.size() <= stream->length_left_ &&
                      (!request.body_complete || request.body.size() == stream->length_left_);
    if (!fits) {
      stream->fail(ClientFailure::refused, "the body is not as long as its Content-Length");
      return stream;
    }
    stream->length_left_ -= request.body.size();
  }
  submit(*stream, request);
  return stream;
}

// RFC 9113 8.3.1: the pseudo-headers first; names in lower case, which nghttp2 sees to.
void ClientConnection::submit(ClientStream& stream, const ClientRequest& request) {
  std::vector<nghttp2_nv> fields;
  fields.reserve(request.headers.size() + 5);
  fields.push_back(field(":method", request.method));
  fields.push_back(field(":scheme", request.secure ? "https" : "http"));
  fields.push_back(field(":authority", request.authority));
  fields.push_back(field(":path", request.target));
  for (const Header& header : request.headers) fields.push_back(field(header.name, header.value));
  char digits[20];
  const bool says_zero =
      !request.has_body &&
      (request.method == "POST" || request.method == "PUT" || request.method == "PATCH");
  if ((request.has_body && request.content_length) || says_zero) {
    const char* end =
        std::to_chars(digits, digits + sizeof digits, request.content_length.value_or(0)).ptr;
    fields.push_back(field("content-length", {digits, static_cast<size_t>(end - digits)}));
  }
  const bool bodiless = stream.request_done_ && stream.out_.empty();
  nghttp2_data_provider provider{};
  provider.read_callback = ClientCallbacks::read_body;
  stream.id_ = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                      bodiless ? nullptr : &provider, &stream);
  if (stream.id_ < 0) {
    stream.id_ = 0;
    return stream.fail(ClientFailure::lost, "the connection takes nothing more");
  }
  loop_.defer(deferred_);
}

void ClientConnection::want_send(ClientStream& stream) {
  if (std::exchange(stream.out_deferred_, false)) nghttp2_session_resume_data(session_, stream.id_);
  loop_.defer(deferred_);
}

void ClientConnection::consumed(ClientStream& stream, size_t bytes) {
  nghttp2_session_consume_stream(session_, stream.id_, bytes);
  loop_.defer(deferred_);
}

void ClientConnection::drop(ClientStream& stream) {
  remove(stream);
  if (stream_ == nullptr || stream.id_ == 0) return;
  nghttp2_session_set_stream_user_data(session_, stream.id_, nullptr);
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, NGHTTP2_CANCEL);
}

void ClientConnection::remove(ClientStream& stream) {
  ClientStream* last = streams_.back();
  streams_[stream.place_] = last;
  last->place_ = stream.place_;
  streams_.pop_back();
  if (streams_.empty()) idle_since_ns_ = loop_.now_ns();
  changed_ = true;
  loop_.defer(deferred_);
}

// ---- the connection

void ClientConnection::on_data(std::span<const char> data) {
  const ssize_t used = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const uint8_t*>(data.data()), data.size());
  if (used < 0) {
    return fail_all(ClientFailure::bad_response, nghttp2_strerror(static_cast<int>(used)));
  }
  loop_.defer(deferred_);
}

void ClientConnection::on_error(int error) {
  fail_all(ClientFailure::lost, fail_errno("the connection broke", error).error().message);
}

void ClientConnection::on_sent() {
  send_began_ns_ = 0;
  loop_.defer(deferred_);
}

// Later in the turn, on the loop's stack, when something has happened.
void ClientConnection::run() {
  if (stream_ != nullptr) send_frames();
  if (stream_ != nullptr && nghttp2_session_want_read(session_) == 0 &&
      nghttp2_session_want_write(session_) == 0) {
    fail_all(going_away_ ? ClientFailure::lost : ClientFailure::bad_response,
             "the connection has ended");
  }
  const bool broken = stream_ == nullptr || (going_away_ && streams_.empty());
  if (broken && !std::exchange(told_broken_, true)) return on_change_(true);
  if (!told_broken_ && std::exchange(changed_, false)) on_change_(false);
}

void ClientConnection::send_frames() {
  frames_.clear();
  while (stream_->queued() + frames_.size() < limits::kClientSendHighWater) {
    const uint8_t* bytes = nullptr;
    const ssize_t count = nghttp2_session_mem_send(session_, &bytes);
    if (count < 0) {
      return fail_all(ClientFailure::lost, nghttp2_strerror(static_cast<int>(count)));
    }
    if (count == 0) break;
    frames_.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(count));
  }
  if (frames_.empty()) return;
  if (send_began_ns_ == 0) send_began_ns_ = loop_.now_ns();
  stream_->send(frames_);
  if (frames_.capacity() > kFramesBytesKept) frames_ = std::string();
}

void ClientConnection::fail_all(ClientFailure kind, std::string_view why) {
  if (stream_ == nullptr) return;
  stream_.reset();
  timer_.cancel();
  while (!streams_.empty()) {
    // Takes it off the list.
    ClientStream& stream = *streams_.back();
    if (stream.ended_) {
      remove(stream);
      stream.closed(NGHTTP2_NO_ERROR);
    } else {
      stream.fail(kind, why);
    }
  }
  loop_.defer(deferred_);
}

bool ClientConnection::tolerate() {
  const int64_t now_ns = loop_.now_ns();
  const double earned =
      static_cast<double>(now_ns - tolerance_ns_) * 1e-9 * limits::kHttp2ClientIdleFramesPerSecond;
  tolerance_ = std::min(limits::kHttp2ClientIdleFramesBurst, tolerance_ + earned) - 1;
  tolerance_ns_ = now_ns;
  return tolerance_ >= 0;
}

void ClientConnection::on_timer() {
  const int64_t now_ns = loop_.now_ns();
  const auto older = [now_ns](int64_t since_ns, int64_t limit_ms) {
    return now_ns - since_ns > limit_ms * kNsPerMs;
  };
  timer_.set_ms(limits::kClientCheckMs);
  if (streams_.empty() && older(idle_since_ns_, limits::kClientIdleMs)) {
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
    send_frames();
    return fail_all(ClientFailure::lost, "the connection was idle");
  }
  if (stream_->queued() > 0 &&
      older(std::max(send_began_ns_, stream_->last_progress_ns()), limits::kClientSendMs)) {
    return fail_all(ClientFailure::lost, "it takes nothing more");
  }
  // From the back: one that fails is replaced by one that was looked at.
  for (size_t i = streams_.size(); i > 0; i--) {
    ClientStream& stream = *streams_[i - 1];
    if (!stream.out_.empty()) {
      if (older(stream.progress_ns_, limits::kClientSendMs)) {
        stream.fail(ClientFailure::lost, "it takes nothing more of the request");
      }
    } else if (!stream.head_done_) {
      if (stream.request_done_ && older(stream.progress_ns_, limits::kClientHeadMs)) {
        stream.fail(ClientFailure::lost, "no response in time");
      }
    } else if (stream.pulled_ && older(stream.progress_ns_, limits::kClientBodyMs)) {
      stream.fail(ClientFailure::lost, "nothing more of the response's body in time");
    }
  }
}

std::unique_ptr<ClientSession> make_client_session(loop::Loop& loop, std::unique_ptr<Stream> stream,
                                                   std::function<void(bool broken)> on_change) {
  return std::make_unique<ClientConnection>(loop, std::move(stream), std::move(on_change));
}

}  // namespace skep::net::http2
