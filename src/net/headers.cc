#include "net/headers.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

#include "base/ascii.h"

namespace skep::net {
namespace {

enum CharacterClass : uint8_t { kToken = 1, kRegName = 2, kDigit = 4, kHex = 8 };

constexpr std::array<uint8_t, 256> make_classes() {
  std::array<uint8_t, 256> classes{};
  for (unsigned c = 0; c < 256; c++) {
    const bool digit = c >= '0' && c <= '9';
    const bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (digit || alpha) classes[c] |= kToken | kRegName;
    if (digit) classes[c] |= kDigit | kHex;
    if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) classes[c] |= kHex;
  }
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    classes[static_cast<uint8_t>(c)] |= kToken;
  // unreserved, sub-delims without the comma, and the percent sign of pct-encoded.
  for (const char c : std::string_view("-._~!$&'()*+;=%"))
    classes[static_cast<uint8_t>(c)] |= kRegName;
  return classes;
}

constexpr auto kClasses = make_classes();

struct Phrase {
  int status;
  std::string_view text;
};

// Sorted by status (RFC 9110 and the IANA registry).
constexpr Phrase kPhrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {418, "I'm a teapot"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {510, "Not Extended"},
    {511, "Network Authentication Required"},
};

bool all_of_class(std::string_view text, CharacterClass wanted) {
  uint8_t common = wanted;
  for (const char c : text) common &= kClasses[static_cast<uint8_t>(c)];
  return common != 0;
}

bool is_ip_literal(std::string_view text) {
  for (const char c : text) {
    if (c != ':' && c != '.' && (kClasses[static_cast<uint8_t>(c)] & kHex) == 0) return false;
  }
  return text.size() >= 2;
}

}  // namespace

bool equals_ignore_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); i++) {
    if (a[i] != b[i] && ascii_lower(a[i]) != ascii_lower(b[i])) return false;
  }
  return true;
}

const Header* find_header(std::span<const Header> headers, std::string_view name) {
  for (const Header& header : headers) {
    if (equals_ignore_case(header.name, name)) return &header;
  }
  return nullptr;
}

std::string_view header_value(std::span<const Header> headers, std::string_view name) {
  const Header* header = find_header(headers, name);
  return header == nullptr ? std::string_view() : header->value;
}

size_t count_headers(std::span<const Header> headers, std::string_view name) {
  size_t count = 0;
  for (const Header& header : headers) count += equals_ignore_case(header.name, name) ? 1 : 0;
  return count;
}

std::string_view trim_whitespace(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool list_has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    if (equals_ignore_case(trim_whitespace(list.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

bool is_token(std::string_view text) {
  return !text.empty() && all_of_class(text, kToken);
}

// No look-ups and no way out of the loop, so that it becomes vector code.
size_t count_control_characters(std::string_view text) {
  size_t count = 0;
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, 255);
    uint8_t found = 0;
    for (const char signed_c : piece) {
      const auto c = static_cast<uint8_t>(signed_c);
      found += static_cast<uint8_t>((c < 0x20 && c != '\t') || c == 0x7f);
    }
    count += found;
    text.remove_prefix(piece.size());
  }
  return count;
}

bool is_sendable_value(std::string_view text) {
  return text.find_first_of(std::string_view("\0\r\n", 3)) == std::string_view::npos;
}

bool is_field_value(std::string_view text) {
  return count_control_characters(text) == 0;
}

bool is_host(std::string_view text) {
  if (text.empty()) return false;
  size_t host_end = 0;
  if (text.front() == '[') {
    host_end = text.find(']');
    if (host_end == std::string_view::npos) return false;
    if (!is_ip_literal(text.substr(1, host_end - 1))) return false;
    host_end++;
  } else {
    host_end = std::min(text.find(':'), text.size());
    if (host_end == 0 || !all_of_class(text.substr(0, host_end), kRegName)) return false;
  }
  const std::string_view port = text.substr(host_end);
  if (port.empty()) return true;
  return port.front() == ':' && port.size() <= 6 && all_of_class(port.substr(1), kDigit);
}

std::string_view status_phrase(int status) {
  const auto* found = std::ranges::lower_bound(kPhrases, status, {}, &Phrase::status);
  return found != std::end(kPhrases) && found->status == status ? found->text : std::string_view();
}

}  // namespace skep::net
