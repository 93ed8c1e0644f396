#include "config/wrangler_read.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "base/limits_cron.h"
#include "config/compatibility.h"
#include "config/cron.h"
#include "config/routes.h"
#include "config/table_reader.h"
#include "config/wrangler_keys.h"

namespace skep::config {
namespace {

constexpr int64_t kMostCpuMs = 24ll * 3600 * 1000;
constexpr int64_t kMostSubrequests = 10'000'000;

// The value of each key as an environment sees it.
class Reader {
 public:
  Reader(const Value& file, std::string_view environment, Diagnostics& diagnostics)
      : file_(file), environment_(environment), diagnostics_(diagnostics) {}

  WorkerConfig run() {
    check_keys(file_, "", true);
    find_environment();
    WorkerConfig config;
    config.environment = environment_;
    config.name = read_name();
    config.main = text("main").value_or("");
    config.base_dir = text("base_dir").value_or("");
    if (const Value* value = pick("main")) config.main_at = value->at;
    if (const Value* value = pick("base_dir")) config.base_dir_at = value->at;
    config.tsconfig = text("tsconfig").value_or("");
    config.find_additional_modules = boolean("find_additional_modules").value_or(false);
    config.no_bundle = boolean("no_bundle").value_or(false);
    read_compatibility(config);
    read_vars(config);
    read_bindings(config);
    read_rules(config);
    read_alias(config);
    read_limits(config);
    read_assets(config);
    read_triggers(config);
    read_required_secrets(config);
    read_routes(config);
    warn_not_inherited();
    return config;
  }

  // Without any message: for the name of a row that nobody has asked to be checked.
  std::string read_name_only() {
    const Value* table = file_.find("env");
    env_ = !environment_.empty() && table != nullptr ? table->find(environment_) : nullptr;
    if (env_ != nullptr && !env_->is(Value::Type::object)) env_ = nullptr;
    return joined_name();
  }

 private:
  static bool has_type(const WranglerKey& key, const Value& value) {
    return value.is(key.type) || value.is(key.other_type);
  }

  // Unknown keys, keys for later, wrong types: of the top level or of one environment.
  void check_keys(const Value& table, const std::string& path, bool top) {
    for (const Member& member : table.members) {
      const std::string name = path.empty() ? member.key : fmt::format("{}.{}", path, member.key);
      const WranglerKey* key = find_wrangler_key(member.key);
      if (key == nullptr) {
        warn_unknown(member, name);
      } else if (!has_type(*key, member.value)) {
        report_type(diagnostics_, member.value, name, wanted(*key));
      } else if (!top && key->inheritance == KeyInheritance::top_only) {
        diagnostics_.warning(member.key_at,
                             fmt::format("\"{}\" belongs at the top of the file; here it "
                                         "has no effect",
                                         name));
      } else if (key->support == KeySupport::later) {
        diagnostics_.warning(member.key_at,
                             fmt::format("\"{}\" is not supported yet and has no effect", name));
      }
    }
  }

  static std::string wanted(const WranglerKey& key) {
    if (key.type == key.other_type) return std::string(describe_type(key.type));
    return fmt::format("{} or {}", describe_type(key.type), describe_type(key.other_type));
  }

  void warn_unknown(const Member& member, const std::string& name) {
    std::vector<std::string_view> names;
    if (!diagnostics_.full()) {
      for (const WranglerKey& key : wrangler_keys()) names.push_back(key.name);
    }
    const std::string_view nearest = nearest_name(member.key, names);
    diagnostics_.warning(member.key_at, fmt::format("unknown key \"{}\"", name),
                         nearest.empty() ? "" : fmt::format("did you mean \"{}\"?", nearest));
  }

  void find_environment() {
    if (environment_.empty()) return;
    const Value* table = file_.find("env");
    if (table != nullptr && table->is(Value::Type::object)) env_ = table->find(environment_);
    if (env_ == nullptr) {
      std::string known;
      for (const Member& member : table != nullptr ? table->members : std::vector<Member>()) {
        known += (known.empty() ? "the file has: " : ", ") + member.key;
      }
      diagnostics_.error(table != nullptr ? table->at : Position{},
                         fmt::format("there is no environment \"{}\"", environment_), known);
      return;
    }
    if (!env_->is(Value::Type::object)) {
      report_type(diagnostics_, *env_, fmt::format("env.{}", environment_), "a table");
      env_ = nullptr;
      return;
    }
    check_keys(*env_, fmt::format("env.{}", environment_), false);
  }

