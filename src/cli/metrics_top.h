// `skep top`: what the admin socket's metrics say, as a plain table that is printed anew every
// interval.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace skep::cli {

struct TopOptions {
  std::string admin = "/run/skep/admin.sock";
  uint32_t count = 0;  // tables; 0: until interrupted
  double interval_s = 2;
};

// The program's exit status.
int run_top(const TopOptions& options);

// A table of what happened between two texts of the metrics. before may be empty: since the start.
std::string format_top(std::string_view before, std::string_view now, double seconds);

}  // namespace skep::cli
