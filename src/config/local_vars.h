// What a developer keeps beside a project and out of its wrangler file: .dev.vars, or .env files
// where there is no .dev.vars. Read for `skep dev` and `skep test`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "config/wrangler.h"

namespace skep::config {

// .dev.vars.ENVIRONMENT if it is there, else .dev.vars; without either .env, .env.local,
// .env.ENVIRONMENT, .env.ENVIRONMENT.local merged, the later winning. Each overrides the var of the
// same name. Two variables of skep's own environment matter, as for wrangler:
// CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV=false leaves the .env files alone, and
// CLOUDFLARE_INCLUDE_PROCESS_ENV=true adds the process's environment before them.
// `watch_paths` gets every file that was looked for.
void add_local_vars(const std::string& dir, std::string_view environment, std::vector<Var>& vars,
                    Diagnostics& diagnostics, std::vector<std::string>& watch_paths);

// Sets a variable that is text, in place of the one of the same name.
void override_var(std::vector<Var>& vars, std::string name, std::string value);

}  // namespace skep::config
