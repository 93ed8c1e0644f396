// Compatibility dates and flags of Workers: which behaviours exist, what turns each on or off, and
// since which date it is on by default. The one place that knows them; what the runtime does with a
// flag is the business of the API that has it. Used by the broker and the command line, which hand
// the names that are in effect to the shards.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace skep::config {

struct CompatibilityFlag {
  std::string_view name;             // turns it on; also its name at run time
  std::string_view disable_name;     // turns it off where it is on by date; empty: none
  std::string_view default_on;       // "YYYY-MM-DD"; empty: never on by date
  bool needs_nodejs_compat = false;  // on by date only together with nodejs_compat
};

// The newest date that this version knows: the newest one in the flag table. A project with a later
// date asks for behaviour that did not exist when this was written, and is refused.
inline constexpr std::string_view kNewestCompatibilityDate = "2026-08-04";
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
