// Requests out of bytes, one after another: llhttp (strict) finds the tokens, this class keeps the
// head, checks that llhttp's tokens tile it without a byte between them that others might read
// differently, applies the rules and the bounds. It pulls: each call of feed() stops at the next
// event, so that a body is parsed no faster than it is wanted. Owned by an exchange; runs in the
// shard.
#pragma once

#include <llhttp.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"
#include "net/http1/request_rules.h"

namespace skep::net::http1 {

class RequestParser {
 public:
  enum class Event : uint8_t {
    need_more,  // all of the input is used
    head,       // head() is complete
    body,       // body() has bytes; they point into the input
    end,        // the request is complete; said again at each call until reset()
    refused,    // refusal() says why; said again at each call until reset()
  };

  RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Ready for another request; keeps memory of a usual size.
  void reset();
  // Parses from the start of `input` to the next event; `used` is what was taken of it.
  Event feed(std::string_view input, size_t& used);

  const RequestHead& head() const { return head_; }
  const RequestFraming& framing() const { return framing_; }
  std::string_view body() const { return body_; }
  int refusal() const { return refusal_; }
  // Some byte of a request line has come.
  bool started() const { return stage_ != Stage::before; }
  bool ended() const { return stage_ == Stage::end; }
  size_t head_bytes() const { return raw_.size(); }
  uint64_t body_bytes() const { return body_bytes_; }
  bool is_head_method() const { return started() && parser_.method == HTTP_HEAD; }

 private:
  enum class Stage : uint8_t { before, request_line, headers, body, end, refused };

  // Offsets into the head, since it may move while it grows.
  struct Span {
    uint32_t begin = 0;
    uint32_t end = 0;
    bool open = false;  // llhttp may still add to it
  };
  struct HeaderSpan {
    Span name;
    Span value;
  };
  struct Callbacks;

  Event refuse(int status);
  Event skip_empty_lines(std::string_view input, size_t& used);
  Event feed_head(std::string_view input, size_t& used);
  Event feed_body(std::string_view input, size_t& used);
  Event complete_head();
  int status_of_error(const char* input_end) const;
  bool extend(Span& span, const char* at, size_t length);
  bool tiles_request_line() const;
  bool tiles_headers() const;
  std::string_view text(const Span& span) const {
    return std::string_view(raw_).substr(span.begin, span.end - span.begin);
  }

  llhttp_t parser_;
  std::string raw_;  // the head's bytes so far
  const char* input_ =
      nullptr;  // of the llhttp_execute that runs; offset input_offset_ in the head
  size_t input_offset_ = 0;
  Span target_;
  std::vector<HeaderSpan> spans_;
  std::vector<Header> headers_;
  RequestHead head_;
  RequestFraming framing_;
  std::string_view body_;
  uint64_t body_bytes_ = 0;
  uint64_t framing_bytes_ = 0;  // of a chunked body: sizes, extensions, trailers
  uint32_t tail_ = 0;           // the last four bytes of a body's wire form
  size_t headers_begin_ = 0;
  int refusal_ = 0;
  uint8_t empty_lines_ = 0;
  bool saw_cr_ = false;
  bool message_complete_ = false;
  Stage stage_ = Stage::before;
};

}  // namespace skep::net::http1