  // The value that holds: the environment's, or the top level's where the key is inherited. Null
  // too where the type is wrong; check_keys has reported that.
  const Value* pick(std::string_view name) const {
    const WranglerKey* key = find_wrangler_key(name);
    const Value* value = env_ != nullptr ? env_->find(name) : nullptr;
    if (value == nullptr && (env_ == nullptr || key->inheritance == KeyInheritance::inherited)) {
      value = file_.find(name);
    }
    return value != nullptr && has_type(*key, *value) ? value : nullptr;
  }

  // "vars" or "env.x.vars": where pick() found it.
  std::string path_of(std::string_view name) const {
    const bool own = env_ != nullptr && env_->find(name) != nullptr;
    return own ? fmt::format("env.{}.{}", environment_, name) : std::string(name);
  }

  std::optional<std::string> text(std::string_view name) const {
    const Value* value = pick(name);
    return value != nullptr ? std::optional(value->string) : std::nullopt;
  }

  std::optional<bool> boolean(std::string_view name) const {
    const Value* value = pick(name);
    return value != nullptr ? std::optional(value->boolean) : std::nullopt;
  }

  std::string joined_name() const {
    const Value* own = env_ != nullptr ? env_->find("name") : nullptr;
    if (own != nullptr && own->is(Value::Type::string)) return own->string;
    const Value* top = file_.find("name");
    if (top == nullptr || !top->is(Value::Type::string)) return {};
    return env_ != nullptr ? fmt::format("{}-{}", top->string, environment_) : top->string;
  }

  std::string read_name() {
    std::string name = joined_name();
    const Value* value = pick("name");
    // Absent, or of the wrong type, which has been reported.
    if (value == nullptr) return name;
    if (!valid_worker_name(name)) {
      diagnostics_.error(
          value->at,
          fmt::format("\"{}\" cannot be a worker's name: 1 to 63 lower case letters, "
                      "digits, \"-\" and \"_\"",
                      name),
          fmt::format("\"{}\" would do", make_worker_name(name)));
    }
    return name;
  }

  void read_compatibility(WorkerConfig& config) {
    if (const Value* date = pick("compatibility_date")) {
      config.compatibility_date = date->string;
      if (const auto checked = check_compatibility_date(date->string); !checked) {
        diagnostics_.error(date->at, checked.error().message,
                           fmt::format("the newest is \"{}\"", kNewestCompatibilityDate));
        return;
      }
    } else {
      config.compatibility_date = kOldestCompatibilityDate;
      if (file_.find("compatibility_date") == nullptr) {
        diagnostics_.warning(
            {},
            fmt::format("\"compatibility_date\" is missing, so the Worker gets the "
                        "behaviour of {}",
                        kOldestCompatibilityDate),
            fmt::format("compatibility_date = \"{}\" is the newest", kNewestCompatibilityDate));
      }
    }
    if (const Value* flags = pick("compatibility_flags")) {
      for (const Value& flag : flags->items) read_flag(flag, config);
    }
    check_flag_pairs(config);
    config.enabled_flags = enabled_flags(config.compatibility_date, config.compatibility_flags);
  }

  void read_flag(const Value& flag, WorkerConfig& config) {
    if (!flag.is(Value::Type::string)) {
      report_type(diagnostics_, flag, path_of("compatibility_flags"), "an array of strings");
    } else if (const auto checked = check_compatibility_flag(flag.string); !checked) {
      diagnostics_.error(flag.at, checked.error().message);
    } else {
      config.compatibility_flags.push_back(flag.string);
    }
  }

  void check_flag_pairs(const WorkerConfig& config) {
    const auto has = [&](std::string_view name) {
      return std::ranges::find(config.compatibility_flags, name) !=
             config.compatibility_flags.end();
    };
    for (const CompatibilityFlag& flag : compatibility_flags()) {
      if (flag.disable_name.empty() || !has(flag.name) || !has(flag.disable_name)) continue;
      diagnostics_.error(pick("compatibility_flags")->at,
                         fmt::format("Compatibility flags are mutually contradictory: {} vs {}",
                                     flag.name, flag.disable_name));
    }
  }

  void read_vars(WorkerConfig& config) {
    const Value* vars = pick("vars");
    if (vars == nullptr) return;
    if (vars->members.size() > limits::kVarsPerWorker) {
      diagnostics_.error(vars->at,
                         fmt::format("\"{}\" has {} entries; {} are allowed", path_of("vars"),
                                     vars->members.size(), limits::kVarsPerWorker));
      return;
    }
    for (const Member& member : vars->members) {
      if (member.key.empty()) {
        diagnostics_.error(member.key_at, fmt::format("\"{}\" has an empty name", path_of("vars")));
        continue;
      }
      const bool json = !member.value.is(Value::Type::string);
      config.vars.push_back({member.key, json ? to_json(member.value) : member.value.string, json});
    }
  }

