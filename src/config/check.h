// Everything about a project that can be checked without V8: its configuration, its main module,
// the files of its rules. `skep check` prints this and then lets a shard compile the modules.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/project.h"
#include "config/wrangler.h"

namespace skep::config {

struct CheckedProject {
  std::vector<Diagnostic> diagnostics;
  std::unique_ptr<Project> project;    // null where diagnostics hold an error, or without code
  std::optional<WorkerConfig> config;  // none where the file holds an error
};

CheckedProject check_project(const std::string& path, const LoadOptions& load,
                             const ProjectOptions& options);

}  // namespace skep::config
