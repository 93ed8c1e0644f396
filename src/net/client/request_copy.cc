#include "net/client/request_copy.h"

#include <charconv>

#include "base/limits_fetch.h"
#include "net/headers.h"

namespace skep::net {
namespace {

// RFC 9110 7.6.1, and what the client says itself.
bool is_clients_own(std::string_view name) {
  static constexpr std::string_view kOwn[] = {
      "connection",    "keep-alive", "proxy-connection", "te",     "trailer",
      "upgrade",       "host",       "content-length",   "expect", "transfer-encoding",
      "http2-settings"};
  for (const std::string_view own : kOwn) {
    if (equals_ignore_case(name, own)) return true;
  }
  return false;
}

bool is_target(std::string_view target) {
  if (target.empty() || target.front() != '/') return false;
  for (const char c : target) {
    if (c <= ' ' || c == '\x7f') return false;
  }
  return true;
}

size_t bytes_of(const ClientRequest& request) {
  size_t bytes = request.host.size() + request.authority.size() + request.method.size() +
                 request.target.size() + request.upgrade.size();
  for (const Header& header : request.headers) bytes += header.name.size() + header.value.size();
  return bytes;
}

}  // namespace

RequestCopy::RequestCopy(const ClientRequest& request) : request_(request) {
  const size_t bytes = bytes_of(request);
  if (bytes > limits::kClientRequestHeadBytes) {
    complaint_ = "the headers are too large";
    request_ = {};
    return;
  }
  text_.reserve(bytes);  // the views point into it
  request_.host = keep(request.host);
  request_.authority = keep(request.authority);
  request_.method = keep(request.method);
  request_.target = keep(request.target);
  request_.upgrade = keep(request.upgrade);
  headers_.reserve(request.headers.size());
  for (const Header& header : request.headers) {
    if (is_clients_own(header.name)) continue;
    headers_.push_back({.name = keep(header.name), .value = keep(header.value)});
  }
  request_.headers = headers_;
  request_.body = {};
  complaint_ = check();
}

std::string_view RequestCopy::keep(std::string_view part) {
  const size_t start = text_.size();
  text_.append(part);
  return std::string_view(text_).substr(start, part.size());
}

std::string_view RequestCopy::check() const {
  if (!is_token(request_.method)) return "the method is no token";
  if (!is_target(request_.target)) return "the target is not one";
  if (!is_host(request_.authority)) return "the host is not one";
  if (!request_.upgrade.empty() && !is_token(request_.upgrade)) return "the protocol is no token";
  for (const Header& header : headers_) {
    if (!is_token(header.name)) return "a header's name is no token";
    if (!is_sendable_value(header.value)) return "a header's value has a NUL, CR or LF";
  }
  return {};
}

ClientRequest RequestCopy::view() const {
  return request_;
}

void RequestCopy::append_http1(std::string& out) const {
  out.append(request_.method).append(" ").append(request_.target);
  out.append(" HTTP/1.1\r\nHost: ").append(request_.authority).append("\r\n");
  for (const Header& header : headers_) {
    out.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  if (request_.has_body && !request_.content_length) {
    out.append("Transfer-Encoding: chunked\r\n");
  } else if (request_.has_body || request_.method == "POST" || request_.method == "PUT" ||
             request_.method == "PATCH") {
    // RFC 9110 8.6: methods that usually have a body say when there is none.
    char digits[20];
    const uint64_t length = request_.has_body ? *request_.content_length : 0;
    const char* end = std::to_chars(digits, digits + sizeof digits, length).ptr;
    out.append("Content-Length: ").append(digits, static_cast<size_t>(end - digits));
    out.append("\r\n");
  }
  if (!request_.upgrade.empty()) {
    out.append("Connection: Upgrade\r\nUpgrade: ").append(request_.upgrade).append("\r\n");
  }
  out.append("\r\n");
}

bool RequestCopy::idempotent() const {
  static constexpr std::string_view kIdempotent[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
  for (const std::string_view method : kIdempotent) {
    if (request_.method == method) return true;
  }
  return false;
}

}  // namespace skep::net
