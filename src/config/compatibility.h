// Compatibility dates and flags of Workers: which behaviours exist, what turns each on or off, and
// since which date it is on by default. The one place that knows them; what the runtime does with a
// flag is the business of the API that has it. Used by the broker and the command line, which hand
// the names that are in effect to the shards.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace skep::config {

struct CompatibilityFlag {
  std::string_view name;          // turns it on; also its name at run time
  std::string_view disable_name;  // turns it off where it is on by date; empty: none
  std::string_view default_on;    // "YYYY-MM-DD"; empty: never on by date
  // On from `implied_from` where one of `implied_by` is on.
  std::string_view implied_from = {};
  std::array<std::string_view, 2> implied_by = {};
  // What it changes in skep, or "(always) …" where skep has no other way; empty: nothing here
  // depends on it, and it is accepted.
  std::string_view changes = {};
};

// The newest date that this version knows: of workerd 2026-11-17, whose flags the table holds. A
// project with a later date asks for behaviour that did not exist when this was written, and is
// refused. Whoever moves this date on brings the table up to it.
inline constexpr std::string_view kNewestCompatibilityDate = "2026-11-17";
// What a project without a date gets, as Workers have it.
inline constexpr std::string_view kOldestCompatibilityDate = "2021-11-02";

std::span<const CompatibilityFlag> compatibility_flags();

// "YYYY-MM-DD", a day of the calendar, not later than the newest known.
Result<> check_compatibility_date(std::string_view date);
// Known as an enable or disable name. The error suggests the nearest.
Result<> check_compatibility_flag(std::string_view flag);
// Names of all flags in effect, sorted: on by date or by `flags`, minus those that `flags` disable.
// `date` and `flags` have passed the checks above; an empty date is the oldest.
std::vector<std::string> enabled_flags(std::string_view date, std::span<const std::string> flags);

}  // namespace skep::config
