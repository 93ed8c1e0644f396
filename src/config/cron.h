// Cron expressions as Workers have them: five fields (minute, hour, day of month, month, day of
// week) in UTC; "*", lists, ranges, steps, names of months and days; "L", "L-3", "LW", "15W" of the
// day of month; "FRI", "6L", "6#3" of the day of week, which counts from Sunday = 1. Pure; for the
// configuration and for the broker's clock.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skep::config {

struct CronError {
  size_t offset = 0;  // in the text, bytes
  std::string message;
};

class CronSchedule {
 public:
  static std::expected<CronSchedule, CronError> parse(std::string_view text);

  // Whether it runs in the minute that begins at `minutes` (since the epoch).
  bool runs_at(int64_t minutes) const;
  // The first minute after `minutes` in which it runs. nullopt: it never does again (30 February).
  std::optional<int64_t> next_after(int64_t minutes) const;

 private:
  friend class CronParser;
  struct Weekday {
    uint8_t day;  // 0: Sunday
    uint8_t nth;  // 1 to 5; 0: the last of the month
  };

  bool day_fits(int year, unsigned month, unsigned day) const;
  bool month_day_fits(int year, unsigned month, unsigned day) const;
  bool weekday_fits(int year, unsigned month, unsigned day) const;

  uint64_t minutes_ = 0;  // bit n: minute n
  uint32_t hours_ = 0;
  uint32_t days_ = 0;             // bit 1 to 31
  uint16_t months_ = 0;           // bit 1 to 12
  uint8_t weekdays_ = 0;          // bit 0 (Sunday) to 6
  uint32_t nearest_ = 0;          // bit n: "nW"
  uint32_t from_last_ = 0;        // bit n: "L-n"
  bool last_weekday_ = false;     // "LW"
  std::vector<Weekday> special_;  // "6L", "6#3"
  // Both fields of the day restrict: a day of either is one.
  bool any_day_ = false, any_weekday_ = false;
};

}  // namespace skep::config
