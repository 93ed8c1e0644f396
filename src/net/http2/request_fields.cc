#include <charconv>

#include "base/limits.h"
#include "net/headers.h"
#include "net/http2/stream_state.h"

namespace skep::net::http2 {
namespace {

std::optional<uint64_t> parse_length(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

bool RequestFields::add(std::string_view name, std::string_view value) {
  if (too_large_ || text_.size() + name.size() + value.size() > limits::kHeaderBytes ||
      fields_.size() >= limits::kHeaderCount) {
    too_large_ = true;
    return false;
  }
  const auto at = static_cast<uint32_t>(text_.size());
  text_.append(name).append(value);
  fields_.push_back({at, static_cast<uint32_t>(name.size()),
                     at + static_cast<uint32_t>(name.size()), static_cast<uint32_t>(value.size())});
  return true;
}

void RequestFields::take_pseudo_header(std::string_view name, std::string_view value) {
  if (name == ":method") {
    head_.method = value;
  } else if (name == ":path") {
    head_.target = value;
  } else if (name == ":authority") {
    authority_ = value;
  } else if (name == ":protocol") {
    head_.protocol = value;
  }
}

// What nghttp2 has checked already (RFC 9113 8.2, 8.3): order and number of pseudo-headers, names
// in lower case, no connection-specific fields, Content-Length against the DATA that came.
int RequestFields::take_fields() {
  std::string_view host;
  size_t cookies = 0;
  for (const Field& field : fields_) {
    const std::string_view name = name_of(field), value = trim_whitespace(value_of(field));
    if (name.starts_with(':')) {
      take_pseudo_header(name, value);
      continue;
    }
    if (name == "host") {
      if (!host.empty() && host != value) return 400;
      host = value;
      continue;  // once, at the end
    }
    if (name == "content-length") {
      head_.content_length = parse_length(value);
      if (!head_.content_length) return 400;
    } else if (name == "expect") {
      expects_continue_ = equals_ignore_case(value, "100-continue");
    } else if (name == "cookie") {
      // RFC 9113 8.2.3: pieces are one field to those who do not know HTTP/2.
      if (cookies++ > 0) cookies_.append("; ");
      cookies_.append(value);
      continue;
    }
    headers_.push_back({name, value});
  }
  if (cookies > 0) headers_.push_back({"cookie", cookies_});
  // RFC 9113 8.3.1: where both are there they say the same.
  if (!authority_.empty() && !host.empty() && !equals_ignore_case(authority_, host)) return 400;
  head_.host = authority_.empty() ? host : authority_;
  if (head_.host.empty() || !is_host(head_.host)) return 400;
  headers_.push_back({"host", head_.host});
  return 0;
}

int RequestFields::finish(bool end_stream) {
  if (too_large_) return 431;
  headers_.reserve(fields_.size() + 2);
  head_.version_major = 2;
  head_.version_minor = 0;
  if (const int status = take_fields()) return status;
  if (head_.target.size() > limits::kRequestLineBytes) return 414;
  method_is_head_ = head_.method == "HEAD";
  const bool connect = head_.method == "CONNECT";
  if (connect && head_.protocol.empty()) return 501;  // no proxy
  if (!head_.protocol.empty()) {
    // RFC 8441 4: to the application an upgrade as HTTP/1.1 has it.
    if (!connect || head_.protocol != "websocket" || end_stream) return 501;
    head_.method = "GET";
    head_.upgrade = true;
    headers_.push_back({"upgrade", head_.protocol});
  } else if (head_.target != "*" && !head_.target.starts_with('/')) {
    return 400;
  }
  head_.has_body = !end_stream && head_.protocol.empty() && head_.content_length.value_or(1) > 0;
  head_.headers = headers_;
  return 0;
}

}  // namespace skep::net::http2
