#include "config/cron.h"

#include <fmt/format.h>

#include <chrono>
#include <span>

#include "base/ascii.h"

namespace skep::config {
namespace {

constexpr int64_t kMinutesPerDay = 24 * 60;
// What can run at all runs within so many days: 29 February may be eight years away (2096 to 2104);
// a 29 February that is also a certain weekday would be 40, but the fields of the day are joined by
// "or". "#5" on that day of the month is not: it is one field.
constexpr int kMostDays = 41 * 366;
constexpr size_t kMostBytes = 256;

constexpr std::string_view kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view kDays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct Field {
  std::string_view name;
  unsigned least, most;
  std::span<const std::string_view> names;  // of `least` and the following
};
constexpr Field kFields[] = {{"minute", 0, 59, {}},
                             {"hour", 0, 23, {}},
                             {"day of month", 1, 31, {}},
                             {"month", 1, 12, kMonths},
                             {"day of week", 1, 7, kDays}};
enum : size_t { kMinute, kHour, kDay, kMonth, kWeekday, kFieldCount };

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

unsigned days_in(int year, unsigned month) {
  using namespace std::chrono;
  return static_cast<unsigned>((std::chrono::year(year) / std::chrono::month(month) / last).day());
}

// 0: Sunday.
unsigned weekday_of(int year, unsigned month, unsigned day) {
  using namespace std::chrono;
  return weekday(
             sys_days(std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day)))
      .c_encoding();
}

// The weekday (Monday to Friday) of the same month that is nearest.
unsigned nearest_weekday(int year, unsigned month, unsigned day) {
  const unsigned last = days_in(year, month);
  switch (weekday_of(year, month, day)) {
    case 6:
      return day > 1 ? day - 1 : day + 2;
    case 0:
      return day < last ? day + 1 : day - 2;
    default:
      return day;
  }
}

}  // namespace

// Reads one text. Errors are thrown away with the parser: every step says whether it went well.
class CronParser {
 public:
  explicit CronParser(std::string_view text) : text_(text) {}

  std::expected<CronSchedule, CronError> run() {
    if (text_.size() > kMostBytes)
      return std::unexpected(CronError{0, fmt::format("longer than {} characters", kMostBytes)});
    for (size_t i = 0; i < kFieldCount; i++) {
      skip_space();
      if (at_ == text_.size()) {
        fail(
            fmt::format("the {} is missing: five fields are minute, hour, day of month, month, "
                        "day of week",
                        kFields[i].name));
        break;
      }
      field_ = &kFields[i];
      index_ = i;
      if (!read_list()) break;
      if (at_ < text_.size() && !at_space()) {
        fail(fmt::format("unexpected \"{}\" in the {}", text_[at_], field_->name));
        break;
      }
    }
    skip_space();
    if (!error_ && at_ < text_.size()) fail("more than five fields");
    if (error_) return std::unexpected(*error_);
    if (!schedule_.next_after(kStart)) {
      return std::unexpected(CronError{0, "such a day never comes"});
    }
    return std::move(schedule_);
  }

 private:
  static constexpr int64_t kStart = 0;

  bool at_space() const { return text_[at_] == ' ' || text_[at_] == '\t'; }
  void skip_space() {
    while (at_ < text_.size() && at_space()) at_++;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (ascii_lower(peek()) != c) return false;
    at_++;
    return true;
  }
  bool fail(std::string message, std::optional<size_t> at = std::nullopt) {
    if (!error_) error_ = CronError{at.value_or(at_), std::move(message)};
    return false;
  }

  bool read_list() {
    do {
      if (!read_item()) return false;
    } while (take(','));
    return true;
  }

  // A number or a name within the field's bounds.
  bool read_value(unsigned& value) {
    const size_t start = at_;
    if (is_digit(peek())) {
      value = 0;
      while (is_digit(peek()) && at_ - start < 4) value = value * 10 + unsigned(text_[at_++] - '0');
    } else {
      while (is_letter(peek())) at_++;
      const std::string name = ascii_lower(text_.substr(start, at_ - start));
      value = UINT32_MAX;
      for (size_t i = 0; i < field_->names.size(); i++)
        if (field_->names[i] == name) value = field_->least + static_cast<unsigned>(i);
      if (value == UINT32_MAX) {
        return fail(name.empty() ? fmt::format("a value of the {} is missing", field_->name)
                                 : fmt::format("\"{}\" is no {}", text_.substr(start, at_ - start),
                                               field_->name),
                    start);
      }
    }
    if (value >= field_->least && value <= field_->most) return true;
    return fail(fmt::format("the {} is {} to {}, not {}", field_->name, field_->least, field_->most,
                            text_.substr(start, at_ - start)),
                start);
  }

  bool read_number(unsigned least, unsigned most, std::string_view what, unsigned& value) {
    const size_t start = at_;
    value = 0;
    while (is_digit(peek()) && at_ - start < 4) value = value * 10 + unsigned(text_[at_++] - '0');
    if (at_ > start && value >= least && value <= most) return true;
    return fail(fmt::format("{} is a number of {} to {}", what, least, most), start);
  }

  bool read_step(unsigned first, unsigned last) {
    unsigned step = 1;
    if (take('/') && !read_number(1, field_->most, "a step", step)) return false;
    for (unsigned value = first; value <= last; value += step) set(value);
    return true;
  }

