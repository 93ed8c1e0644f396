#include "net/http1/request_parser.h"

#include <algorithm>

#include "base/assert.h"
#include "base/limits.h"
#include "net/headers.h"

namespace skep::net::http1 {
namespace {

// RFC 9112 2.2: an empty line or two before a request are forgiven.
constexpr uint8_t kEmptyLinesForgiven = 4;
// A parser that goes back to its pool keeps no more than this.
constexpr size_t kRawBytesKept = 16 * 1024;
constexpr size_t kHeadersKept = 64;
// CR LF CR LF: what every chunked body ends with, trailers or not.
constexpr uint32_t kEmptyLine = 0x0d0a0d0a;

}  // namespace

// llhttp's view of the parser. Spans come in pieces when the input does.
struct RequestParser::Callbacks {
  static RequestParser& self(llhttp_t* parser) {
    return *static_cast<RequestParser*>(parser->data);
  }

  static int on_url(llhttp_t* parser, const char* at, size_t length) {
    RequestParser& that = self(parser);
    return that.extend(that.target_, at, length) ? 0 : -1;
  }

  static int on_header_field(llhttp_t* parser, const char* at, size_t length) {
    RequestParser& that = self(parser);
    if (that.stage_ == Stage::body) return 0;  // a trailer: dropped
    if (that.stage_ == Stage::request_line) {
      that.stage_ = Stage::headers;
      that.headers_begin_ = that.input_offset_ + static_cast<size_t>(at - that.input_);
    }
    if (that.spans_.empty() || !that.spans_.back().name.open) {
      if (that.spans_.size() == limits::kHeaderCount) {
        that.refusal_ = 431;
        return -1;
      }
      that.spans_.emplace_back();
    }
    return that.extend(that.spans_.back().name, at, length) ? 0 : -1;
  }

  static int on_header_value(llhttp_t* parser, const char* at, size_t length) {
    RequestParser& that = self(parser);
    if (that.stage_ == Stage::body) return 0;
    if (that.spans_.empty()) return -1;
    that.spans_.back().name.open = false;
    return that.extend(that.spans_.back().value, at, length) ? 0 : -1;
  }

  static int on_header_value_complete(llhttp_t* parser) {
    RequestParser& that = self(parser);
    if (that.stage_ != Stage::body && !that.spans_.empty()) that.spans_.back().name.open = false;
    return 0;
  }

  static int on_headers_complete(llhttp_t*) { return HPE_PAUSED; }

  static int on_body(llhttp_t* parser, const char* at, size_t length) {
    self(parser).body_ = {at, length};
    return HPE_PAUSED;
  }

  static int on_message_complete(llhttp_t* parser) {
    self(parser).message_complete_ = true;
    return HPE_PAUSED;
  }

