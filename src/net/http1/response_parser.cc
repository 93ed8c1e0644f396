#include "net/http1/response_parser.h"

#include "base/limits.h"
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

  static int on_status(llhttp_t* parser, const char*, size_t length) {
    return self(parser).note_head_bytes(length) ? 0 : -1;
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
    if (that.interim_) return 0;
    that.status_ = parser->status_code;
    that.keep_alive_ = llhttp_should_keep_alive(parser) != 0;
    that.complete_head();
    return that.head_request_ ? 1 : 0;
  }

  static int on_body(llhttp_t* parser, const char* at, size_t length) {
    ResponseParser& that = self(parser);
    that.body_bytes_ += length;
    if (that.sink_ != nullptr) that.sink_->append(at, length);
    return 0;
  }

  static int on_message_complete(llhttp_t* parser) {
    ResponseParser& that = self(parser);
    if (that.interim_) {
      that.text_.clear();
      that.offsets_.clear();
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

void ResponseParser::complete_head() {
  head_complete_ = true;
  for (const Offsets& at : offsets_) {
    const std::string_view text = text_;
    headers_.push_back(
        {text.substr(at.name_begin, at.name_end - at.name_begin),
         trim_whitespace(text.substr(at.value_begin, at.value_end - at.value_begin))});
  }
}

size_t ResponseParser::feed(std::string_view data) {
  if (done_ || failed_ || data.empty()) return 0;
  const llhttp_errno_t error = llhttp_execute(&parser_, data.data(), data.size());
  if (error == HPE_OK) return data.size();
  const auto used = static_cast<size_t>(llhttp_get_error_pos(&parser_) - data.data());
  if (done_) return used;
  if (error == HPE_PAUSED_UPGRADE && head_complete_) {
    done_ = true;
    return used;
  }
  const char* reason = llhttp_get_error_reason(&parser_);
  fail(error == HPE_USER || reason == nullptr ? "head too large" : reason);
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
