#include "net/http1/response_writer.h"

#include <charconv>
#include <cstring>

#include "net/headers.h"
#include "net/response_rules.h"

namespace skep::net::http1 {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
// Status line, Content-Length or Transfer-Encoding, Connection, Date and the empty line at most.
constexpr size_t kOwnBytes = 256;

char* put(char* to, std::string_view text) {
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

char* put_number(char* to, uint64_t value) {
  return std::to_chars(to, to + 20, value).ptr;
}

char* put_status_line(char* to, int status, std::string_view text) {
  if (status == 200 && text.empty()) return put(to, "HTTP/1.1 200 OK\r\n");
  to = put(to, "HTTP/1.1 ");
  to = put_number(to, static_cast<uint64_t>(status));
  *to++ = ' ';  // RFC 9112 4: stays when the phrase is empty
  to = put(to, text.empty() ? status_phrase(status) : text);
  return put(to, kLineEnd);
}

char* put_own_headers(char* to, const ResponseFraming& framing, std::string_view date_line) {
  if (framing.body == BodyFraming::length) {
    to = put(to, "Content-Length: ");
    to = put_number(to, framing.length);
    to = put(to, kLineEnd);
  } else if (framing.body == BodyFraming::chunked) {
    to = put(to, "Transfer-Encoding: chunked\r\n");
  }
  switch (framing.connection) {
    case ConnectionOption::unsaid:
      break;
    case ConnectionOption::close:
      to = put(to, "Connection: close\r\n");
      break;
    case ConnectionOption::keep_alive:
      to = put(to, "Connection: keep-alive\r\n");
      break;
    case ConnectionOption::upgrade:
      to = put(to, "Connection: Upgrade\r\n");
      break;
  }
  to = put(to, date_line);
  return put(to, kLineEnd);
}

}  // namespace

bool append_response_head(std::string& out, const ResponseHead& head,
                          const ResponseFraming& framing, std::string_view date_line) {
  if (!is_valid_response_head(head)) return false;
  size_t bound = kOwnBytes + head.status_text.size();
  for (const Header& header : head.headers) bound += header.name.size() + header.value.size() + 4;
  const size_t before = out.size();
  out.resize_and_overwrite(before + bound, [&](char* data, size_t) {
    char* to = put_status_line(data + before, head.status, head.status_text);
    for (const Header& header : head.headers) {
      if (is_servers_own(header.name, head.status == 101)) continue;
      to = put(to, header.name);
      to = put(to, ": ");
      to = put(to, header.value);
      to = put(to, kLineEnd);
    }
    return static_cast<size_t>(put_own_headers(to, framing, date_line) - data);
  });
  return true;
}

void append_chunk_size(std::string& out, size_t size) {
  char digits[16];
  const char* end = std::to_chars(digits, digits + sizeof(digits), size, 16).ptr;
  out.append(digits, static_cast<size_t>(end - digits));
  out.append(kLineEnd);
}

}  // namespace skep::net::http1