  void read_bindings(WorkerConfig& config) {
    std::vector<std::string> taken;
    for (const Var& var : config.vars) taken.push_back(var.name);
    config.bindings = config::read_bindings(
        [this](std::string_view name) { return PickedKey{pick(name), path_of(name)}; }, taken,
        diagnostics_);
  }

  void read_rules(WorkerConfig& config) {
    const Value* rules = pick("rules");
    if (rules == nullptr) return;
    size_t globs = 0;
    for (size_t i = 0; i < rules->items.size(); i++) {
      const Value& item = rules->items[i];
      const std::string name = fmt::format("{}[{}]", path_of("rules"), i);
      if (!item.is(Value::Type::object)) {
        report_type(diagnostics_, item, name, "a table");
        continue;
      }
      TableReader reader(item, name, diagnostics_);
      read_rule(reader, config);
    }
    for (const ModuleRule& rule : config.rules) globs += rule.globs.size();
    if (globs > limits::kModuleRules) {
      diagnostics_.error(rules->at, fmt::format("more than {} globs", limits::kModuleRules));
    }
  }

  void read_rule(TableReader& reader, WorkerConfig& config) {
    struct Name {
      std::string_view name;
      ModuleType type;
    };
    static constexpr Name kTypes[] = {{"ESModule", ModuleType::esm},
                                      {"CommonJS", ModuleType::commonjs},
                                      {"CompiledWasm", ModuleType::wasm},
                                      {"Text", ModuleType::text},
                                      {"Data", ModuleType::data}};
    ModuleRule rule;
    const Value* type = reader.any("type");
    rule.globs = reader.texts("globs").value_or(std::vector<std::string>());
    rule.fallthrough = reader.boolean("fallthrough").value_or(false);
    reader.finish();
    if (reader.any("globs") == nullptr) {
      diagnostics_.error(reader.at(), fmt::format("\"{}\" is missing", reader.full_name("globs")));
    }
    if (type == nullptr || !type->is(Value::Type::string)) {
      diagnostics_.error(
          type != nullptr ? type->at : reader.at(),
          fmt::format("\"{}\" must be the name of a module type", reader.full_name("type")));
      return;
    }
    if (type->string == "PythonModule" || type->string == "PythonRequirement") {
      diagnostics_.warning(type->at,
                           fmt::format("rules of type \"{}\" are not supported yet and have no "
                                       "effect",
                                       type->string));
      return;
    }
    std::vector<std::string_view> names;
    for (const Name& known : kTypes) {
      names.push_back(known.name);
      if (known.name != type->string) continue;
      rule.type = known.type;
      config.rules.push_back(std::move(rule));
      return;
    }
    const std::string_view nearest = nearest_name(type->string, names);
    diagnostics_.error(type->at, fmt::format("\"{}\" is no module type", type->string),
                       nearest.empty() ? "ESModule, CommonJS, CompiledWasm, Text or Data"
                                       : fmt::format("did you mean \"{}\"?", nearest));
  }

  void read_alias(WorkerConfig& config) {
    const Value* alias = pick("alias");
    if (alias == nullptr) return;
    for (const Member& member : alias->members) {
      if (member.value.is(Value::Type::string)) {
        config.alias[member.key] = member.value.string;
      } else {
        report_type(diagnostics_, member.value, fmt::format("{}.{}", path_of("alias"), member.key),
                    "a string");
      }
    }
  }

  void read_limits(WorkerConfig& config) {
    const Value* table = pick("limits");
    if (table == nullptr) return;
    TableReader reader(*table, path_of("limits"), diagnostics_);
    if (const auto value = reader.integer("cpu_ms", 1, kMostCpuMs)) {
      config.cpu_ms = static_cast<uint32_t>(*value);
    }
    if (const auto value = reader.integer("subrequests", 1, kMostSubrequests)) {
      config.subrequests = static_cast<uint32_t>(*value);
    }
    reader.finish();
  }

  void read_assets(WorkerConfig& config) {
    if (const Value* assets = pick("assets"))
      config.assets = config::read_assets(*assets, path_of("assets"), diagnostics_);
  }

  void read_triggers(WorkerConfig& config) {
    const Value* triggers = pick("triggers");
    if (triggers == nullptr) return;
    TableReader reader(*triggers, path_of("triggers"), diagnostics_);
    if (const Value* crons = reader.array("crons")) {
      if (crons->items.size() > limits::kCronsPerWorker) {
        diagnostics_.error(crons->at, fmt::format("more than {} crons", limits::kCronsPerWorker));
        return;
      }
      for (const Value& cron : crons->items) read_cron(cron, reader.full_name("crons"), config);
    }
    reader.finish();
  }