  void set(unsigned value) {
    switch (index_) {
      case kMinute:
        schedule_.minutes_ |= uint64_t{1} << value;
        break;
      case kHour:
        schedule_.hours_ |= 1u << value;
        break;
      case kDay:
        schedule_.days_ |= 1u << value;
        break;
      case kMonth:
        schedule_.months_ = static_cast<uint16_t>(schedule_.months_ | 1u << value);
        break;
      default:
        schedule_.weekdays_ = static_cast<uint8_t>(schedule_.weekdays_ | 1u << (value - 1));
    }
  }

  bool read_item() {
    if (take('*')) {
      if (peek() != '/') {
        if (index_ == kDay) schedule_.any_day_ = true;
        if (index_ == kWeekday) schedule_.any_weekday_ = true;
      }
      return read_step(field_->least, field_->most);
    }
    if (index_ == kDay && ascii_lower(peek()) == 'l') return read_last_day();
    // "L" alone is the last day of the week.
    if (index_ == kWeekday && ascii_lower(peek()) == 'l') {
      at_++;
      set(7);
      return true;
    }
    const size_t start = at_;
    unsigned first = 0;
    if (!read_value(first)) return false;
    if (index_ == kDay && take('w')) {
      schedule_.nearest_ |= 1u << first;
      return true;
    }
    if (index_ == kWeekday && (ascii_lower(peek()) == 'l' || peek() == '#'))
      return read_special(first);
    if (take('-')) {
      unsigned last = 0;
      if (!read_value(last)) return false;
      if (last < first)
        return fail(
            fmt::format("the range \"{}\" ends before it begins", text_.substr(start, at_ - start)),
            start);
      return read_step(first, last);
    }
    return read_step(first, peek() == '/' ? field_->most : first);
  }

  // "L", "LW", "L-3"
  bool read_last_day() {
    at_++;
    if (take('w')) {
      schedule_.last_weekday_ = true;
      return true;
    }
    unsigned before = 0;
    if (take('-') && !read_number(1, 30, "what follows \"L-\"", before)) return false;
    schedule_.from_last_ |= 1u << before;
    return true;
  }

  // "6L", "6#3"
  bool read_special(unsigned day) {
    unsigned nth = 0;
    if (!take('l')) {
      at_++;
      if (!read_number(1, 5, "what follows \"#\"", nth)) return false;
    }
    schedule_.special_.push_back({static_cast<uint8_t>(day - 1), static_cast<uint8_t>(nth)});
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  const Field* field_ = nullptr;
  size_t index_ = 0;
  CronSchedule schedule_;
  std::optional<CronError> error_;
};

std::expected<CronSchedule, CronError> CronSchedule::parse(std::string_view text) {
  return CronParser(text).run();
}

bool CronSchedule::month_day_fits(int year, unsigned month, unsigned day) const {
  const unsigned last = days_in(year, month);
  if ((days_ >> day & 1) != 0 || (from_last_ >> (last - day) & 1) != 0) return true;
  if (last_weekday_) {
    unsigned weekday = last;
    while (weekday_of(year, month, weekday) % 6 == 0) weekday--;
    if (weekday == day) return true;
  }
  for (unsigned wanted = 1; nearest_ != 0 && wanted <= last; wanted++) {
    if ((nearest_ >> wanted & 1) != 0 && nearest_weekday(year, month, wanted) == day) return true;
  }
  return false;
}

bool CronSchedule::weekday_fits(int year, unsigned month, unsigned day) const {
  const unsigned weekday = weekday_of(year, month, day);
  if ((weekdays_ >> weekday & 1) != 0) return true;
  for (const Weekday& special : special_) {
    if (special.day != weekday) continue;
    if (special.nth == 0 ? day + 7 > days_in(year, month) : (day - 1) / 7 + 1 == special.nth)
      return true;
  }
  return false;
}

bool CronSchedule::day_fits(int year, unsigned month, unsigned day) const {
  if ((months_ >> month & 1) == 0) return false;
  if (any_day_ && any_weekday_) return true;
  if (any_day_) return weekday_fits(year, month, day);
  if (any_weekday_) return month_day_fits(year, month, day);
  return month_day_fits(year, month, day) || weekday_fits(year, month, day);
}

bool CronSchedule::runs_at(int64_t minutes) const {
  using namespace std::chrono;
  const int64_t day_number = (minutes - (minutes < 0 ? kMinutesPerDay - 1 : 0)) / kMinutesPerDay;
  const int64_t of_day = minutes - day_number * kMinutesPerDay;
  const year_month_day date{sys_days(days(day_number))};
  return (minutes_ >> (of_day % 60) & 1) != 0 && (hours_ >> (of_day / 60) & 1) != 0 &&
         day_fits(static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()));
}

std::optional<int64_t> CronSchedule::next_after(int64_t minutes) const {
  using namespace std::chrono;
  int64_t minute = minutes + 1;
  int64_t day_number = minute / kMinutesPerDay - (minute % kMinutesPerDay < 0 ? 1 : 0);
  int64_t of_day = minute - day_number * kMinutesPerDay;
  for (int i = 0; i < kMostDays; i++, day_number++, of_day = 0) {
    const year_month_day date{sys_days(days(day_number))};
    if (!day_fits(static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()))) {
      continue;
    }
    for (; of_day < kMinutesPerDay; of_day++) {
      const auto hour = static_cast<unsigned>(of_day / 60);
      if ((hours_ >> hour & 1) == 0) {
        of_day += 59 - of_day % 60;
        continue;
      }
      if ((minutes_ >> (of_day % 60) & 1) != 0) return day_number * kMinutesPerDay + of_day;
    }
  }
  return std::nullopt;
}

}  // namespace skep::config
