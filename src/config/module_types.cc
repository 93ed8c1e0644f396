#include "config/module_types.h"

#include <algorithm>
#include <array>

#include "config/files.h"
#include "config/glob.h"

namespace skep::config {

ModuleTypes::ModuleTypes(std::span<const ModuleRule> rules) : rules_(rules.begin(), rules.end()) {
  rules_.push_back({ModuleType::text, {"**/*.txt", "**/*.html", "**/*.sql"}, false});
  rules_.push_back({ModuleType::data, {"**/*.bin"}, false});
  rules_.push_back({ModuleType::wasm, {"**/*.wasm", "**/*.wasm?module"}, false});
  std::array<bool, 8> ended{};
  std::erase_if(rules_, [&](const ModuleRule& rule) {
    bool& over = ended[static_cast<size_t>(rule.type)];
    const bool drop = over;
    over = over || !rule.fallthrough;
    return drop;
  });
}

std::optional<ModuleType> ModuleTypes::by_rule(std::string_view name,
                                               std::string_view project_path) const {
  for (const ModuleRule& rule : rules_) {
    const bool fits = std::ranges::any_of(rule.globs, [&](const std::string& glob) {
      return glob_matches(glob, name) || glob_matches(glob, project_path);
    });
    if (fits) return rule.type;
  }
  return std::nullopt;
}

std::optional<ModuleType> ModuleTypes::by_extension(std::string_view path) {
  struct Row {
    std::string_view extension;
    ModuleType type;
  };
  static constexpr Row kRows[] = {
      {".mjs", ModuleType::esm},        {".cjs", ModuleType::commonjs},
      {".ts", ModuleType::typescript},  {".mts", ModuleType::typescript},
      {".tsx", ModuleType::typescript}, {".jsx", ModuleType::typescript},
      {".json", ModuleType::json},      {".cts", ModuleType::typescript_commonjs},
  };
  const std::string_view kind = extension(path);
  for (const Row& row : kRows) {
    if (row.extension == kind) return row.type;
  }
  return std::nullopt;
}

}  // namespace skep::config
