#include "config/local_vars.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/limits.h"
#include "config/dotenv.h"
#include "config/files.h"

namespace skep::config {
void override_var(std::vector<Var>& vars, std::string name, std::string value) {
  const auto same = std::ranges::find(vars, name, &Var::name);
  Var var{std::move(name), std::move(value), false};
  if (same != vars.end()) {
    *same = std::move(var);
  } else {
    vars.push_back(std::move(var));
  }
}

namespace {

bool variable_is(const char* name, std::string_view wanted) {
  const char* value = std::getenv(name);
  return value != nullptr && wanted == value;
}

// False: there is no such file. One that cannot be read is reported, and counts as there.
bool read_file(const std::string& path, std::vector<Var>& vars, Diagnostics& diagnostics,
               std::vector<std::string>& watch_paths) {
  watch_paths.push_back(path);
  const auto text = read_text_file(path, limits::kConfigFileBytes);
  if (!text) {
    if (text.error().code == ENOENT) return false;
    diagnostics.error({}, text.error().message);
    return true;
  }
  // Without its text: a code frame would show secrets.
  diagnostics.begin_file(path, {});
  if (auto entries = parse_dotenv(*text)) {
    for (DotenvEntry& entry : *entries) {
      override_var(vars, std::move(entry.name), std::move(entry.value));
    }
  } else {
    diagnostics.error(entries.error().at, std::move(entries.error().message));
  }
  diagnostics.end_file();
  return true;
}

void add_process_environment(std::vector<Var>& vars) {
  for (char** entry = environ; *entry != nullptr; entry++) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    override_var(vars, std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
  }
}

}  // namespace

void add_local_vars(const std::string& dir, std::string_view environment, std::vector<Var>& vars,
                    Diagnostics& diagnostics, std::vector<std::string>& watch_paths) {
  const auto path = [&](std::string_view name) { return join_path(dir, name); };
  const auto read = [&](std::string_view name) {
    return read_file(path(name), vars, diagnostics, watch_paths);
  };
  if (!environment.empty() && read(fmt::format(".dev.vars.{}", environment))) return;
  if (read(".dev.vars")) return;
  if (variable_is("CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV", "false")) return;
  if (variable_is("CLOUDFLARE_INCLUDE_PROCESS_ENV", "true")) add_process_environment(vars);
  read(".env");
  read(".env.local");
  if (environment.empty()) return;
  read(fmt::format(".env.{}", environment));
  read(fmt::format(".env.{}.local", environment));
}

}  // namespace skep::config
