// The modules of a Worker project on disk: which file a specifier means (as wrangler and esbuild
// decide it, without bundling), what kind of module it is, and its bytes. The broker holds one for
// each loaded version of a worker and answers a shard's resolve() from it; nothing is read before
// it is asked for. A change of the files is a new version, and a new Project.
//
// Where it may read: files whose real path lies in the root. In Reach::project that is the
// project's own folder. In Reach::workspace it is the folder of the nearest enclosing workspace:
// the first of the project's folder and its parents that holds a lock file (package-lock.json,
// pnpm-lock.yaml, yarn.lock, bun.lock, bun.lockb), a pnpm-workspace.yaml, or a .git; the project's
// folder where there is none. node_modules folders are searched up to the root and no further.
// Links are followed as long as they stay inside.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/wrangler.h"

namespace skep::config {

enum class ImportKind { import, require };

struct ModuleFile {
  std::string
      name;  // unique: relative to main's folder (base_dir); packages: "node_modules/hono/…"
  ModuleType type = ModuleType::esm;
  std::string path;  // real path, absolute
};

struct ModuleAnswer {
  enum class Kind { module, builtin, missing };
  Kind kind = Kind::missing;
  const ModuleFile* module = nullptr;  // Kind::module; lives as long as the Project
  std::string message;                 // Kind::missing: the text to throw
};

// An import that a module makes as soon as it runs, and what it means.
struct KnownImport {
  std::string referrer, specifier;
  ImportKind kind = ImportKind::import;
  const ModuleFile* module = nullptr;  // null: built in
};

enum class Reach { project, workspace };

struct ProjectOptions {
  Reach reach = Reach::workspace;
  uint64_t script_bytes = 0;  // of all modules read; 0: limits::kScriptBytes
  // What modules read as process.env.NODE_ENV, unless the configuration says no_bundle.
  std::string_view node_env = "production";
};

class Project {
 public:
  // Opens the folders and finds the main module; errors say which file is missing or refused.
  static Result<std::unique_ptr<Project>> open(WorkerConfig config, const ProjectOptions& options);
  ~Project();
  Project(const Project&) = delete;
  Project& operator=(const Project&) = delete;

  const WorkerConfig& config() const;
  const ModuleFile& main() const;
  // The root of what may be read, absolute.
  const std::string& root() const;

  // referrer: the name of a module that was given before; "" stands for an entry point in base_dir.
  ModuleAnswer resolve(std::string_view referrer, std::string_view specifier, ImportKind kind);
  // The bytes of a module. Counted against script_bytes. A module of another Project of the same
  // folder may be read too, which tells whether it has changed; that is not counted.
  Result<std::string> read(const ModuleFile& module);
  // What the module's "//# sourceMappingURL=" leads to, a file of the root or a data: URL; else
  // FILE.map beside it; empty when there is none. After read() of the same module.
  Result<std::string> read_source_map(const ModuleFile& module);
  // The files that `find_additional_modules` and `rules` add, sorted by name; none without that
  // key.
  Result<std::vector<const ModuleFile*>> additional_modules();

  // What the main module and those that it imports will ask for, by a look at their text: at most
  // `most` modules, in the order in which they are found. A guess, for sending them at once; what
  // cannot be resolved or read is left for the moment when it is asked for.
  std::vector<KnownImport> static_imports(size_t most);

  // Absolute paths of the files that were read or looked at so far, for dev mode to watch. A file
  // that was looked for and is not there is in the list too when its folder is.
  std::vector<std::string> watch_paths() const;

 private:
  struct Impl;
  explicit Project(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace skep::config
