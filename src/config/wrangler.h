// A Worker project's configuration: wrangler.json, .jsonc or .toml (looked for in this order, in
// the given folder and then upwards), with [env.NAME], .dev.vars and .env; or a single module with
// none of these. Read by the broker and by the command line; never by a shard.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/assets.h"
#include "config/bindings.h"
#include "config/diagnostic.h"

namespace skep::config {

// A plain value of `env`: a string, or JSON text of anything else.
struct Var {
  std::string name;
  std::string value;
  bool json = false;
};

// What a file is as a module. TypeScript is turned into JavaScript by the shard.
enum class ModuleType { esm, commonjs, text, data, json, wasm, typescript, typescript_commonjs };

struct ModuleRule {
  ModuleType type = ModuleType::text;
  std::vector<std::string> globs;
  bool fallthrough = false;
};

struct Route {
  std::string pattern;  // "host/path*", valid for RouteTable
  bool custom_domain = false;
};

struct WorkerConfig {
  std::string name;
  std::string environment;  // of --env; empty: none
  std::string dir;          // absolute, real path; all relative paths start here
  std::string config_path;  // absolute; empty: a module without a configuration
  std::string main;         // relative to dir, "" only where the project has no code of its own
  std::string base_dir;     // relative to dir; empty: main's folder
  Position main_at, base_dir_at;  // where the configuration says so
  bool find_additional_modules = false;
  bool no_bundle = false;
  std::vector<ModuleRule> rules;             // of the file, in order; the built-in ones come after
  std::map<std::string, std::string> alias;  // specifier -> what to import instead
  std::string tsconfig;  // relative to dir; empty: the nearest tsconfig.json of each module
  std::string compatibility_date;
  std::vector<std::string> compatibility_flags;  // as the file has them
  std::vector<std::string> enabled_flags;        // in effect: by date and by the above
  std::vector<Var> vars;                         // .dev.vars and .env have overridden
  std::vector<Binding> bindings;
  std::optional<AssetsConfig> assets;
  std::vector<std::string> crons;             // triggers.crons; each is valid
  std::vector<std::string> required_secrets;  // secrets.required
  std::optional<uint32_t> cpu_ms;             // limits.cpu_ms
  std::optional<uint32_t> subrequests;        // limits.subrequests
  std::vector<Route> routes;
  bool workers_dev = true;  // answers at NAME.workers.localhost
};

struct LoadOptions {
  std::string environment;  // [env.NAME]
  bool local_vars = false;  // read .dev.vars or .env (dev, test)
  // A file of secrets (dotenv lines) that nobody but its owner may read; empty: none.
  std::string secrets_path;
  bool require_secrets = false;  // secrets.required that are missing are errors, not warnings
};

struct LoadedWorker {
  std::optional<WorkerConfig> config;  // none where diagnostics hold an error
  std::vector<Diagnostic> diagnostics;
  // Absolute paths of the files that were read or would have been, had they existed.
  std::vector<std::string> watch_paths;
};

// `path`: a folder, a wrangler file, or one module (.js .mjs .cjs .ts .mts .cts .tsx .jsx). Errors,
// also of opening the files, are diagnostics.
LoadedWorker load_worker(const std::string& path, const LoadOptions& options);

// The name alone: what load_worker would give, without checking anything else. For `[[worker]]`
// tables without a name. Falls back to the folder's or file's name.
std::string worker_name(const std::string& path, const std::string& environment);

// Lower case letters, digits, "-", "_"; 1 to 63 characters.
bool valid_worker_name(std::string_view name);
// Makes a valid name of any text: what is not allowed becomes "-".
std::string make_worker_name(std::string_view text);

}  // namespace skep::config
