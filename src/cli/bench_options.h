// What `skep bench http` is asked to do: the command line, checked and turned into an address and
// the bytes of a request.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace skep::cli {

struct BenchOptions {
  std::string url;
  std::string connect;  // ADDRESS:PORT or unix:PATH instead of the URL's host
  unsigned connections = 32;
  double duration_s = 10;
  double warmup_s = 1;
  double rate = 0;  // requests a second, over all connections; 0: closed loop
  double timeout_s = 10;
  std::string method = "GET";
  std::vector<std::string> headers;
  std::string body;
  std::vector<pid_t> pids;
  bool json = false;
};

struct BenchTarget {
  sockaddr_storage address{};
  socklen_t address_bytes = 0;
  std::string name;     // of the address, for messages
  std::string request;  // head and body
  bool head_request = false;
};

// Errors: the URL, an address or a header is not what it should be; the message says what would be.
Result<BenchTarget> make_target(const BenchOptions& options);
// "127.0.0.1:80", "[::1]:80" or "unix:/run/x.sock" into `target`.
Result<> parse_address(std::string_view text, BenchTarget& target);

}  // namespace skep::cli
