#include "net/http1/request_rules.h"

#include <charconv>

#include "net/headers.h"

namespace skep::net::http1 {
namespace {

// The headers that HTTP itself acts upon.
struct KnownHeaders {
  Header* host = nullptr;
  const Header* content_length = nullptr;
  const Header* transfer_encoding = nullptr;
  const Header* expect = nullptr;
  bool repeated = false;  // Host, Content-Length or Transfer-Encoding more than once
  bool close = false;
  bool keep_alive = false;
  bool connection_upgrade = false;
  bool upgrade = false;
};

void note_once(const Header*& slot, const Header& header, bool& repeated) {
  repeated |= slot != nullptr;
  slot = &header;
}

void note_header(KnownHeaders& known, Header& header) {
  switch (header.name.size()) {
    case 4:
      if (equals_ignore_case(header.name, "host")) {
        known.repeated |= known.host != nullptr;
        known.host = &header;
      }
      break;
    case 6:
      if (equals_ignore_case(header.name, "expect")) known.expect = &header;
      break;
    case 7:
      if (equals_ignore_case(header.name, "upgrade")) known.upgrade = true;
      break;
    case 10:
      if (equals_ignore_case(header.name, "connection")) {
        known.close |= list_has_token(header.value, "close");
        known.keep_alive |= list_has_token(header.value, "keep-alive");
        known.connection_upgrade |= list_has_token(header.value, "upgrade");
      }
      break;
    case 14:
      if (equals_ignore_case(header.name, "content-length"))
        note_once(known.content_length, header, known.repeated);
      break;
    case 17:
      if (equals_ignore_case(header.name, "transfer-encoding"))
        note_once(known.transfer_encoding, header, known.repeated);
      break;
    default:
      break;
  }
}

// RFC 9112 6: how long the body is. Two answers to that question are no answer.
int apply_framing(RequestHead& head, const KnownHeaders& known, RequestFraming& framing) {
  if (known.transfer_encoding != nullptr) {
    // 6.1: with Content-Length, or from an HTTP/1.0 sender, the framing is faulty.
    if (known.content_length != nullptr || head.version_minor == 0) return 400;
    const std::string_view coding = known.transfer_encoding->value;
    if (!equals_ignore_case(coding, "chunked")) {
      // A transfer coding under chunked is legal but not one we understand (501); anything else,
      // and chunked twice, leaves the length of the body open.
      const size_t comma = coding.rfind(',');
      if (comma == std::string_view::npos) return 400;
      if (!equals_ignore_case(trim_whitespace(coding.substr(comma + 1)), "chunked")) return 400;
      return list_has_token(coding.substr(0, comma), "chunked") ? 400 : 501;
    }
    framing.chunked = true;
    head.has_body = true;
  }
  if (known.content_length != nullptr) {
    const std::string_view digits = known.content_length->value;
    uint64_t length = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (error != std::errc() || end != digits.data() + digits.size()) return 400;
    head.content_length = length;
    head.has_body = length > 0;
  }
  return 0;
}

// RFC 9112 3.2: origin form, absolute form, or "*" for OPTIONS. CONNECT and TRACE are not for an
// origin server that does not tunnel.
int apply_target(RequestHead& head, Header* host) {
  if (head.method == "CONNECT" || head.method == "TRACE") return 501;
  const std::string_view target = head.target;
  for (const char c : target) {
    if (c <= ' ' || c > '~' || c == '#') return 400;
  }
  if (target.starts_with('/')) return 0;
  if (target == "*") return head.method == "OPTIONS" ? 0 : 400;
  const size_t scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return 400;
  const std::string_view scheme = target.substr(0, scheme_end);
  if (!equals_ignore_case(scheme, "http") && !equals_ignore_case(scheme, "https")) return 400;
  std::string_view authority = target.substr(scheme_end + 3);
  authority = authority.substr(0, authority.find_first_of("/?"));
  if (!is_host(authority)) return 400;
  // 3.2.2: the Host header is ignored then; nobody behind us may come to see the other name.
  head.host = authority;
  if (host != nullptr) host->value = authority;
  return 0;
}

}  // namespace

int apply_request_rules(RequestHead& head, std::span<Header> headers, RequestFraming& framing) {
  KnownHeaders known;
  for (Header& header : headers) note_header(known, header);
  head.headers = headers;
  if (known.repeated) return 400;

  if (known.host != nullptr) {
    if (!is_host(known.host->value)) return 400;
    head.host = known.host->value;
  } else if (head.version_minor > 0) {
    return 400;
  }
  if (const int refusal = apply_target(head, known.host); refusal != 0) return refusal;
  if (const int refusal = apply_framing(head, known, framing); refusal != 0) return refusal;

  framing.keep_alive = !known.close && (head.version_minor > 0 || known.keep_alive);
  head.upgrade = known.upgrade && known.connection_upgrade && head.version_minor > 0;
  if (known.expect != nullptr && head.version_minor > 0) {
    if (!equals_ignore_case(known.expect->value, "100-continue")) return 417;
    framing.expect_continue = head.has_body;
  }
  return 0;
}

}  // namespace skep::net::http1
