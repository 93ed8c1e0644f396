#include "net/http2/callbacks.h"

#include <algorithm>
#include <cstring>

#include "base/limits_http2.h"

namespace skep::net::http2 {
namespace {

Session& session_of(void* user) {
  return *static_cast<Session*>(user);
}

StreamState* stream_of(nghttp2_session* session, int32_t id) {
  return static_cast<StreamState*>(nghttp2_session_get_stream_user_data(session, id));
}

}  // namespace

nghttp2_session_callbacks* Session::Callbacks::all() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, begin_frame);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data_chunk);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frame_sent);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, invalid_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_closed);
  return callbacks;
}

// Every frame's header, that of CONTINUATION too. What makes us work for nothing is counted.
int Session::Callbacks::begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) {
  Session& self = session_of(user);
  switch (head->type) {
    case NGHTTP2_DATA:
      if (head->length > 0 || (head->flags & NGHTTP2_FLAG_END_STREAM) != 0) return 0;
      break;
    case NGHTTP2_HEADERS:
      self.continuations_ = 0;
      if ((head->flags & NGHTTP2_FLAG_END_HEADERS) == 0)
        self.head_began_ns_ = self.core_->loop.now_ns();
      return 0;
    case NGHTTP2_CONTINUATION:
      if ((head->flags & NGHTTP2_FLAG_END_HEADERS) != 0) self.head_began_ns_ = 0;
      if (++self.continuations_ > limits::kHttp2ContinuationFrames) {
        self.go_away(NGHTTP2_ENHANCE_YOUR_CALM);
        return NGHTTP2_ERR_CALLBACK_FAILURE;
      }
      break;
    case NGHTTP2_WINDOW_UPDATE:
      return 0;
    default:
      break;
  }
  return self.tolerate(1) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

int Session::Callbacks::begin_headers(nghttp2_session* session, const nghttp2_frame* frame,
                                      void* user) {
  Session& self = session_of(user);
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;  // trailers
  self.streams_.push_back(std::make_unique<StreamState>(self, frame->hd.stream_id));
  StreamState& stream = *self.streams_.back();
  stream.touched_ns_ = self.core_->loop.now_ns();
  nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, &stream);
  return 0;
}

int Session::Callbacks::header(nghttp2_session* session, const nghttp2_frame* frame,
                               const uint8_t* name, size_t name_size, const uint8_t* value,
                               size_t value_size, uint8_t, void* user) {
  StreamState* stream = stream_of(session, frame->hd.stream_id);
  if (stream == nullptr || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  const bool kept = stream->fields.add({reinterpret_cast<const char*>(name), name_size},
                                       {reinterpret_cast<const char*>(value), value_size});
  // Few bytes on the wire may decode to any number of fields (CVE-2016-6581): each beyond what is
  // kept costs.
  if (!kept && !session_of(user).tolerate(0.05)) return NGHTTP2_ERR_CALLBACK_FAILURE;
  return 0;
}

void Session::Callbacks::end_of_input(Session& self, StreamState& stream) {
  stream.in_ended_ = true;
  self.want_work(stream);
}

int Session::Callbacks::frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
  Session& self = session_of(user);
  if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
    self.end_notice();
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  StreamState* stream = stream_of(session, frame->hd.stream_id);
  const bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (frame->hd.type == NGHTTP2_HEADERS) self.head_began_ns_ = 0;
  if (stream == nullptr) return 0;
  if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
    stream->head_done_ = true;
    self.want_work(*stream);
  }
  if (ended) end_of_input(self, *stream);
  return 0;
}

int Session::Callbacks::data_chunk(nghttp2_session* session, uint8_t, int32_t id,
                                   const uint8_t* data, size_t size, void* user) {
  Session& self = session_of(user);
  StreamState* stream = stream_of(session, id);
  // Nobody will read it: the window goes back at once.
  if (stream == nullptr || stream->refused_ || (stream->told_closed_ && !stream->upgraded_) ||
      (stream->upgraded_ && stream->tunnel_ == nullptr)) {
    nghttp2_session_consume(session, id, size);
    return 0;
  }
  stream->in_.append({reinterpret_cast<const char*>(data), size});
  stream->touched_ns_ = self.core_->loop.now_ns();
  self.want_work(*stream);
  return 0;
}

int Session::Callbacks::frame_sent(nghttp2_session* session, const nghttp2_frame* frame,
                                   void* user) {
  if ((frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) ||
      (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) {
    return 0;
  }
  if (StreamState* stream = stream_of(session, frame->hd.stream_id)) {
    stream->end_sent_ = true;
    session_of(user).want_work(*stream);
  }
  return 0;
}

int Session::Callbacks::invalid_frame(nghttp2_session*, const nghttp2_frame*, int, void* user) {
  return session_of(user).tolerate(1) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

int Session::Callbacks::stream_closed(nghttp2_session* session, int32_t id, uint32_t code,
                                      void* user) {
  Session& self = session_of(user);
  StreamState* stream = stream_of(session, id);
  if (stream == nullptr) return 0;
  stream->gone_ = true;
  self.want_work(*stream);
  return 0;
}

ssize_t Session::Callbacks::read_body(nghttp2_session*, int32_t, uint8_t* out, size_t room,
                                      uint32_t* flags, nghttp2_data_source* source, void* user) {
  StreamState& stream = *static_cast<StreamState*>(source->ptr);
  const size_t count = std::min(room, stream.out_.size());
  std::memcpy(out, stream.out_.view().data(), count);
  stream.out_.consume(count);
  if (count > 0) stream.touched_ns_ = session_of(user).core_->loop.now_ns();
  if (stream.out_.empty()) {
    session_of(user).want_work(stream);  // writable, or all sent
    if (stream.response_ == StreamState::Response::finished && !stream.broken_) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    } else if (count == 0) {
      stream.out_deferred_ = true;
      return NGHTTP2_ERR_DEFERRED;
    }
  }
  return static_cast<ssize_t>(count);
}

}  // namespace skep::net::http2
