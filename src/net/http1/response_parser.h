// Responses out of bytes: the client's half, for outbound requests, `skep bench` and tests. Stands
// alone: needs no loop and no connection. One parser reads the responses of one connection, one
// after another; it keeps its memory between them. What an origin sends is not trusted: a response
// that two readers could understand differently (RFC 9112 6.3) is refused.
#pragma once

#include <llhttp.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

namespace skep::net::http1 {

class ResponseParser {
 public:
  // keep_headers false: headers() stays empty, and nothing is copied.
  explicit ResponseParser(bool keep_headers = true);
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  // Ready for the next response. head_request: the request was HEAD, so no body follows.
  void reset(bool head_request = false);
  // Body bytes are appended to it; null: they are counted and dropped.
  void set_body_sink(std::string* sink) { sink_ = sink; }
  // Body bytes are named where they lie in feed()'s data; set instead of a sink.
  void set_body_views(std::vector<std::string_view>* views) { views_ = views; }

  // Reads up to the end of this response; returns how much was used. 1xx responses before it are
  // skipped (but 101, which ends it). Nothing is used once done() or failed().
  size_t feed(std::string_view data);
  // The connection ended: completes a body that is delimited by that, fails an incomplete one.
  void feed_end();

  bool started() const { return started_; }
  bool head_complete() const { return head_complete_; }
  bool done() const { return done_; }
  bool failed() const { return failed_; }
  // Why it failed; "" if it did not.
  std::string_view error() const { return error_; }

  int status() const { return status_; }
  std::string_view status_text() const { return status_text_; }
  int version_minor() const { return parser_.http_minor; }
  // Of the body that follows the head; no value: chunked, or until the connection's end.
  std::optional<uint64_t> content_length() const { return content_length_; }
  // Whether body bytes may follow the head.
  bool has_body() const { return has_body_; }
  std::span<const Header> headers() const { return headers_; }
  uint64_t body_bytes() const { return body_bytes_; }
  // Whether another response may follow; valid when done.
  bool keep_alive() const { return keep_alive_; }

 private:
  struct Callbacks;
  struct Offsets {
    size_t name_begin, name_end, value_begin, value_end;
  };

  void fail(std::string_view why);
  bool complete_head();
  // What the head says of the body; false: it can't be trusted.
  bool check_framing();
  bool note_head_bytes(size_t length);

  llhttp_t parser_;
  std::string text_;  // names and values, back to back
  std::vector<Offsets> offsets_;
  std::vector<Header> headers_;
  std::string status_text_;
  std::string* sink_ = nullptr;
  std::vector<std::string_view>* views_ = nullptr;
  std::optional<uint64_t> content_length_;
  std::string_view error_;
  uint64_t body_bytes_ = 0;
  size_t head_bytes_ = 0;
  uint64_t framing_bytes_ = 0;  // of chunks and trailers
  unsigned interim_count_ = 0;
  int status_ = 0;
  bool keep_headers_;
  bool in_value_ = true;  // of the header that came last
  bool head_request_ = false;
  bool started_ = false;
  bool head_complete_ = false;
  bool has_body_ = false;
  bool interim_ = false;  // a 1xx response is being read
  bool done_ = false;
  bool failed_ = false;
  bool keep_alive_ = false;
};

}  // namespace skep::net::http1