  static constexpr llhttp_settings_t settings = {
      .on_url = on_url,
      .on_header_field = on_header_field,
      .on_header_value = on_header_value,
      .on_headers_complete = on_headers_complete,
      .on_body = on_body,
      .on_message_complete = on_message_complete,
      .on_header_value_complete = on_header_value_complete,
  };
};

RequestParser::RequestParser() {
  llhttp_init(&parser_, HTTP_REQUEST, &Callbacks::settings);
  parser_.data = this;
}

void RequestParser::reset() {
  llhttp_reset(&parser_);
  if (raw_.capacity() > kRawBytesKept) raw_ = std::string();
  if (spans_.capacity() > kHeadersKept) {
    spans_ = std::vector<HeaderSpan>();
    headers_ = std::vector<Header>();
  }
  raw_.clear();
  spans_.clear();
  headers_.clear();
  target_ = Span();
  head_ = RequestHead();
  framing_ = RequestFraming();
  body_ = std::string_view();
  body_bytes_ = 0;
  framing_bytes_ = 0;
  tail_ = 0;
  headers_begin_ = 0;
  refusal_ = 0;
  empty_lines_ = 0;
  saw_cr_ = false;
  message_complete_ = false;
  stage_ = Stage::before;
}

RequestParser::Event RequestParser::refuse(int status) {
  refusal_ = status;
  stage_ = Stage::refused;
  return Event::refused;
}

RequestParser::Event RequestParser::feed(std::string_view input, size_t& used) {
  used = 0;
  if (stage_ == Stage::before) {
    const Event event = skip_empty_lines(input, used);
    if (stage_ != Stage::request_line) return event;
  }
  switch (stage_) {
    case Stage::request_line:
    case Stage::headers:
      return feed_head(input, used);
    case Stage::body:
      return feed_body(input, used);
    case Stage::end:
      return Event::end;
    case Stage::before:
    case Stage::refused:
      break;
  }
  return Event::refused;
}

// llhttp would skip bare CRs and LFs here too.
RequestParser::Event RequestParser::skip_empty_lines(std::string_view input, size_t& used) {
  for (; used < input.size(); used++) {
    const char c = input[used];
    if (saw_cr_) {
      if (c != '\n' || ++empty_lines_ > kEmptyLinesForgiven) return refuse(400);
      saw_cr_ = false;
    } else if (c == '\r') {
      saw_cr_ = true;
    } else if (c == '\n') {
      return refuse(400);
    } else {
      stage_ = Stage::request_line;
      break;
    }
  }
  return Event::need_more;
}

// Adds [at, at + length) to the span; false when it does not go on where the span ended (a folded
// header line does that).
bool RequestParser::extend(Span& span, const char* at, size_t length) {
  const auto begin = static_cast<uint32_t>(input_offset_ + static_cast<size_t>(at - input_));
  if (!span.open && span.end == 0) {
    span = {begin, begin + static_cast<uint32_t>(length), true};
    return true;
  }
  if (begin != span.end) return false;
  span.end = begin + static_cast<uint32_t>(length);
  return true;
}

RequestParser::Event RequestParser::feed_head(std::string_view input, size_t& used) {
  while (true) {
    // No more than up to the bound, so that the answer does not depend on how the bytes arrive.
    const bool in_line = stage_ == Stage::request_line;
    const size_t bound =
        in_line ? limits::kRequestLineBytes : headers_begin_ + limits::kHeaderBytes;
    const std::string_view piece = input.substr(used, bound - raw_.size());
    if (piece.empty()) {
      if (raw_.size() < bound) return Event::need_more;
      return refuse(in_line ? 414 : 431);
    }
    input_ = piece.data();
    input_offset_ = raw_.size();
    const llhttp_errno_t error = llhttp_execute(&parser_, piece.data(), piece.size());
    if (error == HPE_OK) {
      raw_.append(piece);
      used += piece.size();
      continue;
    }
    const char* stopped_at = llhttp_get_error_pos(&parser_);
    if (error != HPE_PAUSED) return refuse(status_of_error(piece.data() + piece.size()));
    const auto length = static_cast<size_t>(stopped_at - piece.data());
    raw_.append(piece.substr(0, length));
    used += length;
    return complete_head();
  }
}

int RequestParser::status_of_error(const char* input_end) const {
  if (refusal_ != 0) return refusal_;
  switch (parser_.error) {
    case HPE_INVALID_METHOD: {
      // A method that we don't know is 501; what is no method at all (TLS, garbage) is 400.
      const char* at = llhttp_get_error_pos(&parser_);
      const bool method_goes_on = at != nullptr && at < input_end && is_token({at, 1});
      return method_goes_on ? 501 : 400;
    }
    case HPE_PAUSED_H2_UPGRADE:
      return 505;
    default:
      return 400;
  }
}

RequestParser::Event RequestParser::complete_head() {
  if (parser_.http_major != 1) return refuse(505);
  if (!tiles_request_line() || !tiles_headers()) return refuse(400);
  // The lines' own CRs and LFs, and no other control character.
  if (count_control_characters(raw_) != 2 * (spans_.size() + 2)) return refuse(400);
  head_.method = std::string_view(raw_).substr(0, target_.begin - 1);
  head_.target = text(target_);
  head_.version_minor = parser_.http_minor;
  for (const HeaderSpan& span : spans_) {
    headers_.push_back({text(span.name), trim_whitespace(text(span.value))});
  }
  if (const int refusal = apply_request_rules(head_, headers_, framing_); refusal != 0)
    return refuse(refusal);
  // llhttp frames the body; it must have understood the same as we did.
  const bool llhttp_chunked = (parser_.flags & F_CHUNKED) != 0;
  const uint64_t llhttp_length =
      (parser_.flags & F_CONTENT_LENGTH) != 0 ? parser_.content_length : 0;
  if (llhttp_chunked != framing_.chunked || llhttp_length != head_.content_length.value_or(0))
    return refuse(400);
  if (head_.has_body) {
    stage_ = Stage::body;
    llhttp_resume(&parser_);
  } else {
    stage_ = Stage::end;
  }
  return Event::head;
}

// METHOD SP target SP HTTP/1.x CRLF, and nothing else.
bool RequestParser::tiles_request_line() const {
  const std::string_view method = llhttp_method_name(static_cast<llhttp_method_t>(parser_.method));
  const std::string_view raw = raw_;
  if (!raw.starts_with(method) || target_.begin != method.size() + 1) return false;
  if (raw[method.size()] != ' ' || target_.end <= target_.begin) return false;
  const std::string_view rest = raw.substr(target_.end);
  if (parser_.http_minor > 1) return false;
  return rest.starts_with(parser_.http_minor == 1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
}

// name ":" OWS value OWS CRLF for each header, then CRLF and the end.
bool RequestParser::tiles_headers() const {
  constexpr size_t kVersionBytes = 11;  // " HTTP/1.1\r\n"
  const std::string_view raw = raw_;
  size_t at = target_.end + kVersionBytes;
  for (const HeaderSpan& span : spans_) {
    if (span.name.begin != at || span.name.end <= at || raw[span.name.end] != ':') return false;
    at = span.name.end + 1;
    // llhttp places an empty value wherever it stood when it saw that nothing comes: beyond the
    // line.
    const bool empty = span.value.begin == span.value.end;
    const size_t value_begin = empty ? at : span.value.begin;
    const size_t value_end = empty ? at : span.value.end;
    if (value_begin < at || value_end < value_begin) return false;
    if (!trim_whitespace(raw.substr(at, value_begin - at)).empty()) return false;
    at = value_end;
    while (at < raw.size() && (raw[at] == ' ' || raw[at] == '\t')) at++;
    if (raw.substr(at, 2) != "\r\n") return false;
    at += 2;
  }
  return raw.substr(at) == "\r\n";
}

RequestParser::Event RequestParser::feed_body(std::string_view input, size_t& used) {
  body_ = std::string_view();
  const llhttp_errno_t error = llhttp_execute(&parser_, input.data(), input.size());
  if (error != HPE_OK && error != HPE_PAUSED) return refuse(400);
  size_t length = input.size();
  if (error == HPE_PAUSED) {
    length = static_cast<size_t>(llhttp_get_error_pos(&parser_) - input.data());
    llhttp_resume(&parser_);
  }
  used += length;
  const size_t tail_bytes = std::min<size_t>(length, 4);
  for (const char c : input.substr(length - tail_bytes, tail_bytes))
    tail_ = tail_ << 8 | static_cast<uint8_t>(c);
  body_bytes_ += body_.size();
  framing_bytes_ += length - body_.size();
  // Chunk extensions and trailers are noise to us: no more of it than small chunks would have.
  if (framing_bytes_ > limits::kChunkFramingBytes + 8 * body_bytes_) return refuse(400);
  if (!body_.empty()) return Event::body;
  if (!message_complete_) return Event::need_more;
  // llhttp lets a bare LF end the trailers.
  if (framing_.chunked && tail_ != kEmptyLine) return refuse(400);
  stage_ = Stage::end;
  return Event::end;
}

}  // namespace skep::net::http1
