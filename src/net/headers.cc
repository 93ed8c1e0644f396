#include "net/headers.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace skep::net {
namespace {

enum CharacterClass : uint8_t { kToken = 1, kFieldValue = 2, kRegName = 4, kDigit = 8, kHex = 16 };

constexpr std::array<uint8_t, 256> make_classes() {
  std::array<uint8_t, 256> classes{};
  for (unsigned c = 0; c < 256; c++) {
    const bool digit = c >= '0' && c <= '9';
    const bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (digit || alpha) classes[c] |= kToken | kRegName;
    if (digit) classes[c] |= kDigit | kHex;
    if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) classes[c] |= kHex;
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) classes[c] |= kFieldValue;
  }
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) classes[static_cast<uint8_t>(c)] |= kToken;
  // unreserved, sub-delims without the comma, and the percent sign of pct-encoded.
  for (const char c : std::string_view("-._~!$&'()*+;=%")) classes[static_cast<uint8_t>(c)] |= kRegName;
  return classes;
}

constexpr auto kClasses = make_classes();

bool all_of_class(std::string_view text, CharacterClass wanted) {
  uint8_t common = wanted;
  for (const char c : text) common &= kClasses[static_cast<uint8_t>(c)];
  return common != 0;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

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
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
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

bool is_token(std::string_view text) { return !text.empty() && all_of_class(text, kToken); }
bool is_field_value(std::string_view text) { return all_of_class(text, kFieldValue); }

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
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 103: return "Early Hints";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 203: return "Non-Authoritative Information";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 207: return "Multi-Status";
    case 208: return "Already Reported";
    case 226: return "IM Used";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 305: return "Use Proxy";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 418: return "I'm a teapot";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 423: return "Locked";
    case 424: return "Failed Dependency";
    case 425: return "Too Early";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 451: return "Unavailable For Legal Reasons";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 506: return "Variant Also Negotiates";
    case 507: return "Insufficient Storage";
    case 508: return "Loop Detected";
    case 510: return "Not Extended";
    case 511: return "Network Authentication Required";
    default: return "";
  }
}

}  // namespace skep::net
