// The commands that need a broker, as the command line calls them. Each prints what it has to say
// and returns the exit status of the program; none of them throws.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "broker/options.h"

namespace skep::broker {

struct ServeArguments {
  std::string config_path = "/etc/skep/skep.toml";
  bool reduced_sandbox = false;  // --sandbox=reduced, also where the file says full
};

// 0: ended by a signal after all requests were finished. 1: could not start, or shards can't be
// had. 128 + the signal: a second signal cut the end short.
int run_serve(const ServeArguments& arguments);

int run_dev(const ProjectArguments& arguments, uint16_t port, bool https);

// Prints diagnostics, "FILE:LINE:COLUMN: error: …" with a code frame. 0: no error.
int run_check(const ProjectArguments& arguments);

// Prints PASS and FAIL lines and last "N passed, N failed". 0: none failed and one ran at least.
int run_test(const ProjectArguments& arguments);

struct ColdResult {
  std::vector<uint64_t> samples_ns;
  // Of the shard, before the first and after the last isolate was made.
  uint64_t resident_bytes_before = 0, resident_bytes_after = 0;
};

// Makes `count` isolates of the first worker, one after another (rpc::Shard::cold). Errors are
// printed, and the result is empty then.
// dry: each start finds the arena empty, as after a burst, and makes its own.
Result<ColdResult> run_cold(const ProjectArguments& arguments, uint32_t count, bool keep, bool dry);

}  // namespace skep::broker
