#include "cli/bench_options.h"

#include <ada.h>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace skep::cli {
namespace {

Result<> parse_unix_address(std::string_view path, BenchTarget& target) {
  auto& address = reinterpret_cast<sockaddr_un&>(target.address);
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return fail(fmt::format("\"unix:{}\": a socket's path has 1 to {} bytes", path,
                            sizeof address.sun_path - 1));
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  target.address_bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return {};
}

bool parse_ip_address(const std::string& host, uint16_t port, BenchTarget& target) {
  auto& v4 = reinterpret_cast<sockaddr_in&>(target.address);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(target.address);
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    target.address_bytes = sizeof v4;
    return true;
  }
  if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    target.address_bytes = sizeof v6;
    return true;
  }
  return false;
}

// RFC 6761, 6.3: localhost and names below it are this machine, without a question to anybody.
bool is_localhost(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost");
}

// The address that the URL itself names.
std::string address_of(const ada::url_aggregator& url) {
  const std::string_view host = url.get_hostname();
  const std::string_view port = url.get_port();
  return fmt::format("{}:{}", is_localhost(host) ? "127.0.0.1" : host, port.empty() ? "80" : port);
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || std::strchr("!#$%&'*+-.^_`|~", c) != nullptr;
  });
}

// Name without regard to case.
bool has_header(const std::vector<std::string>& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(), [&](const std::string& header) {
    return header.size() > name.size() && header[name.size()] == ':' &&
           std::equal(
               name.begin(), name.end(), header.begin(),
               [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
  });
}

Result<std::string> make_request(const BenchOptions& options, const ada::url_aggregator& url) {
  if (!is_token(options.method))
    return fail(fmt::format("--method \"{}\" is not a method's name", options.method));
  for (const std::string& header : options.headers) {
    const size_t colon = header.find(':');
    if (colon == std::string::npos || !is_token(std::string_view(header).substr(0, colon)) ||
        header.find_first_of("\r\n") != std::string::npos)
      return fail(fmt::format("--header \"{}\" is not of the form \"Name: value\"", header));
  }
  std::string request =
      fmt::format("{} {}{} HTTP/1.1\r\n", options.method, url.get_pathname(), url.get_search());
  if (!has_header(options.headers, "host")) request += fmt::format("Host: {}\r\n", url.get_host());
  for (const std::string& header : options.headers) request += header + "\r\n";
  if (!options.body.empty()) request += fmt::format("Content-Length: {}\r\n", options.body.size());
  return request + "\r\n" + options.body;
}

}  // namespace

Result<> parse_address(std::string_view text, BenchTarget& target) {
  target.name = text;
  if (text.starts_with("unix:")) return parse_unix_address(text.substr(5), target);
  const size_t colon = text.rfind(':');
  std::string host(text.substr(0, colon == std::string_view::npos ? 0 : colon));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  uint16_t port = 0;
  const std::string_view digits = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool port_good = code == std::errc() && end == digits.data() + digits.size() && port > 0;
  if (!port_good || !parse_ip_address(host, port, target))
    return fail(fmt::format(
        "\"{}\" is not an address and port (127.0.0.1:8787, [::1]:8787, unix:/run/x.sock); "
        "names are not resolved: give the address with --connect",
        text));
  return {};
}

Result<BenchTarget> make_target(const BenchOptions& options) {
  auto url = ada::parse<ada::url_aggregator>(options.url);
  if (!url)
    return fail(fmt::format("\"{}\" is not a URL, such as http://localhost:8787/", options.url));
  if (url->get_protocol() != "http:")
    return fail(fmt::format("\"{}\": only http:// URLs can be measured so far", options.url));
  BenchTarget target;
  SKEP_TRY(parse_address(options.connect.empty() ? address_of(*url) : options.connect, target));
  SKEP_TRY_ASSIGN(target.request, make_request(options, *url));
  target.head_request = options.method == "HEAD";
  return target;
}

}  // namespace skep::cli
