#include "config/cron.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>

namespace skep::config {
namespace {

int64_t minutes_of(int year, unsigned month, unsigned day, int hour = 0, int minute = 0) {
  using namespace std::chrono;
  const sys_days date = std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day);
  return date.time_since_epoch().count() * int64_t{1440} + hour * 60 + minute;
}

std::string text_of(std::optional<int64_t> minutes) {
  using namespace std::chrono;
  if (!minutes) return "never";
  const year_month_day date{sys_days(days(*minutes / 1440))};
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     *minutes % 1440 / 60, *minutes % 60);
}

// The next `count` runs after 2026-02-27 23:58 (a Friday), or the error.
std::string runs(std::string_view cron, int count = 3) {
  const auto schedule = CronSchedule::parse(cron);
  if (!schedule) return fmt::format("{}: {}", schedule.error().offset, schedule.error().message);
  std::string out;
  int64_t at = minutes_of(2026, 2, 27, 23, 58);
  for (int i = 0; i < count; i++) {
    const auto next = schedule->next_after(at);
    out += (out.empty() ? "" : ", ") + text_of(next);
    if (!next) break;
    EXPECT_TRUE(schedule->runs_at(*next)) << cron;
    at = *next;
  }
  return out;
}

TEST(Cron, fields_lists_ranges_steps_names) {
  EXPECT_EQ(runs("* * * * *"), "2026-02-27 23:59, 2026-02-28 00:00, 2026-02-28 00:01");
  EXPECT_EQ(runs("*/30 * * * *"), "2026-02-28 00:00, 2026-02-28 00:30, 2026-02-28 01:00");
  EXPECT_EQ(runs("5/20 3 * * *"), "2026-02-28 03:05, 2026-02-28 03:25, 2026-02-28 03:45");
  EXPECT_EQ(runs("0 9-17/4 * * *"), "2026-02-28 09:00, 2026-02-28 13:00, 2026-02-28 17:00");
  EXPECT_EQ(runs("15,45 0 1 * *"), "2026-03-01 00:15, 2026-03-01 00:45, 2026-04-01 00:15");
  EXPECT_EQ(runs("0 0 1 jan,JUL *"), "2026-07-01 00:00, 2027-01-01 00:00, 2027-07-01 00:00");
  EXPECT_EQ(runs("  0\t12 * * MON-FRI "), "2026-03-02 12:00, 2026-03-03 12:00, 2026-03-04 12:00");
}

TEST(Cron, sunday_is_day_one) {
  EXPECT_EQ(runs("0 0 * * 1", 2), "2026-03-01 00:00, 2026-03-08 00:00");
  EXPECT_EQ(runs("0 0 * * SUN", 2), "2026-03-01 00:00, 2026-03-08 00:00");
  EXPECT_EQ(runs("0 0 * * 7", 2), "2026-02-28 00:00, 2026-03-07 00:00");
  EXPECT_EQ(runs("0 0 * * L", 1), "2026-02-28 00:00");
}

TEST(Cron, last_days_and_weekdays) {
  EXPECT_EQ(runs("59 23 L * *"), "2026-02-28 23:59, 2026-03-31 23:59, 2026-04-30 23:59");
  EXPECT_EQ(runs("0 0 L-2 * *"), "2026-03-29 00:00, 2026-04-28 00:00, 2026-05-29 00:00");
  // 28 February 2026 is a Saturday, 31 May a Sunday.
  EXPECT_EQ(runs("0 18 LW * *", 4),
            "2026-03-31 18:00, 2026-04-30 18:00, 2026-05-29 18:00, 2026-06-30 18:00");
  // 15 March 2026 is a Sunday, 15 August a Saturday.
  EXPECT_EQ(runs("0 0 15W * *", 2), "2026-03-16 00:00, 2026-04-15 00:00");
  EXPECT_EQ(runs("0 0 15W 8 *", 1), "2026-08-14 00:00");
  // Not over the month's end: 1 March 2026 is a Sunday, 1 August a Saturday.
  EXPECT_EQ(runs("0 0 1W 3,8 *", 2), "2026-03-02 00:00, 2026-08-03 00:00");
  EXPECT_EQ(runs("0 0 31W 5 *", 1), "2026-05-29 00:00");
}

