#include "net/http2/client_callbacks.h"

#include "base/assert.h"

namespace skep::net::http2 {
namespace {

ClientConnection& connection_of(void* user) {
  return *static_cast<ClientConnection*>(user);
}

// Null when nobody is interested in the stream any more.
ClientStream* stream_of(nghttp2_session* session, int32_t id) {
  return static_cast<ClientStream*>(nghttp2_session_get_stream_user_data(session, id));
}

}  // namespace

nghttp2_session_callbacks* ClientCallbacks::make() {
  nghttp2_session_callbacks* callbacks = nullptr;
  SKEP_ASSERT(nghttp2_session_callbacks_new(&callbacks) == 0);
  nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, begin_frame);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data_chunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_closed);
  return callbacks;
}

// What makes us work and brings nothing is counted. WINDOW_UPDATE goes with what we send.
int ClientCallbacks::begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) {
  const bool carries = head->type == NGHTTP2_HEADERS || head->type == NGHTTP2_WINDOW_UPDATE ||
                       (head->type == NGHTTP2_DATA &&
                        (head->length > 0 || (head->flags & NGHTTP2_FLAG_END_STREAM) != 0));
  return carries || connection_of(user).tolerate() ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

int ClientCallbacks::header(nghttp2_session* session, const nghttp2_frame* frame,
                            const uint8_t* name, size_t name_bytes, const uint8_t* value,
                            size_t value_bytes, uint8_t, void* user) {
  ClientStream* stream = stream_of(session, frame->hd.stream_id);
  // After the head come trailers, which nobody asks for.
  if (stream == nullptr || stream->head_done_) return 0;
  const bool kept = stream->add_field({reinterpret_cast<const char*>(name), name_bytes},
                                      {reinterpret_cast<const char*>(value), value_bytes});
  if (kept) return 0;
  stream->fail(ClientFailure::bad_response, "the response's headers are too large");
  // Few bytes may decode to many: no more of this block is looked at.
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int ClientCallbacks::frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
  if (frame->hd.type == NGHTTP2_GOAWAY) connection_of(user).going_away_ = true;
  // The origin may take more, or fewer, streams than it did.
  if (frame->hd.type == NGHTTP2_SETTINGS) connection_of(user).changed_ = true;
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  ClientStream* stream = stream_of(session, frame->hd.stream_id);
  if (stream == nullptr) return 0;
  const bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (frame->hd.type == NGHTTP2_HEADERS && !stream->head_done_) stream->head_complete(last);
  if (!last || stream->failed_) return 0;
  stream->ended_ = true;
  if (stream->pulled_) stream->loop_.defer(stream->deferred_);
  // RFC 9113 8.1: the rest of the request is of no use.
  if (!stream->request_done_ || !stream->out_.empty()) {
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_CANCEL);
  }
  return 0;
}

int ClientCallbacks::data_chunk(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data,
                                size_t bytes, void*) {
  nghttp2_session_consume_connection(session, bytes);
  ClientStream* stream = stream_of(session, id);
  if (stream == nullptr) {
    nghttp2_session_consume_stream(session, id, bytes);
  } else {
    stream->add_body({reinterpret_cast<const char*>(data), bytes});
  }
  return 0;
}

int ClientCallbacks::stream_closed(nghttp2_session* session, int32_t id, uint32_t code,
                                   void* user) {
  ClientStream* stream = stream_of(session, id);
  if (stream == nullptr) return 0;
  connection_of(user).remove(*stream);
  stream->closed(code);
  return 0;
}

ssize_t ClientCallbacks::read_body(nghttp2_session* session, int32_t id, uint8_t* out, size_t room,
                                   uint32_t* flags, nghttp2_data_source*, void*) {
  ClientStream* stream = stream_of(session, id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const size_t count = stream->take_out(reinterpret_cast<char*>(out), room);
  if (stream->out_.empty() && stream->request_done_) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
  } else if (count == 0) {
    stream->out_deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  return static_cast<ssize_t>(count);
}

}  // namespace skep::net::http2
