// From a specifier to a file, as esbuild does it for wrangler: relative paths with their guesses,
// packages by "exports", "imports", "browser", "module" and "main". Knows files and package.json,
// but nothing of module names and kinds; the Project does. Owned by the Project.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/file_tree.h"
#include "config/package_json.h"
#include "config/project.h"
#include "config/tsconfig.h"

namespace skep::config {

struct ResolvedFile {
  enum class Kind {
    file,
    disabled,  // "browser": {"x": false}: an empty module
    missing,
    refused,  // `path` says why
  };
  Kind kind = Kind::missing;
  std::string path;  // real path, relative to the root
};

class Resolver {
 public:
  explicit Resolver(const FileTree& tree) : tree_(tree), packages_(tree), tsconfigs_(tree) {}

  // folder: of the importing file, relative to the root; referrer: that file's path, "" at an
  // entry.
  ResolvedFile resolve(std::string_view folder, std::string_view specifier, ImportKind kind);
  // Exactly this path, without guesses.
  ResolvedFile exact(std::string_view path) const;

  PackageCache& packages() { return packages_; }
  TsConfigs& tsconfigs() { return tsconfigs_; }
  // Paths that the last resolve() tried without finding anything.
  const std::vector<std::string>& tried() const { return tried_; }

 private:
  ResolvedFile relative(std::string_view folder, std::string_view specifier, ImportKind kind);
  // By tsconfig.json; Kind::missing: it says nothing, or nothing that is there.
  ResolvedFile by_tsconfig(std::string_view folder, std::string_view specifier, ImportKind kind);
  ResolvedFile bare(std::string_view folder, std::string_view specifier, ImportKind kind,
                    int depth);
  ResolvedFile package_import(std::string_view folder, std::string_view specifier, ImportKind kind,
                              int depth);
  ResolvedFile in_package(const PackageJson* package, std::string_view folder,
                          std::string_view subpath, ImportKind kind);
  ResolvedFile by_exports(const PackageJson& package, std::string_view subpath, ImportKind kind);
  ResolvedFile as_file(std::string_view path);
  ResolvedFile as_folder(std::string_view path, ImportKind kind);
  ResolvedFile package_main(const PackageJson& package, ImportKind kind);
  ResolvedFile with_extensions(std::string_view path);
  // The replacement that the "browser" table of the file's package has for it.
  ResolvedFile browser_file(ResolvedFile found);
  // The same of a bare specifier; Kind::missing: none.
  ResolvedFile browser_package(std::string_view folder, std::string_view specifier, ImportKind kind,
                               int depth);
  ResolvedFile found_or_refused(const FileTree::Entry& entry, std::string_view path) const;

  const FileTree& tree_;
  PackageCache packages_;
  TsConfigs tsconfigs_;
  std::vector<std::string> tried_;
};

}  // namespace skep::config