TEST(Cron, nth_and_last_weekday_of_a_month) {
  EXPECT_EQ(runs("0 0 * * 6L"), "2026-03-27 00:00, 2026-04-24 00:00, 2026-05-29 00:00");
  EXPECT_EQ(runs("0 0 * * MON#1"), "2026-03-02 00:00, 2026-04-06 00:00, 2026-05-04 00:00");
  EXPECT_EQ(runs("0 0 * * 1#5", 2), "2026-03-29 00:00, 2026-05-31 00:00");
}

TEST(Cron, days_of_either_field) {
  EXPECT_EQ(runs("0 0 3 * MON", 4),
            "2026-03-02 00:00, 2026-03-03 00:00, 2026-03-09 00:00, 2026-03-16 00:00");
}

TEST(Cron, leap_years) {
  EXPECT_EQ(runs("0 0 29 2 *", 2), "2028-02-29 00:00, 2032-02-29 00:00");
  const auto schedule = CronSchedule::parse("0 0 29 2 *");
  EXPECT_EQ(text_of(schedule->next_after(minutes_of(2096, 3, 1))), "2104-02-29 00:00");
  EXPECT_EQ(text_of(CronSchedule::parse("* * * * *")->next_after(-1)), "1970-01-01 00:00");
}

TEST(Cron, errors_have_their_position) {
  EXPECT_EQ(runs(""),
            "0: the minute is missing: five fields are minute, hour, day of month, month, "
            "day of week");
  EXPECT_EQ(runs("* * * *"),
            "7: the day of week is missing: five fields are minute, hour, day of "
            "month, month, day of week");
  EXPECT_EQ(runs("* * * * * *"), "10: more than five fields");
  EXPECT_EQ(runs("60 * * * *"), "0: the minute is 0 to 59, not 60");
  EXPECT_EQ(runs("0 0 * foo *"), "6: \"foo\" is no month");
  EXPECT_EQ(runs("0 0 * * 0"), "8: the day of week is 1 to 7, not 0");
  EXPECT_EQ(runs("0 0 * * 8"), "8: the day of week is 1 to 7, not 8");
  EXPECT_EQ(runs("*/0 * * * *"), "2: a step is a number of 1 to 59");
  EXPECT_EQ(runs("5-1 * * * *"), "0: the range \"5-1\" ends before it begins");
  EXPECT_EQ(runs("1,,2 * * * *"), "2: a value of the minute is missing");
  EXPECT_EQ(runs("1x * * * *"), "1: unexpected \"x\" in the minute");
  EXPECT_EQ(runs("* * * * 6#6"), "10: what follows \"#\" is a number of 1 to 5");
  EXPECT_EQ(runs("* * L-31 * *"), "6: what follows \"L-\" is a number of 1 to 30");
  EXPECT_EQ(runs("0 0 30 2 *"), "0: such a day never comes");
  EXPECT_EQ(runs(std::string(300, '*')), "0: longer than 256 characters");
}

TEST(Cron, the_next_run_is_the_first_minute_that_fits) {
  // Against a search minute by minute of an expression with everything in it.
  const auto schedule = CronSchedule::parse("7,*/13 2-20/3 LW,10W,3 * TUE#2,5L");
  ASSERT_TRUE(schedule);
  int64_t expected = minutes_of(2027, 12, 1) - 1;
  for (int64_t at = expected + 1; at < minutes_of(2028, 3, 2); at++) {
    const bool runs = schedule->next_after(at - 1) == at;
    if (!runs) continue;
    EXPECT_EQ(schedule->next_after(expected), at);
    expected = at;
  }
}

}  // namespace
}  // namespace skep::config
