#include "config/tsconfig.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "config/files.h"
#include "config/jsonc.h"

namespace skep::config {
namespace {

constexpr int kExtends = 16;  // files, one extending the other
constexpr size_t kPatterns = 1'000;

std::string below(std::string_view folder, std::string_view path) {
  std::string joined =
      normal_path(folder.empty() ? std::string(path) : fmt::format("{}/{}", folder, path));
  return joined == "." ? "" : joined;
}

// What the "*" of a pattern stands for; false: the pattern does not fit.
bool fits(std::string_view pattern, std::string_view specifier, std::string_view& star) {
  const size_t at = pattern.find('*');
  if (at == std::string_view::npos) return pattern == specifier;
  const std::string_view before = pattern.substr(0, at), after = pattern.substr(at + 1);
  if (specifier.size() < before.size() + after.size() || !specifier.starts_with(before) ||
      !specifier.ends_with(after)) {
    return false;
  }
  star = specifier.substr(before.size(), specifier.size() - before.size() - after.size());
  return true;
}

}  // namespace

const TsConfig* TsConfigs::of_folder(std::string_view folder) {
  if (!fixed_.empty()) return of_file(fixed_);
  for (;; folder = folder_name(folder)) {
    auto [known, is_new] = files_.try_emplace(std::string(folder));
    if (is_new) {
      for (const std::string_view name : {"tsconfig.json", "jsconfig.json"}) {
        std::string path = below(folder, name);
        if (tree_.lookup(path).kind != FileTree::Kind::file) continue;
        known->second = std::move(path);
        break;
      }
    }
    if (!known->second.empty()) return of_file(known->second);
    if (folder.empty()) return nullptr;
  }
}

const TsConfig* TsConfigs::of_file(const std::string& path) {
  auto& config = configs_[path];
  if (!config) {
    config = std::make_unique<TsConfig>();
    read(path, 0, *config);
  }
  return config.get();
}

void TsConfigs::read(const std::string& path, int depth, TsConfig& config) {
  if (depth >= kExtends || path.starts_with("../") || read_.size() >= limits::kModulesPerWorker)
    return;
  const auto text = tree_.read(path, limits::kConfigFileBytes);
  if (!text) return;
  read_.push_back(path);
  const auto file = parse_json(*text, JsonDialect::jsonc);
  if (!file) return;
  const std::string_view folder = folder_name(path);
  const auto extend = [&](const Value& value) {
    // One of a package sets compiler options for everybody; paths are a project's own.
    if (!value.is(Value::Type::string) || !value.string.starts_with('.')) return;
    const bool has_extension = value.string.ends_with(".json");
    read(below(folder, has_extension ? value.string : value.string + ".json"), depth + 1, config);
  };
  if (const Value* extends = file->find("extends")) {
    extend(*extends);
    for (const Value& item : extends->items) extend(item);
  }
  const Value* options = file->find("compilerOptions");
  if (options != nullptr) read_options(*options, folder, config);
}

void TsConfigs::read_options(const Value& options, std::string_view folder,
                             TsConfig& config) const {
  const Value* base_url = options.find("baseUrl");
  if (base_url != nullptr && base_url->is(Value::Type::string)) {
    config.has_base_url = true;
    config.base_url = below(folder, base_url->string);
  }
  const Value* paths = options.find("paths");
  if (paths == nullptr || !paths->is(Value::Type::object)) return;
  config.paths.clear();
  config.paths_base = config.has_base_url ? config.base_url : std::string(folder);
  for (const Member& member : paths->members) {
    if (config.paths.size() >= kPatterns) return;
    TsConfig::Path& path = config.paths.emplace_back();
    path.pattern = member.key;
    for (const Value& target : member.value.items) {
      if (target.is(Value::Type::string)) path.targets.push_back(target.string);
    }
  }
}

std::vector<std::string> ts_candidates(const TsConfig& config, std::string_view specifier) {
  const TsConfig::Path* best = nullptr;
  std::string_view star;
  size_t best_length = 0;
  for (const TsConfig::Path& path : config.paths) {
    std::string_view matched;
    if (!fits(path.pattern, specifier, matched)) continue;
    // An exact pattern first, then the one with the longest text before its "*".
    const size_t at = path.pattern.find('*');
    const size_t length = at == std::string::npos ? std::string::npos : at;
    if (best != nullptr && length <= best_length) continue;
    best = &path;
    best_length = length;
    star = matched;
  }
  std::vector<std::string> out;
  if (best != nullptr) {
    for (std::string target : best->targets) {
      const size_t at = target.find('*');
      if (at != std::string::npos) target.replace(at, 1, star);
      out.push_back(below(config.paths_base, target));
    }
  }
  if (config.has_base_url) out.push_back(below(config.base_url, specifier));
  return out;
}

}  // namespace skep::config
