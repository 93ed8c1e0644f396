// A worker's secrets: a file of dotenv lines that its owner alone may read (or a credential that
// systemd hands over), and those that the wrangler file asks for. Their values become variables of
// the worker and stand nowhere else: not in messages, not in code frames.
#pragma once

#include <string>
#include <vector>

#include "config/diagnostic.h"
#include "config/wrangler.h"

namespace skep::config {

// Each secret overrides the variable of the same name.
void add_secrets(const LoadOptions& options, WorkerConfig& config, Diagnostics& diagnostics,
                 std::vector<std::string>& watch_paths);

}  // namespace skep::config
