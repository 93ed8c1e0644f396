#include "net/http_date.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>

#include "base/time.h"

namespace skep::net {
namespace {

std::string text(int64_t unix_seconds) {
  const HttpDate date = format_http_date(unix_seconds);
  return {date.data(), date.size()};
}

TEST(HttpDate, KnownDates) {
  EXPECT_EQ(text(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");  // RFC 9110's own example
  EXPECT_EQ(text(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(text(951'827'696), "Tue, 29 Feb 2000 12:34:56 GMT");
  EXPECT_EQ(text(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST(HttpDate, AgreesWithTheLibraryOverFourCenturies) {
  for (int64_t at = -2'000'000'000; at < 12'000'000'000; at += 86'400 * 11 + 12'345) {
    const std::time_t time = at;
    std::tm parts{};
    gmtime_r(&time, &parts);
    char expected[64];
    const size_t length =
        std::strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    ASSERT_EQ(text(at), std::string(expected, length));
  }
}

TEST(DateCache, MovesWithTheSecond) {
  DateCache cache;
  const std::string first(cache.header_line(0));
  EXPECT_TRUE(first.starts_with("Date: "));
  EXPECT_TRUE(first.ends_with(" GMT\r\n"));
  // A second of the loop's time later the wall clock is looked at again.
  const auto before_s = static_cast<int64_t>(wall_clock_ms()) / 1000;
  const std::string second(cache.header_line(1'000'000'000));
  const auto after_s = static_cast<int64_t>(wall_clock_ms()) / 1000;
  EXPECT_TRUE(second == "Date: " + text(before_s) + "\r\n" ||
              second == "Date: " + text(after_s) + "\r\n");
}

}  // namespace
}  // namespace skep::net
