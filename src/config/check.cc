#include "config/check.h"

namespace skep::config {

CheckedProject check_project(const std::string& path, const LoadOptions& load,
                             const ProjectOptions& options) {
  CheckedProject checked;
  LoadedWorker loaded = load_worker(path, load);
  checked.diagnostics = std::move(loaded.diagnostics);
  if (!loaded.config) return checked;
  const std::string file =
      loaded.config->config_path.empty() ? loaded.config->dir : loaded.config->config_path;
  const auto report = [&](Error error) {
    checked.diagnostics.push_back({Severity::error, file, {}, std::move(error.message), {}, {}});
  };
  auto project = Project::open(std::move(*loaded.config), options);
  if (!project) {
    report(std::move(project.error()));
    return checked;
  }
  auto modules = (*project)->additional_modules();
  if (!modules) {
    report(std::move(modules.error()));
    return checked;
  }
  for (const ModuleFile* module : *modules) {
    if (auto text = (*project)->read(*module); !text) report(std::move(text.error()));
  }
  if (auto text = (*project)->read((*project)->main()); !text) report(std::move(text.error()));
  for (const Diagnostic& diagnostic : checked.diagnostics) {
    if (diagnostic.severity == Severity::error) return checked;
  }
  checked.project = std::move(*project);
  return checked;
}

}  // namespace skep::config
