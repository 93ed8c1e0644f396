#include "config/wrangler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <expected>

#include "base/limits.h"
#include "config/compatibility.h"
#include "config/files.h"
#include "config/jsonc.h"
#include "config/local_vars.h"
#include "config/secrets.h"
#include "config/toml.h"
#include "config/wrangler_read.h"

namespace skep::config {
namespace {

constexpr std::string_view kFileNames[] = {"wrangler.json", "wrangler.jsonc", "wrangler.toml"};
constexpr std::string_view kModuleExtensions[] = {".js",  ".mjs", ".cjs", ".ts",
                                                  ".mts", ".cts", ".tsx", ".jsx"};
constexpr size_t kNameBytes = 63;

bool is_module_path(std::string_view path) {
  return std::ranges::find(kModuleExtensions, extension(path)) != std::end(kModuleExtensions);
}

// What `path` turned out to be.
struct Target {
  enum class Kind { config_file, module, none };
  Kind kind = Kind::none;
  std::string path;  // absolute, real
  std::string error;
};

// The nearest wrangler file of a folder or its parents; looked-for paths of the folder itself are
// noted.
std::string find_config(const std::string& dir, std::vector<std::string>& watch_paths) {
  for (std::string folder = dir;;) {
    for (const std::string_view name : kFileNames) {
      std::string path = join_path(folder, name);
      if (folder == dir) watch_paths.push_back(path);
      if (is_file(path)) return path;
    }
    if (folder == "/") return {};
    folder = folder_name(folder);
  }
}

Target find_target(const std::string& path, std::vector<std::string>& watch_paths) {
  const auto real = real_path(path);
  if (!real) return {Target::Kind::none, path, real.error().message};
  if (is_folder(*real)) {
    std::string file = find_config(*real, watch_paths);
    if (!file.empty()) return {Target::Kind::config_file, std::move(file), {}};
    return {Target::Kind::none, *real,
            "no wrangler.json, wrangler.jsonc or wrangler.toml here or in a folder above"};
  }
  const std::string_view kind = extension(*real);
  if (kind == ".json" || kind == ".jsonc" || kind == ".toml") {
    return {Target::Kind::config_file, *real, {}};
  }
  if (is_module_path(*real)) return {Target::Kind::module, *real, {}};
  return {Target::Kind::none, *real,
          "neither a folder, nor a wrangler file, nor a module (.js .mjs .cjs .ts .mts .cts .tsx "
          ".jsx)"};
}

std::expected<Value, ParseError> parse_config(const std::string& path, std::string_view text) {
  auto parsed =
      extension(path) == ".toml" ? parse_toml(text) : parse_json(text, JsonDialect::jsonc);
  if (parsed && !parsed->is(Value::Type::object)) {
    return std::unexpected(ParseError{parsed->at, "the file must hold one object: { … }"});
  }
  return parsed;
}

WorkerConfig single_module(const std::string& path) {
  WorkerConfig config;
  config.name = make_worker_name(stem(path));
  config.dir = folder_name(path);
  config.main = base_name(path);
  config.compatibility_date = kNewestCompatibilityDate;
  config.enabled_flags = enabled_flags(config.compatibility_date, {});
  return config;
}

std::optional<WorkerConfig> read_config_file(const std::string& path,
                                             const std::string& environment,
                                             Diagnostics& diagnostics) {
  const auto text = read_text_file(path, limits::kConfigFileBytes);
  if (!text) {
    diagnostics.error({}, text.error().message);
    return std::nullopt;
  }
  diagnostics.begin_file(path, *text);
  std::optional<WorkerConfig> config;
  if (const auto parsed = parse_config(path, *text)) {
    config = read_wrangler(*parsed, environment, diagnostics);
    config->config_path = path;
    config->dir = folder_name(path);
    if (config->name.empty()) config->name = make_worker_name(base_name(config->dir));
    if (config->main.empty() && !config->assets && !diagnostics.has_errors()) {
      diagnostics.error({}, "\"main\" is missing",
                        "main = \"src/index.js\" names the Worker's first module");
    }
  } else {
    diagnostics.error(parsed.error().at, parsed.error().message);
  }
  diagnostics.end_file();
  return config;
}

}  // namespace

LoadedWorker load_worker(const std::string& path, const LoadOptions& options) {
  LoadedWorker loaded;
  Diagnostics diagnostics;
  const Target target = find_target(path, loaded.watch_paths);
  switch (target.kind) {
    case Target::Kind::none:
      diagnostics.add({Severity::error, target.path, {}, target.error, {}, {}});
      break;
    case Target::Kind::module:
      loaded.config = single_module(target.path);
      if (!options.environment.empty()) {
        diagnostics.add(
            {Severity::error,
             target.path,
             {},
             fmt::format("there is no environment \"{}\": a single module has no wrangler file",
                         options.environment),
             {},
             {}});
      }
      break;
    case Target::Kind::config_file:
      loaded.watch_paths.push_back(target.path);
      loaded.config = read_config_file(target.path, options.environment, diagnostics);
      break;
  }
  if (loaded.config && options.local_vars) {
    add_local_vars(loaded.config->dir, options.environment, loaded.config->vars, diagnostics,
                   loaded.watch_paths);
  }
  if (loaded.config) add_secrets(options, *loaded.config, diagnostics, loaded.watch_paths);
  if (diagnostics.has_errors()) loaded.config.reset();
  std::ranges::sort(loaded.watch_paths);
  const auto doubled = std::ranges::unique(loaded.watch_paths);
  loaded.watch_paths.erase(doubled.begin(), doubled.end());
  loaded.diagnostics = diagnostics.take();
  return loaded;
}

std::string worker_name(const std::string& path, const std::string& environment) {
  std::vector<std::string> ignored;
  const Target target = find_target(path, ignored);
  if (target.kind == Target::Kind::config_file) {
    if (const auto text = read_text_file(target.path, limits::kConfigFileBytes)) {
      if (const auto parsed = parse_config(target.path, *text)) {
        std::string name = read_wrangler_name(*parsed, environment);
        if (valid_worker_name(name)) return name;
      }
    }
    return make_worker_name(base_name(folder_name(target.path)));
  }
  return make_worker_name(is_module_path(path) ? stem(path) : base_name(path));
}

bool valid_worker_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytes && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::string make_worker_name(std::string_view text) {
  std::string name;
  for (char c : text.substr(0, kNameBytes)) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    name += valid_worker_name(std::string_view(&c, 1)) ? c : '-';
  }
  return name.empty() ? "worker" : name;
}

}  // namespace skep::config
