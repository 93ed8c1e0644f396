// The path patterns of _headers, _redirects and run_worker_first against the path of a request:
// "*" (the splat, anything) and ":name" (anything but "/"). Pure; the paths are strangers'.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skep::bindings {

struct Captures {
  // Views of the texts that were matched; "splat" is the "*".
  std::vector<std::pair<std::string_view, std::string_view>> values;
};

// Whole text. separators: what ":name" stops at ("/" of a path, "/." of a host). Takes a bounded
// number of steps: what needs more does not match.
bool match_pattern(std::string_view pattern, std::string_view text, std::string_view separators,
                   Captures& captures);

// "/api/*": each "*" stands for anything, nothing else is special.
bool match_stars(std::string_view pattern, std::string_view text);

// `text` with ":name" and ":splat" replaced by what was captured; others stay.
std::string substitute(std::string_view text, const Captures& captures);

}  // namespace skep::bindings
