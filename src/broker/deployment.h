// One worker as the broker has it: where its files are, the version that is in force, and which of
// its modules were asked for so far. Nothing is read before a shard asks for the worker; then the
// modules that the main one imports come with it, and what one shard asked for later, the next gets
// in one answer. Owned by the broker; worker_source.h serves it to shards.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "bindings/assets/broker/asset_folder.h"
#include "broker/code_cache.h"
#include "broker/options.h"
#include "config/project.h"

namespace skep::broker {

struct DeployedModule {
  const config::ModuleFile* file = nullptr;  // the project's
  Digest digest = {};                        // of the content
  bool in_memory = false;                    // else content and source_map were evicted
  std::string content;
  std::string source_map;
};

struct KnownResolution {
  std::string referrer, specifier;
  config::ImportKind kind;
  std::string name;  // of a module; "" : builtin
};

struct DeploymentSettings {
  bool local_vars = false;
  bool development = false;
  uint64_t script_bytes = 0;
};

class Deployment {
 public:
  Deployment(WorkerOptions options, DeploymentSettings settings, CodeCache& cache);

  struct Version {
    uint64_t number = 0;
    std::unique_ptr<config::Project> project;         // null: there are only assets
    std::optional<config::WorkerConfig> only_assets;  // then
    std::shared_ptr<bindings::AssetFolder> assets;    // null: none
    std::string id;                                   // a UUID of the content
    double created_ms = 0;                            // since the epoch
    const config::WorkerConfig& config() const {
      return project != nullptr ? project->config() : *only_assets;
    }
    std::vector<std::unique_ptr<DeployedModule>>
        modules;  // main first, then as they were asked for
    std::vector<KnownResolution> resolutions;
    std::set<std::tuple<std::string, std::string, config::ImportKind>> known;  // of resolutions
    Digest fingerprint = {};  // of the configuration and the main module
    uint64_t bytes = 0;       // of the modules' contents and source maps that are in memory
  };

  struct Answer {
    enum class Kind { module, builtin, missing };
    Kind kind = Kind::missing;
    const DeployedModule* module = nullptr;
    std::string message;  // missing
  };

  const std::string& name() const { return options_.name; }
  const WorkerOptions& options() const { return options_; }
  // The version in force, all of its modules in memory: read now if need be.
  Result<const Version*> load();
  // Of a version that load() gave. Errors: it is not in force any more, or a file cannot be read.
  Result<Answer> resolve(uint64_t version, std::string_view referrer, std::string_view specifier,
                         config::ImportKind kind);
  // Errors: no such module in that version, or nothing of that kind can be derived from it.
  Result<> store_cache(uint64_t version, std::string_view module, CacheKind kind,
                       std::string_view data);
  std::shared_ptr<const std::string> cached(const DeployedModule& module, CacheKind kind);

  // Reads the configuration anew. `force`: makes a new version in any case, else only where the
  // configuration or a module that was read has changed. Returns whether there is a new version; on
  // an error the old one stays in force.
  Result<bool> reload(bool force);
  // triggers.crons: of the version in force; of a worker that was never loaded, as the file has
  // them now (none where it is wrong: whoever loads it hears of that).
  std::vector<std::string> crons() const;
  // 0: never loaded.
  uint64_t version_number() const { return version_ == nullptr ? 0 : version_->number; }

  uint64_t bytes() const { return version_ == nullptr ? 0 : version_->bytes; }
  // Gives the memory of the modules back. The version stays in force: they are read again when they
  // are asked for, and one that has changed by then makes a new version.
  void evict();

  // Where a module of the version in force lies; empty where it has no such module.
  std::string path_of(std::string_view module) const;
  // What a change of must lead to a reload (dev).
  std::vector<std::string> watch_paths() const;
  // Of the configuration, as they were found by the last load that found any; each is given once.
  std::string take_warnings() { return std::exchange(warnings_, {}); }
  // A file was found changed although its version is in force: load() gives a new version now.
  void on_stale(std::function<void(uint64_t version)> callback) { on_stale_ = std::move(callback); }

 private:
  Result<std::unique_ptr<Version>> open();
  Result<> open_modules(Version& version, config::WorkerConfig config);
  Result<> open_assets(Version& version, const config::WorkerConfig& config);
  Result<DeployedModule*> module_of(Version& version, const config::ModuleFile& file);
  Result<> read_module(Version& version, DeployedModule& module);
  void foresee(Version& version);
  static void remember(Version& version, KnownResolution resolution);
  void put_in_force(std::unique_ptr<Version> version);
  std::unexpected<Error> changed_on_disk();
  bool modules_changed(Version& fresh) const;
  void note_diagnostics(const config::LoadedWorker& loaded);

  WorkerOptions options_;
  DeploymentSettings settings_;
  CodeCache& cache_;
  std::function<void(uint64_t)> on_stale_;

  std::unique_ptr<Version> version_;  // null: never loaded
  std::vector<std::string> config_paths_;
  std::string warnings_, last_warnings_;
  std::string asset_warnings_;  // of the last look at the assets' rule files
};

}  // namespace skep::broker
