#include "net/http1/response_parser.h"

#include <cstring>

#include "base/limits.h"
#include "base/limits_fetch.h"
#include "net/headers.h"

namespace skep::net::http1 {

struct ResponseParser::Callbacks {
  static ResponseParser& self(llhttp_t* parser) {
    return *static_cast<ResponseParser*>(parser->data);
  }

  static int on_message_begin(llhttp_t* parser) {
    self(parser).started_ = true;
    return 0;
  }

  static int on_status(llhttp_t* parser, const char* at, size_t length) {
    ResponseParser& that = self(parser);
    if (!that.note_head_bytes(length)) return -1;
    if (that.keep_headers_) that.status_text_.append(at, length);
    return 0;
  }

  static int on_header_field(llhttp_t* parser, const char* at, size_t length) {
    ResponseParser& that = self(parser);
    if (!that.note_head_bytes(length)) return -1;
    if (!that.keep_headers_ || that.head_complete_) return 0;
    if (that.in_value_) {
      if (that.offsets_.size() == limits::kHeaderCount) return -1;
      that.offsets_.push_back({that.text_.size(), 0, 0, 0});
      that.in_value_ = false;
    }
    that.text_.append(at, length);
    Offsets& last = that.offsets_.back();
    last.name_end = last.value_begin = last.value_end = that.text_.size();
    return 0;
  }

  static int on_header_value(llhttp_t* parser, const char* at, size_t length) {
    ResponseParser& that = self(parser);
    if (!that.note_head_bytes(length)) return -1;
    if (!that.keep_headers_ || that.head_complete_) return 0;
    that.text_.append(at, length);
    that.offsets_.back().value_end = that.text_.size();
    return 0;
  }

  static int on_header_value_complete(llhttp_t* parser) {
    self(parser).in_value_ = true;
    return 0;
  }

  static int on_headers_complete(llhttp_t* parser) {
    ResponseParser& that = self(parser);
    that.interim_ = parser->status_code / 100 == 1 && parser->status_code != 101;
    if (that.interim_) return ++that.interim_count_ > limits::kClientInterimResponses ? -1 : 0;
    that.status_ = parser->status_code;
    that.keep_alive_ = llhttp_should_keep_alive(parser) != 0;
    if (!that.complete_head() || !that.check_framing()) return -1;
    return that.head_request_ ? 1 : 0;
  }

  static int on_body(llhttp_t* parser, const char* at, size_t length) {
    ResponseParser& that = self(parser);
    that.body_bytes_ += length;
    if (that.sink_ != nullptr) that.sink_->append(at, length);
    if (that.views_ != nullptr) that.views_->emplace_back(at, length);
    return 0;
  }

  static int on_message_complete(llhttp_t* parser) {
    ResponseParser& that = self(parser);
    if (that.interim_) {
      that.text_.clear();
      that.offsets_.clear();
      that.status_text_.clear();
      return 0;
    }
    that.done_ = true;
    return HPE_PAUSED;
  }

  static constexpr llhttp_settings_t settings = {
      .on_message_begin = on_message_begin,
      .on_status = on_status,
      .on_header_field = on_header_field,
      .on_header_value = on_header_value,
      .on_headers_complete = on_headers_complete,
      .on_body = on_body,
      .on_message_complete = on_message_complete,
      .on_header_value_complete = on_header_value_complete,
  };
};

ResponseParser::ResponseParser(bool keep_headers) : keep_headers_(keep_headers) {
  llhttp_init(&parser_, HTTP_RESPONSE, &Callbacks::settings);
  parser_.data = this;
}

void ResponseParser::reset(bool head_request) {
  llhttp_reset(&parser_);
  text_.clear();
  offsets_.clear();
  headers_.clear();
  status_text_.clear();
  content_length_.reset();
  framing_bytes_ = 0;
  interim_count_ = 0;
  has_body_ = false;
  error_ = std::string_view();
  body_bytes_ = 0;
  head_bytes_ = 0;
  status_ = 0;
  in_value_ = true;
  head_request_ = head_request;
  started_ = head_complete_ = interim_ = done_ = failed_ = keep_alive_ = false;
}

void ResponseParser::fail(std::string_view why) {
  failed_ = true;
  error_ = why;
}

bool ResponseParser::note_head_bytes(size_t length) {
  head_bytes_ += length;
  return head_bytes_ <= limits::kHeaderBytes;
}

bool ResponseParser::complete_head() {
  head_complete_ = true;
  for (const Offsets& at : offsets_) {
    const std::string_view text = text_;
    headers_.push_back(
        {text.substr(at.name_begin, at.name_end - at.name_begin),
         trim_whitespace(text.substr(at.value_begin, at.value_end - at.value_begin))});
    if (is_token(headers_.back().name) && is_field_value(headers_.back().value)) continue;
    error_ = "a header that is none";
    return false;
  }
  if (is_field_value(status_text_)) return true;
  error_ = "a control character in the status line";
  return false;
}

bool ResponseParser::check_framing() {
  const bool length_given = (parser_.flags & F_CONTENT_LENGTH) != 0;
  const bool coded = (parser_.flags & F_TRANSFER_ENCODING) != 0;
  if (parser_.http_major != 1 || status_ < 100 || status_ > 999) {
    error_ = "not a status line of HTTP/1";
    return false;
  }
  // RFC 9112 6.3: both are an attempt at smuggling; 6.1: HTTP/1.0 has no transfer codings.
  if (coded && (length_given || parser_.http_minor == 0)) {
    error_ = "a transfer coding where none can be";
    return false;
  }
  // Only "chunked" was asked for; anything else would leave the body's end to guesses.
  if (keep_headers_ && coded &&
      (count_headers(headers_, "transfer-encoding") != 1 ||
       !equals_ignore_case(header_value(headers_, "transfer-encoding"), "chunked"))) {
    error_ = "an unknown transfer coding";
    return false;
  }
  if (length_given) content_length_ = parser_.content_length;
  const bool bodiless = status_ == 101 || status_ == 204 || status_ == 304 || head_request_;
  has_body_ = !bodiless && content_length_.value_or(1) > 0;
  return true;
}

size_t ResponseParser::feed(std::string_view data) {
  if (done_ || failed_ || data.empty()) return 0;
  const bool in_body = head_complete_;
  const uint64_t body_before = body_bytes_;
  const llhttp_errno_t error = llhttp_execute(&parser_, data.data(), data.size());
  const size_t used = error == HPE_OK
                          ? data.size()
                          : static_cast<size_t>(llhttp_get_error_pos(&parser_) - data.data());
  if (in_body) framing_bytes_ += used - (body_bytes_ - body_before);
  // Chunk extensions and trailers are noise: no more of it than small chunks would have.
  if (framing_bytes_ > limits::kChunkFramingBytes + 8 * body_bytes_) {
    done_ = false;
    fail("too much between the chunks");
    return used;
  }
  if (error == HPE_OK || done_) return used;
  if (error == HPE_PAUSED_UPGRADE && head_complete_) {
    done_ = true;
    return used;
  }
  const char* reason = llhttp_get_error_reason(&parser_);
  if (!error_.empty()) {
    fail(error_);
  } else {
    fail(error == HPE_USER || reason == nullptr ? "head too large" : reason);
  }
  return used;
}

void ResponseParser::feed_end() {
  if (done_ || failed_) return;
  if (llhttp_finish(&parser_) != HPE_OK && !done_) fail("connection ended inside the response");
  // The message may be complete only now; the connection is not fit for another.
  keep_alive_ = false;
  if (!done_ && !failed_) fail("connection ended before the response");
}

}  // namespace skep::net::http1
