#include "broker/deployment.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "base/time.h"
#include "config/files.h"
#include "config/wrangler.h"

namespace skep::broker {
namespace {

// What a request can see of the configuration.
Digest fingerprint_of(const config::WorkerConfig& config, std::string_view main_name,
                      const Digest& main_content) {
  std::string text = fmt::format("{}\n{}\n{} {}\n", config.name, config.compatibility_date,
                                 config.cpu_ms.value_or(0), config.subrequests.value_or(0));
  for (const std::string& flag : config.enabled_flags) text += flag + "\n";
  for (const config::Var& var : config.vars)
    text += fmt::format("{} {} {} {}\n", var.json, var.name, var.value.size(), var.value);
  for (const config::Binding& binding : config.bindings) text += config::describe(binding) + "\n";
  for (const auto& [from, to] : config.alias) text += fmt::format("{} {}\n", from, to);
  return digest_of({text, main_name, to_hex(main_content)});
}

bool has_code_cache(config::ModuleType type) {
  using config::ModuleType;
  return type == ModuleType::esm || type == ModuleType::commonjs ||
         type == ModuleType::typescript || type == ModuleType::typescript_commonjs;
}

bool is_typescript(config::ModuleType type) {
  return type == config::ModuleType::typescript || type == config::ModuleType::typescript_commonjs;
}

DeployedModule* find_module(const Deployment::Version& version, std::string_view name) {
  for (const auto& module : version.modules)
    if (module->file->name == name) return module.get();
  return nullptr;
}

// A UUID (RFC 9562, version 8) of what is deployed: configuration, modules, assets.
std::string version_id(const Deployment::Version& version) {
  std::string text = to_hex(version.fingerprint);
  for (const auto& module : version.modules) text += module->file->name + to_hex(module->digest);
  std::string id = to_hex(digest_of({text})).substr(0, 32);
  id[12] = '8';
  id[16] = "89ab"[id[16] % 4];
  for (const size_t at : {20, 16, 12, 8}) id.insert(at, 1, '-');
  return id;
}

}  // namespace

Deployment::Deployment(WorkerOptions options, DeploymentSettings settings, CodeCache& cache)
    : options_(std::move(options)), settings_(settings), cache_(cache) {}

void Deployment::note_diagnostics(const config::LoadedWorker& loaded) {
  config_paths_ = loaded.watch_paths;
  std::string warnings;
  for (const config::Diagnostic& diagnostic : loaded.diagnostics)
    if (diagnostic.severity == config::Severity::warning)
      warnings += config::format_diagnostic(diagnostic);
  if (warnings != last_warnings_) warnings_ = last_warnings_ = warnings;
}

Result<std::unique_ptr<Deployment::Version>> Deployment::open() {
  config::LoadedWorker loaded = config::load_worker(
      options_.path,
      {options_.environment, settings_.local_vars, options_.secrets, !settings_.local_vars});
  note_diagnostics(loaded);
  if (!loaded.config) {
    std::string text = config::format_diagnostics(loaded.diagnostics);
    while (text.ends_with('\n')) text.pop_back();
    return fail(std::move(text));
  }
  loaded.config->name = options_.name;
  auto version = std::make_unique<Version>();
  if (loaded.config->assets) SKEP_TRY(open_assets(*version, *loaded.config));
  SKEP_TRY(open_modules(*version, std::move(*loaded.config)));
  version->id = version_id(*version);
  version->created_ms = wall_clock_ms();
  return version;
}

Result<> Deployment::open_modules(Version& version, config::WorkerConfig config) {
  const std::string assets = version.assets != nullptr ? version.assets->fingerprint() : "";
  if (config.main.empty()) {
    if (version.assets == nullptr)
      return fail(fmt::format("{}: the project has no main module", options_.path));
    version.fingerprint = fingerprint_of(config, assets, {});
    version.only_assets = std::move(config);
    return {};
  }
  // If it cannot be opened, its coming is what to wait for.
  config_paths_.push_back(config.dir + "/" + config.main);
  const config::ProjectOptions how = {options_.reach, settings_.script_bytes,
                                      settings_.development ? "development" : "production"};
  SKEP_TRY_ASSIGN(version.project, config::Project::open(std::move(config), how));
  const config::Project& project = *version.project;
  SKEP_TRY_ASSIGN(const DeployedModule* main, module_of(version, project.main()));
  version.fingerprint =
      fingerprint_of(project.config(), main->file->name + "\n" + assets, main->digest);
  foresee(version);
  return {};
}

Result<> Deployment::open_assets(Version& version, const config::WorkerConfig& config) {
  const std::string path =
      config::normal_path(config::join_path(config.dir, config.assets->directory));
  // What is there when the folder comes, and new files in it.
  config_paths_.push_back(path);
  config::Diagnostics diagnostics;
  SKEP_TRY_ASSIGN(version.assets, bindings::AssetFolder::open(path, *config.assets, diagnostics));
  for (const std::string& folder : version.assets->folders()) config_paths_.push_back(folder + "/");
  const bool wrong = diagnostics.has_errors();
  std::string text = config::format_diagnostics(diagnostics.take());
  if (wrong) return fail(std::move(text));
  if (text != std::exchange(asset_warnings_, text)) warnings_ += text;
  return {};
}

// What the modules are about to ask for goes out with the first answer instead of in a round trip
// each. Where the guess ends (a file that cannot be read), the shard asks and hears why.
void Deployment::foresee(Version& version) {
  for (const config::KnownImport& import :
       version.project->static_imports(limits::kModulesPerWorker)) {
    if (import.module != nullptr && !module_of(version, *import.module)) return;
    remember(version, {import.referrer, import.specifier, import.kind,
                       import.module != nullptr ? import.module->name : ""});
  }
}

void Deployment::remember(Version& version, KnownResolution resolution) {
  if (version.known.size() < limits::kResolutionsPerWorker &&
      version.known.emplace(resolution.referrer, resolution.specifier, resolution.kind).second)
    version.resolutions.push_back(std::move(resolution));
}

Result<DeployedModule*> Deployment::module_of(Version& version, const config::ModuleFile& file) {
  if (DeployedModule* known = find_module(version, file.name)) return known;
  if (version.modules.size() >= limits::kModulesPerWorker)
    return fail(
        fmt::format("worker {} has more than {} modules", name(), limits::kModulesPerWorker));
  auto module = std::make_unique<DeployedModule>();
  module->file = &file;
  SKEP_TRY(read_module(version, *module));
  module->digest = digest_of_bytes(module->content);
  version.modules.push_back(std::move(module));
  return version.modules.back().get();
}

Result<> Deployment::read_module(Version& version, DeployedModule& module) {
  SKEP_TRY_ASSIGN(module.content, version.project->read(*module.file));
  SKEP_TRY_ASSIGN(module.source_map, version.project->read_source_map(*module.file));
  module.in_memory = true;
  version.bytes += module.content.size() + module.source_map.size();
  return {};
}

void Deployment::put_in_force(std::unique_ptr<Version> version) {
  version->number = version_number() + 1;
  version_ = std::move(version);
}

// Half of the old version with half of the new one is worse than an error.
std::unexpected<Error> Deployment::changed_on_disk() {
  auto reloaded = reload(true);
  if (!reloaded) return std::unexpected(std::move(reloaded).error());
  if (on_stale_) on_stale_(version_number());
  return fail(fmt::format("worker {} changed on disk while it was in use", name()));
}

Result<const Deployment::Version*> Deployment::load() {
  if (version_ == nullptr) {
    SKEP_TRY_ASSIGN(auto version, open());
    put_in_force(std::move(version));
  }
  for (const auto& module : version_->modules) {
    if (module->in_memory) continue;
    SKEP_TRY(read_module(*version_, *module));
    if (digest_of_bytes(module->content) != module->digest) return changed_on_disk();
  }
  return version_.get();
}

void Deployment::evict() {
  if (version_ == nullptr) return;
  for (const auto& module : version_->modules) {
    module->in_memory = false;
    module->content = {};
    module->source_map = {};
  }
  version_->bytes = 0;
}

Result<Deployment::Answer> Deployment::resolve(uint64_t version, std::string_view referrer,
                                               std::string_view specifier,
                                               config::ImportKind kind) {
  if (version_ == nullptr || version != version_->number)
    return fail(fmt::format("worker {} was replaced by a newer version", name()));
  if (version_->project == nullptr) return fail(fmt::format("worker {} has no modules", name()));
  if (!referrer.empty() && find_module(*version_, referrer) == nullptr)
    return fail(fmt::format("worker {} has no module {}", name(), referrer));
  const config::ModuleAnswer found = version_->project->resolve(referrer, specifier, kind);
  Answer answer;
  std::string module_name;
  if (found.kind == config::ModuleAnswer::Kind::missing) {
    answer.message = found.message;
    return answer;
  }
  if (found.kind == config::ModuleAnswer::Kind::builtin) {
    answer.kind = Answer::Kind::builtin;
  } else {
    SKEP_TRY_ASSIGN(DeployedModule * module, module_of(*version_, *found.module));
    if (!module->in_memory) {
      SKEP_TRY(read_module(*version_, *module));
      if (digest_of_bytes(module->content) != module->digest) return changed_on_disk();
    }
    answer.kind = Answer::Kind::module;
    answer.module = module;
    module_name = module->file->name;
  }
  remember(*version_,
           {std::string(referrer), std::string(specifier), kind, std::move(module_name)});
  return answer;
}

Result<> Deployment::store_cache(uint64_t version, std::string_view module_name, CacheKind kind,
                                 std::string_view data) {
  // Of a replaced version: the shard did nothing wrong.
  if (version_ == nullptr || version != version_->number) return {};
  const DeployedModule* module = find_module(*version_, module_name);
  if (module == nullptr) return fail("a cache of a module that the worker does not have");
  const config::ModuleType type = module->file->type;
  if (kind == CacheKind::transformed ? !is_typescript(type) : !has_code_cache(type))
    return fail("nothing of that kind is derived from such a module");
  cache_.put(kind, module->digest, data);
  return {};
}

std::shared_ptr<const std::string> Deployment::cached(const DeployedModule& module,
                                                      CacheKind kind) {
  const config::ModuleType type = module.file->type;
  if (kind == CacheKind::transformed ? !is_typescript(type) : !has_code_cache(type)) return nullptr;
  return cache_.get(kind, module.digest);
}

bool Deployment::modules_changed(Version& fresh) const {
  return std::any_of(version_->modules.begin(), version_->modules.end(), [&](const auto& module) {
    if (fresh.project == nullptr) return true;
    const auto content = fresh.project->read(*module->file);
    return !content || digest_of_bytes(*content) != module->digest;
  });
}

Result<bool> Deployment::reload(bool force) {
  // Never loaded: the first load reads what is there then.
  if (version_ == nullptr && !force) return false;
  SKEP_TRY_ASSIGN(auto fresh, open());
  if (!force && fresh->fingerprint == version_->fingerprint && !modules_changed(*fresh))
    return false;
  put_in_force(std::move(fresh));
  return true;
}

std::vector<std::string> Deployment::crons() const {
  if (version_ != nullptr) return version_->config().crons;
  const config::LoadedWorker loaded = config::load_worker(options_.path, {options_.environment});
  return loaded.config ? loaded.config->crons : std::vector<std::string>();
}

std::string Deployment::path_of(std::string_view module) const {
  const DeployedModule* found = version_ == nullptr ? nullptr : find_module(*version_, module);
  return found == nullptr ? "" : found->file->path;
}

std::vector<std::string> Deployment::watch_paths() const {
  std::vector<std::string> paths = config_paths_;
  if (version_ != nullptr && version_->project != nullptr) {
    for (std::string& path : version_->project->watch_paths()) paths.push_back(std::move(path));
  }
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

}  // namespace skep::broker
