#include "config/check.h"

#include <algorithm>
#include <iterator>

#include "base/limits.h"
#include "config/files.h"

namespace skep::config {
namespace {

// The key that a Project which cannot be opened is to be blamed on.
Position place_of_failure(const WorkerConfig& config) {
  const bool no_base =
      !config.base_dir.empty() && !is_folder(join_path(config.dir, config.base_dir));
  const bool has_main = is_file(join_path(config.dir, config.main));
  return no_base && has_main ? config.base_dir_at : config.main_at;
}

// An error at a place of the configuration, with its lines.
void report(CheckedProject& checked, const WorkerConfig& config, Position at, std::string message) {
  const auto text = config.config_path.empty()
                        ? Result<std::string>()
                        : read_text_file(config.config_path, limits::kConfigFileBytes);
  Diagnostics diagnostics;
  diagnostics.begin_file(
      config.config_path.empty() ? join_path(config.dir, config.main) : config.config_path,
      text ? std::string_view(*text) : std::string_view());
  diagnostics.error(at, std::move(message));
  diagnostics.end_file();
  std::ranges::move(diagnostics.take(), std::back_inserter(checked.diagnostics));
}

}  // namespace

CheckedProject check_project(const std::string& path, const LoadOptions& load,
                             const ProjectOptions& options) {
  CheckedProject checked;
  LoadedWorker loaded = load_worker(path, load);
  checked.diagnostics = std::move(loaded.diagnostics);
  if (!loaded.config) return checked;
  checked.config = std::move(loaded.config);
  const WorkerConfig& config = *checked.config;
  if (config.main.empty()) return checked;  // there are only assets
  auto project = Project::open(config, options);
  if (!project) {
    report(checked, config, place_of_failure(config), project.error().message);
    return checked;
  }
  auto modules = (*project)->additional_modules();
  if (!modules) {
    report(checked, config, {}, modules.error().message);
    return checked;
  }
  modules->push_back(&(*project)->main());
  bool readable = true;
  for (const ModuleFile* module : *modules) {
    const auto text = (*project)->read(*module);
    if (text) continue;
    report(checked, config, {}, text.error().message);
    readable = false;
  }
  if (readable) checked.project = std::move(*project);
  return checked;
}

}  // namespace skep::config
