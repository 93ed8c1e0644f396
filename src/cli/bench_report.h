// What `skep bench http` found out, as text for a reader or as one JSON object for a program.
#pragma once

#include <string>

#include "cli/bench_load.h"
#include "cli/bench_options.h"

namespace skep::cli {

struct BenchReport {
  LoadResult load;
  int64_t client_cpu_ns = 0;  // of this process, in the measured time
  int64_t server_cpu_ns = 0;  // of the processes of --pid and their descendants
  size_t server_processes = 0;
};

std::string format_text(const BenchOptions& options, const BenchReport& report);
std::string format_json(const BenchOptions& options, const BenchReport& report);

}  // namespace skep::cli
