// Which kind of module a file is: wrangler's `rules`, the built-in rules, the extension, and for
// .js the package's "type" or the syntax.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "config/wrangler.h"

namespace skep::config {

class ModuleTypes {
 public:
  // As wrangler puts them together: the project's rules, then the built-in ones; a rule without
  // `fallthrough` ends its type, so that later rules of the same type do not count.
  explicit ModuleTypes(std::span<const ModuleRule> rules);

  // By a rule whose glob fits one of the two names a file has (relative to main's folder, and to
  // the project's).
  std::optional<ModuleType> by_rule(std::string_view name, std::string_view project_path) const;
  // By the extension alone; none for .js, whose kind needs a look at its package or its text.
  static std::optional<ModuleType> by_extension(std::string_view path);

 private:
  std::vector<ModuleRule> rules_;
};

}  // namespace skep::config
