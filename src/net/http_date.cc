#include "net/http_date.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/time.h"

namespace skep::net {
namespace {

constexpr std::string_view kWeekdays = "ThuFriSatSunMonTueWed";  // the epoch was a Thursday
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

void put_number(char* to, int64_t value, int digits) {
  for (int i = digits - 1; i >= 0; i--) {
    to[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

struct CivilDate {
  int64_t year;
  unsigned month;  // 1 to 12
  unsigned day;
};

// Days since 1970-01-01 to a date of the Gregorian calendar: years counted from March in eras of
// 400.
CivilDate civil_from_days(int64_t days) {
  days += 719'468;
  const int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146'097);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted_month = (5 * day_of_year + 2) / 153;
  const unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const int64_t year = static_cast<int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0);
  return {year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1};
}

}  // namespace

HttpDate format_http_date(int64_t unix_seconds) {
  int64_t days = unix_seconds / 86'400;
  int64_t second = unix_seconds % 86'400;
  if (second < 0) {
    second += 86'400;
    days--;
  }
  const CivilDate date = civil_from_days(days);
  HttpDate text;
  std::memcpy(text.data(), "Thu, 01 Jan 1970 00:00:00 GMT", kHttpDateBytes);
  const auto weekday = static_cast<size_t>(((days % 7) + 7) % 7);
  std::memcpy(text.data(), kWeekdays.data() + weekday * 3, 3);
  put_number(text.data() + 5, date.day, 2);
  std::memcpy(text.data() + 8, kMonths.data() + (date.month - 1) * 3, 3);
  put_number(text.data() + 12, date.year, 4);
  put_number(text.data() + 17, second / 3600, 2);
  put_number(text.data() + 20, second / 60 % 60, 2);
  put_number(text.data() + 23, second % 60, 2);
  return text;
}

void DateCache::refresh(int64_t monotonic_ns) {
  const auto now_ms = static_cast<int64_t>(wall_clock_ms());
  const int64_t until_next_second_ms = 1000 - now_ms % 1000;
  valid_until_ns_ = monotonic_ns + until_next_second_ms * 1'000'000;
  const HttpDate date = format_http_date(now_ms / 1000);
  std::memcpy(line_.data(), "Date: ", 6);
  std::memcpy(line_.data() + 6, date.data(), date.size());
  std::memcpy(line_.data() + 6 + kHttpDateBytes, "\r\n", 2);
}

}  // namespace skep::net
