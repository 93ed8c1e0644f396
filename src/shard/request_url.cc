#include "shard/request_url.h"

#include <ada.h>

#include <array>

namespace skep::shard {
namespace {

// Characters that the URL standard leaves as they are in a path and in a query. '.' and '%' are not
// among them: dot segments and percent-encoded dots are the parser's business.
constexpr std::array<bool, 256> make_plain_target() {
  std::array<bool, 256> table{};
  for (char c = 'a'; c <= 'z'; c++) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; c++) table[static_cast<unsigned char>(c)] = true;
  for (char c = '0'; c <= '9'; c++) table[static_cast<unsigned char>(c)] = true;
  for (const char c : std::string_view("/-_~!$&()*+,;=:@"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto kPlainTarget = make_plain_target();

constexpr bool is_plain_host_char(char c) {
  return (c >= 'a' && c <= 'z') || c == '-';
}

// A host that needs no canonical form: lower-case letters, digits, '-' and '.', whose last label
// does not begin with a digit (else it may be an IPv4 address), no "xn--" (checked by IDNA).
bool is_plain_host(std::string_view host) {
  if (host.empty() || host.front() == '.' || host.back() == '.') return false;
  char label_first = host.front();
  for (size_t i = 0; i < host.size(); i++) {
    const char c = host[i];
    if (c == '.') {
      if (host[i - 1] == '.') return false;
      label_first = host[i + 1];
    } else if (!is_plain_host_char(c) && !(c >= '0' && c <= '9')) {
      return false;
    }
  }
  return !(label_first >= '0' && label_first <= '9') && host.find("xn--") == std::string_view::npos;
}

// Four numbers in canonical form, as loopback tests and load generators send them.
bool is_plain_ipv4(std::string_view host) {
  int numbers = 0, digits = 0, value = 0;
  for (size_t i = 0; i <= host.size(); i++) {
    if (i == host.size() || host[i] == '.') {
      if (digits == 0 || value > 255) return false;
      numbers++;
      digits = value = 0;
    } else if (host[i] >= '0' && host[i] <= '9') {
      if (digits > 0 && value == 0) return false;  // leading zero: octal
      value = value * 10 + (host[i] - '0');
      if (++digits > 3) return false;
    } else {
      return false;
    }
  }
  return numbers == 4;
}

// A port in canonical form that is not the scheme's default.
bool is_plain_port(std::string_view port, bool secure) {
  if (port.empty() || port.size() > 5 || port.front() == '0') return false;
  int value = 0;
  for (const char c : port) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  return value <= 65535 && value != (secure ? 443 : 80);
}

}  // namespace

bool RequestUrl::assign_fast(bool secure, std::string_view authority, std::string_view target) {
  if (target.empty() || target.front() != '/') return false;
  size_t query = std::string_view::npos;
  for (size_t i = 0; i < target.size(); i++) {
    const char c = target[i];
    if (kPlainTarget[static_cast<unsigned char>(c)]) continue;
    if (c == '?' && query == std::string_view::npos) {
      query = i;
    } else if (c == '?' || c == '%') {
      if (query == std::string_view::npos) return false;
    } else if (c == '.') {
      // "/.": may begin a dot segment, which only the parser resolves.
      if (query == std::string_view::npos && target[i - 1] == '/') return false;
    } else {
      return false;
    }
  }
  const size_t colon = authority.find(':');
  const std::string_view name = authority.substr(0, colon);
  if (colon != std::string_view::npos && !is_plain_port(authority.substr(colon + 1), secure))
    return false;
  if (!is_plain_host(name) && !is_plain_ipv4(name)) return false;

  href.assign(secure ? "https://" : "http://");
  const size_t host_at = href.size();
  href.append(authority);
  const size_t path_at = href.size();
  href.append(target);
  const std::string_view all = href;
  host = all.substr(host_at, name.size());
  path = all.substr(path_at, query == std::string_view::npos ? target.size() : query);
  return true;
}

void RequestUrl::assign_slow(bool secure, std::string_view authority, std::string_view target) {
  std::string input;
  const bool absolute = !target.empty() && target.front() != '/' && target != "*";
  if (absolute) {
    input.assign(target);  // RFC 9112 3.2.2: the absolute form's authority wins over Host
  } else {
    // '@' in a Host header would make the part before it credentials.
    if (authority.empty() || authority.find_first_of("@/?#\\") != std::string_view::npos) return;
    input.assign(secure ? "https://" : "http://").append(authority);
    input.append(target == "*" ? "/" : target);
  }
  auto url = ada::parse<ada::url_aggregator>(input);
  if (!url || (url->type != ada::scheme::HTTP && url->type != ada::scheme::HTTPS)) return;
  if (url->has_hash()) url->set_hash("");
  if (url->has_credentials()) return;
  href.assign(url->get_href());
  const std::string_view all = href;
  const std::string_view hostname = url->get_hostname();
  const std::string_view pathname = url->get_pathname();
  host = all.substr(all.find("://") + 3, hostname.size());
  path = all.substr(url->get_components().pathname_start, pathname.size());
  valid = true;
}

void RequestUrl::assign(bool secure, std::string_view authority, std::string_view target) {
  valid = assign_fast(secure, authority, target);
  if (!valid) assign_slow(secure, authority, target);
}

}  // namespace skep::shard
