#include "config/compatibility.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "config/diagnostic.h"

namespace skep::config {
namespace {

const CompatibilityFlag* find_flag(std::string_view name) {
  for (const CompatibilityFlag& flag : compatibility_flags()) {
    if (flag.name == name || (!flag.disable_name.empty() && flag.disable_name == name))
      return &flag;
  }
  return nullptr;
}

bool is_calendar_day(std::string_view date) {
  if (date.size() != 10 || date[4] != '-' || date[7] != '-') return false;
  const auto number = [&](size_t from, size_t count) {
    int value = 0;
    for (size_t i = from; i < from + count; i++) {
      if (date[i] < '0' || date[i] > '9') return -1;
      value = value * 10 + (date[i] - '0');
    }
    return value;
  };
  const int year = number(0, 4), month = number(5, 2), day = number(8, 2);
  if (year < 0 || month < 1 || month > 12 || day < 1) return false;
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= kDays[month - 1] + (month == 2 && leap ? 1 : 0);
}

}  // namespace

Result<> check_compatibility_date(std::string_view date) {
  if (!is_calendar_day(date)) {
    return fail(
        fmt::format("\"{}\" is not a date; compatibility_date is written YYYY-MM-DD", date));
  }
  if (date > kNewestCompatibilityDate) {
    return fail(
        fmt::format("This Worker requires compatibility date \"{}\", but the newest date "
                    "supported by this server binary is \"{}\".",
                    date, kNewestCompatibilityDate));
  }
  return {};
}

Result<> check_compatibility_flag(std::string_view name) {
  if (find_flag(name) != nullptr) return {};
  std::vector<std::string_view> names;
  for (const CompatibilityFlag& flag : compatibility_flags()) {
    names.push_back(flag.name);
    if (!flag.disable_name.empty()) names.push_back(flag.disable_name);
  }
  const std::string_view nearest = nearest_name(name, names);
  return fail(fmt::format("No such compatibility flag: {}{}", name,
                          nearest.empty() ? "" : fmt::format("; did you mean \"{}\"?", nearest)));
}

std::vector<std::string> enabled_flags(std::string_view date, std::span<const std::string> flags) {
  if (date.empty()) date = kOldestCompatibilityDate;
  const auto asked = [&](std::string_view name) {
    return !name.empty() && std::ranges::find(flags, name) != flags.end();
  };
  std::set<std::string_view> on;
  for (const CompatibilityFlag& flag : compatibility_flags()) {
    const bool by_date = !flag.default_on.empty() && date >= flag.default_on;
    if ((by_date || asked(flag.name)) && !asked(flag.disable_name)) on.insert(flag.name);
  }
  // What is implied may imply more.
  for (size_t before = 0; before != on.size();) {
    before = on.size();
    for (const CompatibilityFlag& flag : compatibility_flags()) {
      if (flag.implied_from.empty() || date < flag.implied_from || asked(flag.disable_name))
        continue;
      for (const std::string_view other : flag.implied_by) {
        if (on.contains(other)) on.insert(flag.name);
      }
    }
  }
  return {on.begin(), on.end()};
}

}  // namespace skep::config
