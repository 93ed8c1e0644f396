// The date of HTTP headers ("Sun, 06 Nov 1994 08:49:37 GMT", RFC 9110 5.6.7). DateCache gives the
// current one to each response for the price of a comparison. One cache a server, on its loop.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace skep::net {

inline constexpr size_t kHttpDateBytes = 29;
using HttpDate = std::array<char, kHttpDateBytes>;

// seconds since the epoch, UTC; years 0 to 9999.
HttpDate format_http_date(int64_t unix_seconds);

class DateCache {
 public:
  // "Date: …\r\n" for the wall clock's present second. monotonic_ns: the loop's time, which only
  // decides when the wall clock is looked at again.
  std::string_view header_line(int64_t monotonic_ns) {
    if (monotonic_ns >= valid_until_ns_) refresh(monotonic_ns);
    return {line_.data(), line_.size()};
  }

 private:
  void refresh(int64_t monotonic_ns);

  static constexpr size_t kLineBytes = 6 + kHttpDateBytes + 2;
  std::array<char, kLineBytes> line_{};
  int64_t valid_until_ns_ = INT64_MIN;
};

}  // namespace skep::net
