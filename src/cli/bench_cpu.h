// CPU time of other processes and of all their descendants, for `skep bench`.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <span>

#include "base/result.h"

namespace skep::cli {

// By process: nanoseconds of CPU, user and system, of all its threads, also ended ones.
using CpuTimes = std::map<pid_t, int64_t>;

// Errors: one of `roots` does not exist. A descendant that ends meanwhile is left out.
Result<CpuTimes> cpu_times_of_trees(std::span<const pid_t> roots);
// What was used between two looks, by the processes that are there at `end`.
int64_t cpu_used_ns(const CpuTimes& start, const CpuTimes& end);

}  // namespace skep::cli
