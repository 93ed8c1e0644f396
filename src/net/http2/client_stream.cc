#include "net/http2/client_stream.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/limits.h"
#include "base/limits_http2_client.h"
#include "net/headers.h"
#include "net/http2/client_connection.h"

namespace skep::net::http2 {
namespace {

constexpr size_t kQueueSlackBytes = 64 * 1024;  // sent bytes that stay before the queue is moved

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

ClientStream::ClientStream(ClientConnection& connection, loop::Loop& loop,
                           const ClientRequest& request, ClientEvents& events)
    : connection_(&connection),
      loop_(loop),
      events_(events),
      origin_(std::string(request.secure ? "https://" : "http://").append(request.authority)),
      out_(request.body),
      length_left_(request.content_length.value_or(0)),
      progress_ns_(loop.now_ns()),
      has_length_(request.has_body && request.content_length.has_value()),
      request_done_(!request.has_body || request.body_complete),
      deferred_([this] { deliver(); }) {}

ClientStream::~ClientStream() {
  if (gone_ != nullptr) *gone_ = true;
  if (connection_ != nullptr) connection_->drop(*this);
}

// ---- the owner's side

void ClientStream::pull_body() {
  pulled_ = true;
  loop_.defer(deferred_);
}

bool ClientStream::write(std::string_view data) {
  if (request_done_ || ended_ || failed_ || data.empty()) return true;
  if (has_length_ && data.size() > length_left_) {
    fail(ClientFailure::refused, "the body is not as long as its Content-Length");
    return true;
  }
  if (has_length_) length_left_ -= data.size();
  out_.append(data);
  connection_->want_send(*this);
  blocked_ = out_.size() - out_begin_ > limits::kClientSendHighWater;
  return !blocked_;
}

void ClientStream::finish() {
  if (request_done_) return;
  request_done_ = true;
  if (ended_ || failed_) return;
  if (has_length_ && length_left_ > 0) {
    // The head promised another length: what the origin has of it is no request.
    return fail(ClientFailure::refused, "the body is not as long as its Content-Length");
  }
  connection_->want_send(*this);
}

// ---- the connection's side

bool ClientStream::add_field(std::string_view name, std::string_view value) {
  if (text_.size() + name.size() + value.size() > limits::kHeaderBytes ||
      fields_.size() >= limits::kHeaderCount) {
    return false;
  }
  if (name == ":status") {
    // nghttp2 has seen to it that it is there once, first, and three digits.
    status_ = static_cast<int>(parse_number(value).value_or(0));
    return true;
  }
  const auto at = static_cast<uint32_t>(text_.size());
  const auto name_bytes = static_cast<uint32_t>(name.size());
  text_.append(name).append(value);
  fields_.push_back({at, name_bytes, at + name_bytes, static_cast<uint32_t>(value.size())});
  return true;
}

// Of a response, or of an interim one (RFC 9113 8.1: any number of 1xx come before it).
void ClientStream::head_complete(bool last) {
  progress_ns_ = loop_.now_ns();
  if (status_ < 200) {
    text_.clear();
    fields_.clear();
    if (status_ == 101 || last) return fail(ClientFailure::bad_response, "a head out of place");
    if (++interim_ > limits::kClientInterimResponses) {
      fail(ClientFailure::bad_response, "too many interim responses");
    }
    return;
  }
  if (status_ > 599) return fail(ClientFailure::bad_response, "a status that nobody knows");
  head_done_ = true;
  has_body_ = !last;
  loop_.defer(deferred_);
}

void ClientStream::add_body(std::string_view bytes) {
  progress_ns_ = loop_.now_ns();
  in_.append(bytes);
  if (pulled_) loop_.defer(deferred_);
}

size_t ClientStream::take_out(char* to, size_t room) {
  const size_t count = std::min(room, out_.size() - out_begin_);
  std::memcpy(to, out_.data() + out_begin_, count);
  out_begin_ += count;
  if (out_begin_ == out_.size()) {
    out_.clear();
    out_begin_ = 0;
  } else if (out_begin_ > kQueueSlackBytes && out_begin_ > out_.size() / 2) {
    out_.erase(0, std::exchange(out_begin_, 0));
  }
  if (count > 0) progress_ns_ = loop_.now_ns();
  if (blocked_ && out_.size() - out_begin_ <= limits::kClientSendHighWater / 2) {
    loop_.defer(deferred_);
  }
  return count;
}

// The stream is closed on the connection's side.
void ClientStream::closed(uint32_t code) {
  connection_ = nullptr;
  out_ = {};
  out_begin_ = 0;
  if (blocked_ || (ended_ && pulled_)) loop_.defer(deferred_);
  if (ended_ || failed_) return;
  failed_ = true;
  const bool malformed = code == NGHTTP2_PROTOCOL_ERROR;
  error_.kind = malformed ? ClientFailure::bad_response : ClientFailure::lost;
  error_.message = std::string(origin_).append(": ");
  error_.unprocessed = code == NGHTTP2_REFUSED_STREAM && !head_done_;
  if (error_.unprocessed) {
    error_.message.append("it took no request any more");
  } else {
    error_.message.append("the stream was closed (")
        .append(nghttp2_http2_strerror(code))
        .append(head_done_ ? ") inside the response" : ") without a response");
  }
  loop_.defer(deferred_);
}

void ClientStream::fail(ClientFailure kind, std::string_view why) {
  if (ended_ || failed_) return;
  failed_ = true;
  error_ = {.kind = kind, .message = std::string(origin_).append(": ").append(why)};
  if (connection_ != nullptr) std::exchange(connection_, nullptr)->drop(*this);
  loop_.defer(deferred_);
}

// ---- what the owner hears

bool ClientStream::tell_head() {
  ClientResponseHead head;
  for (const Field& field : fields_) {
    const std::string_view text(text_);
    headers_.push_back({.name = text.substr(field.name, field.name_bytes),
                        .value = text.substr(field.value, field.value_bytes)});
    if (has_body_ && headers_.back().name == "content-length") {
      head.content_length = parse_number(headers_.back().value);
    }
  }
  head_told_ = true;
  head.status = status_;
  head.headers = headers_;
  head.has_body = has_body_;
  head.version_major = 2;
  head.version_minor = 0;
  bool gone = false;
  gone_ = &gone;
  events_.on_head(head);
  if (gone) return false;
  gone_ = nullptr;
  return true;
}

void ClientStream::deliver() {
  if (over_) return;
  if (failed_ && !head_told_) {
    over_ = true;
    return events_.on_failed(error_);
  }
  if (head_done_ && !head_told_ && !tell_head()) return;
  if (blocked_ &&
      (connection_ == nullptr || out_.size() - out_begin_ <= limits::kClientSendHighWater / 2)) {
    blocked_ = false;
    bool gone = false;
    gone_ = &gone;
    events_.on_writable();
    if (gone) return;
    gone_ = nullptr;
  }
  if (!pulled_ || !head_told_ || over_) return;
  if (!in_.empty()) {
    pulled_ = false;
    const std::string data = std::exchange(in_, std::string());
    if (connection_ != nullptr) connection_->consumed(*this, data.size());
    return events_.on_body(data);
  }
  if (ended_) {
    over_ = true;
    return events_.on_body_end();
  }
  if (failed_) {
    over_ = true;
    return events_.on_failed(error_);
  }
}

}  // namespace skep::net::http2