  void read_cron(const Value& cron, const std::string& name, WorkerConfig& config) {
    if (!cron.is(Value::Type::string))
      return report_type(diagnostics_, cron, name, "an array of strings");
    if (const auto schedule = CronSchedule::parse(cron.string); !schedule) {
      const CronError& error = schedule.error();
      // Behind the opening quote.
      const Position at{cron.at.line, cron.at.column + 1 + static_cast<uint32_t>(error.offset)};
      diagnostics_.error(at, fmt::format("\"{}\" is no cron expression: {}, at character {}",
                                         cron.string, error.message, error.offset + 1));
      return;
    }
    if (std::ranges::find(config.crons, cron.string) == config.crons.end())
      config.crons.push_back(cron.string);
  }

  void read_required_secrets(WorkerConfig& config) {
    const Value* secrets = pick("secrets");
    if (secrets == nullptr) return;
    TableReader reader(*secrets, path_of("secrets"), diagnostics_);
    config.required_secrets = reader.texts("required").value_or(std::vector<std::string>());
    if (config.required_secrets.size() > limits::kVarsPerWorker) {
      diagnostics_.error(secrets->at, fmt::format("more than {} secrets", limits::kVarsPerWorker));
    }
    reader.finish();
  }

  void read_routes(WorkerConfig& config) {
    const Value* route = pick("route");
    const Value* routes = pick("routes");
    if (route != nullptr && routes != nullptr) {
      diagnostics_.error(routes->at, "a Worker has either \"route\" or \"routes\", not both");
      return;
    }
    if (route != nullptr) read_route(*route, path_of("route"), config);
    const size_t count = routes != nullptr ? routes->items.size() : 0;
    if (count > limits::kRoutesPerWorker) {
      diagnostics_.error(routes->at, fmt::format("more than {} routes", limits::kRoutesPerWorker));
      return;
    }
    for (size_t i = 0; i < count; i++) {
      read_route(routes->items[i], fmt::format("{}[{}]", path_of("routes"), i), config);
    }
    config.workers_dev = boolean("workers_dev").value_or(config.routes.empty());
  }

  void read_route(const Value& value, const std::string& name, WorkerConfig& config) {
    if (!value.is(Value::Type::object)) {
      if (auto pattern = read_route_pattern(value, name, diagnostics_)) {
        config.routes.push_back({std::move(*pattern), false});
      }
      return;
    }
    TableReader reader(value, name, diagnostics_);
    const Value* pattern = reader.any("pattern");
    const bool custom_domain = reader.boolean("custom_domain").value_or(false);
    // Zones, and what is served from them, are matters of the hosted service.
    for (const auto& key : {"zone_name", "zone_id", "enabled", "previews_enabled"}) reader.any(key);
    reader.finish();
    if (pattern == nullptr) {
      diagnostics_.error(value.at, fmt::format("\"{}\" is missing", reader.full_name("pattern")));
      return;
    }
    auto text = custom_domain
                    ? read_custom_domain(*pattern, reader.full_name("pattern"), diagnostics_)
                    : read_route_pattern(*pattern, reader.full_name("pattern"), diagnostics_);
    if (text) config.routes.push_back({std::move(*text), custom_domain});
  }

  void warn_not_inherited() {
    if (env_ == nullptr) return;
    for (const WranglerKey& key : wrangler_keys()) {
      if (key.inheritance != KeyInheritance::not_inherited || key.support != KeySupport::taken)
        continue;
      const Value* top = file_.find(key.name);
      if (top == nullptr || env_->find(key.name) != nullptr) continue;
      diagnostics_.warning(top->at,
                           fmt::format("\"{}\" of the top level is not inherited by environment "
                                       "\"{}\"",
                                       key.name, environment_),
                           fmt::format("repeat it as \"env.{}.{}\" if it is meant there too",
                                       environment_, key.name));
    }
  }

  const Value& file_;
  std::string environment_;
  Diagnostics& diagnostics_;
  const Value* env_ = nullptr;
};

}  // namespace

WorkerConfig read_wrangler(const Value& file, std::string_view environment,
                           Diagnostics& diagnostics) {
  return Reader(file, environment, diagnostics).run();
}

std::string read_wrangler_name(const Value& file, std::string_view environment) {
  Diagnostics none;
  return Reader(file, environment, none).read_name_only();
}

}  // namespace skep::config
