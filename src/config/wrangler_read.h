// The keys of one wrangler file, already parsed, into a WorkerConfig. Touches no other file, so
// that it can be tested and fuzzed on text alone; wrangler.cc finds and opens what it is given.
#pragma once

#include <string_view>

#include "config/diagnostic.h"
#include "config/value.h"
#include "config/wrangler.h"

namespace skep::config {

// `environment`: of --env, or empty. The result's paths are as the file has them; dir, config_path
// and a missing name are the caller's business. Of use only where no error was reported.
WorkerConfig read_wrangler(const Value& file, std::string_view environment,
                           Diagnostics& diagnostics);

// The worker's name alone, "" where the file has none.
std::string read_wrangler_name(const Value& file, std::string_view environment);

}  // namespace skep::config
