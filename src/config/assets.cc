#include "config/assets.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/limits_assets.h"
#include "config/table_reader.h"

namespace skep::config {
namespace {

template <typename T>
using Choices = std::span<const std::pair<std::string_view, T>>;

// The key's value where it is one of the names; an error names them all.
template <typename T>
void read_choice(TableReader& reader, std::string_view key, Choices<T> choices, T& to) {
  const Value* value = reader.any(key);
  if (value == nullptr) return;
  std::string known;
  for (const auto& [name, choice] : choices) {
    if (value->is(Value::Type::string) && value->string == name) {
      to = choice;
      return;
    }
    known += fmt::format("{}\"{}\"", known.empty() ? "" : ", ", name);
  }
  reader.diagnostics().error(value->at,
                             fmt::format("\"{}\" must be one of {}", reader.full_name(key), known));
}

// Why a rule of run_worker_first is none; empty: it is one.
std::string problem_of(std::string_view rule) {
  if (rule.size() > limits::kAssetWorkerFirstRuleBytes)
    return fmt::format("is longer than {} characters", limits::kAssetWorkerFirstRuleBytes);
  if (!rule.starts_with('/') && !rule.starts_with("!/")) return "must start with \"/\" or \"!/\"";
  return {};
}

void read_worker_first(TableReader& reader, AssetsConfig& config) {
  const Value* value = reader.any("run_worker_first");
  if (value == nullptr) return;
  if (value->is(Value::Type::boolean)) {
    config.worker_first = value->boolean;
    return;
  }
  Diagnostics& diagnostics = reader.diagnostics();
  const std::string name = reader.full_name("run_worker_first");
  if (!value->is(Value::Type::array))
    return report_type(diagnostics, *value, name, "true, false or an array of rules");
  if (value->items.size() > limits::kAssetWorkerFirstRules) {
    diagnostics.error(value->at, fmt::format("\"{}\" has {} rules; {} are allowed", name,
                                             value->items.size(), limits::kAssetWorkerFirstRules));
    return;
  }
  bool positive = false;
  for (const Value& item : value->items) {
    if (!item.is(Value::Type::string))
      return report_type(diagnostics, item, name, "an array of strings");
    if (const std::string problem = problem_of(item.string); !problem.empty())
      diagnostics.error(item.at, fmt::format("the rule \"{}\" {}", item.string, problem));
    positive = positive || item.string.starts_with('/');
    config.worker_first_rules.push_back(item.string);
  }
  if (!positive)
    diagnostics.error(value->at,
                      fmt::format("\"{}\" needs a rule that does not start with \"!\"", name));
}

}  // namespace

AssetsConfig read_assets(const Value& assets, const std::string& path, Diagnostics& diagnostics) {
  static constexpr std::pair<std::string_view, HtmlHandling> kHtml[] = {
      {"auto-trailing-slash", HtmlHandling::auto_trailing_slash},
      {"force-trailing-slash", HtmlHandling::force_trailing_slash},
      {"drop-trailing-slash", HtmlHandling::drop_trailing_slash},
      {"none", HtmlHandling::none}};
  static constexpr std::pair<std::string_view, NotFoundHandling> kNotFound[] = {
      {"none", NotFoundHandling::none},
      {"404-page", NotFoundHandling::page_404},
      {"single-page-application", NotFoundHandling::single_page_application}};
  TableReader reader(assets, path, diagnostics);
  AssetsConfig config;
  config.at = reader.at();
  if (const Value* directory = reader.any("directory")) {
    config.at = directory->at;
    if (directory->is(Value::Type::string)) config.directory = directory->string;
  }
  if (config.directory.empty())
    diagnostics.error(config.at, fmt::format("\"{}\" must name the folder of the assets",
                                             reader.full_name("directory")));
  if (const Value* binding = reader.any("binding")) {
    config.binding_at = binding->at;
    if (binding->is(Value::Type::string)) config.binding = binding->string;
    if (config.binding.empty())
      diagnostics.error(binding->at, fmt::format("\"{}\" must be the binding's name in env",
                                                 reader.full_name("binding")));
  }
  read_choice<HtmlHandling>(reader, "html_handling", kHtml, config.html);
  read_choice<NotFoundHandling>(reader, "not_found_handling", kNotFound, config.not_found);
  read_worker_first(reader, config);
  // Of older wranglers.
  reader.any("experimental_serve_directly");
  reader.finish();
  return config;
}

}  // namespace skep::config
