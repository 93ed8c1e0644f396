// What nghttp2 calls for a connection to an origin: each notes what happened, none calls the
// exchanges' owners.
#pragma once

#include <nghttp2/nghttp2.h>

#include "net/http2/client_connection.h"

namespace skep::net::http2 {

struct ClientCallbacks {
  static nghttp2_session_callbacks* make();
  // A DATA frame's bytes, of the request's body.
  static ssize_t read_body(nghttp2_session* session, int32_t id, uint8_t* out, size_t room,
                           uint32_t* flags, nghttp2_data_source* source, void* user);

 private:
  static int begin_frame(nghttp2_session* session, const nghttp2_frame_hd* head, void* user);
  static int header(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                    size_t name_bytes, const uint8_t* value, size_t value_bytes, uint8_t flags,
                    void* user);
  static int frame(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  static int data_chunk(nghttp2_session* session, uint8_t flags, int32_t id, const uint8_t* data,
                        size_t bytes, void* user);
  static int stream_closed(nghttp2_session* session, int32_t id, uint32_t code, void* user);
};

}  // namespace skep::net::http2
