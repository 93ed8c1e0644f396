#include "config/resolver.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "config/files.h"
#include "config/package_exports.h"

namespace skep::config {
namespace {

using Kind = ResolvedFile::Kind;

constexpr std::string_view kImportConditions[] = {"workerd", "worker", "browser", "import",
                                                  "module"};
constexpr std::string_view kRequireConditions[] = {"workerd", "worker", "browser", "require",
                                                   "module"};
// esbuild's order; in packages JavaScript comes first, where TypeScript is rarely meant to be used.
constexpr std::string_view kExtensions[] = {".tsx", ".ts",  ".jsx", ".js",
                                            ".mts", ".mjs", ".cjs", ".json"};
constexpr std::string_view kPackageExtensions[] = {".jsx", ".js", ".mjs", ".cjs",
                                                   ".tsx", ".ts", ".mts", ".json"};
// Replacements lead to replacements ("browser", "imports"): a circle must end.
constexpr int kRedirects = 8;

std::span<const std::string_view> conditions(ImportKind kind) {
  return kind == ImportKind::import ? std::span<const std::string_view>(kImportConditions)
                                    : std::span<const std::string_view>(kRequireConditions);
}

// A file or folder of a package.
bool in_node_modules(std::string_view path) {
  return path.starts_with("node_modules/") || path.find("/node_modules/") != std::string_view::npos;
}

// "@scope/name/sub/path" -> "@scope/name"; "" where it is no package name.
std::string_view package_name(std::string_view specifier) {
  size_t end = specifier.find('/');
  if (specifier.starts_with('@')) {
    if (end == std::string_view::npos) return {};
    end = specifier.find('/', end + 1);
  }
  const std::string_view name = specifier.substr(0, end);
  const bool bad = name.empty() || name.starts_with('.') || name.ends_with('/') ||
                   name.find_first_of("\\%") != std::string_view::npos;
  return bad ? std::string_view() : name;
}

// The path below the root that `path` stands for when seen from `folder`; "../…": outside.
std::string below(std::string_view folder, std::string_view path) {
  std::string joined =
      normal_path(folder.empty() ? std::string(path) : fmt::format("{}/{}", folder, path));
  return joined == "." ? "" : joined;
}

bool is_outside(std::string_view path) {
  return path == ".." || path.starts_with("../");
}

// Both relative to the root.
bool lies_in(std::string_view path, std::string_view folder) {
  return folder.empty() ? !is_outside(path) : is_inside(path, folder);
}

}  // namespace

ResolvedFile Resolver::found_or_refused(const FileTree::Entry& entry, std::string_view path) const {
  if (entry.kind == FileTree::Kind::file) return {Kind::file, entry.path};
  if (entry.kind == FileTree::Kind::refused) {
    return {Kind::refused,
            fmt::format("{} leads out of {} or may not be read", path, tree_.root())};
  }
  return {};
}

ResolvedFile Resolver::exact(std::string_view path) const {
  if (is_outside(path))
    return {Kind::refused, fmt::format("{} lies outside of {}", path, tree_.root())};
  return found_or_refused(tree_.lookup(path), path);
}

ResolvedFile Resolver::resolve(std::string_view folder, std::string_view specifier,
                               ImportKind kind) {
  tried_.clear();
  if (specifier.starts_with('/')) {
    return {Kind::refused, "an absolute path cannot be imported"};
  }
  const bool is_relative = specifier == "." || specifier == ".." || specifier.starts_with("./") ||
                           specifier.starts_with("../");
  if (is_relative) return relative(folder, specifier, kind);
  if (!in_node_modules(folder)) {
    ResolvedFile found = by_tsconfig(folder, specifier, kind);
    if (found.kind != Kind::missing) return found;
  }
  if (specifier.starts_with('#')) return package_import(folder, specifier, kind, 0);
  return bare(folder, specifier, kind, 0);
}

ResolvedFile Resolver::relative(std::string_view folder, std::string_view specifier,
                                ImportKind kind) {
  const std::string path = below(folder, specifier);
  if (is_outside(path)) {
    return {Kind::refused, fmt::format("\"{}\" lies outside of {}", specifier, tree_.root())};
  }
  // "./x/" is the folder, never a file.
  const bool folder_only = specifier.ends_with('/') || specifier == "." || specifier == ".." ||
                           specifier.ends_with("/.") || specifier.ends_with("/..");
  if (!folder_only) {
    ResolvedFile found = as_file(path);
    if (found.kind != Kind::missing) return browser_file(std::move(found));
  }
  return browser_file(as_folder(path, kind));
}

ResolvedFile Resolver::by_tsconfig(std::string_view folder, std::string_view specifier,
                                   ImportKind kind) {
  const TsConfig* config = tsconfigs_.of_folder(folder);
  if (config == nullptr) return {};
  for (const std::string& path : ts_candidates(*config, specifier)) {
    if (is_outside(path)) continue;
    ResolvedFile found = as_file(path);
    if (found.kind == Kind::missing) found = as_folder(path, kind);
    if (found.kind != Kind::missing) return found;
  }
  return {};
}

ResolvedFile Resolver::with_extensions(std::string_view path) {
  const auto& extensions = in_node_modules(path) ? kPackageExtensions : kExtensions;
  for (const std::string_view suffix : extensions) {
    std::string candidate = fmt::format("{}{}", path, suffix);
    ResolvedFile found = found_or_refused(tree_.lookup(candidate), candidate);
    if (found.kind != Kind::missing) return found;
    tried_.push_back(std::move(candidate));
  }
  return {};
}

ResolvedFile Resolver::as_file(std::string_view path) {
  ResolvedFile found = found_or_refused(tree_.lookup(path), path);
  if (found.kind != Kind::missing) return found;
  tried_.emplace_back(path);
  // TypeScript is imported by the name that its JavaScript will have.
  struct Row {
    std::string_view from, to;
  };
  static constexpr Row kRows[] = {{".js", ".ts"},  {".js", ".tsx"},  {".jsx", ".tsx"},
                                  {".jsx", ".ts"}, {".mjs", ".mts"}, {".cjs", ".cts"}};
  for (const Row& row : kRows) {
    if (!path.ends_with(row.from)) continue;
    const std::string_view stem = path.substr(0, path.size() - row.from.size());
    std::string candidate = fmt::format("{}{}", stem, row.to);
    found = found_or_refused(tree_.lookup(candidate), candidate);
    if (found.kind != Kind::missing) return found;
    tried_.push_back(std::move(candidate));
  }
  // wrangler's "./x.wasm?module".
  if (path.ends_with(".wasm?module")) return as_file(path.substr(0, path.size() - 7));
  return with_extensions(path);
}

ResolvedFile Resolver::as_folder(std::string_view path, ImportKind kind) {
  if (tree_.lookup(path).kind != FileTree::Kind::folder) return {};
  if (const PackageJson* package = packages_.of_folder(path)) {
    ResolvedFile found = package_main(*package, kind);
    if (found.kind != Kind::missing) return found;
  }
  return with_extensions(below(path, "index"));
}

// esbuild's order of main fields for browsers; for require() "main" comes before "module".
ResolvedFile Resolver::package_main(const PackageJson& package, ImportKind kind) {
  const bool require = kind == ImportKind::require;
  const std::string_view fields[] = {"browser", require ? "main" : "module",
                                     require ? "module" : "main"};
  for (const std::string_view field : fields) {
    const std::string_view main = package.text(field);
    if (main.empty()) continue;
    const std::string path = below(package.folder, main);
    if (!lies_in(path, package.folder)) continue;
    ResolvedFile found = as_file(path);
    if (found.kind == Kind::missing && path != package.folder) {
      found = with_extensions(below(path, "index"));
    }
    if (found.kind != Kind::missing) return found;
  }
  return {};
}

ResolvedFile Resolver::by_exports(const PackageJson& package, std::string_view subpath,
                                  ImportKind kind) {
  const std::string key = subpath.empty() ? "." : fmt::format("./{}", subpath);
  const PackageTarget target = resolve_package_exports(*package.exports(), key, conditions(kind));
  switch (target.kind) {
    case PackageTarget::Kind::target: {
      const std::string path = below(package.folder, target.target);
      ResolvedFile found = found_or_refused(tree_.lookup(path), path);
      if (found.kind == Kind::missing) tried_.push_back(path);
      return browser_file(std::move(found));
    }
    case PackageTarget::Kind::invalid:
      return {Kind::refused,
              fmt::format("{}: {}", tree_.absolute(below(package.folder, "package.json")),
                          target.target)};
    case PackageTarget::Kind::not_exported:
    case PackageTarget::Kind::blocked:
      return {Kind::refused,
              fmt::format("the package {} does not export \"{}\"",
                          package.name.empty() ? package.folder : package.name, key)};
  }
  return {};
}

ResolvedFile Resolver::in_package(const PackageJson* package, std::string_view folder,
                                  std::string_view subpath, ImportKind kind) {
  if (package != nullptr && !package->error.empty()) return {Kind::refused, package->error};
  if (package != nullptr && package->exports() != nullptr &&
      !package->exports()->is(Value::Type::null)) {
    return by_exports(*package, subpath, kind);
  }
  if (subpath.empty()) return browser_file(as_folder(folder, kind));
  const std::string path = below(folder, subpath);
  if (!lies_in(path, folder)) return {Kind::refused, "the specifier leads out of its package"};
  ResolvedFile found = as_file(path);
  if (found.kind == Kind::missing) found = as_folder(path, kind);
  return browser_file(std::move(found));
}

ResolvedFile Resolver::bare(std::string_view folder, std::string_view specifier, ImportKind kind,
                            int depth) {
  const std::string_view name = package_name(specifier);
  if (name.empty()) return {};
  const std::string_view subpath =
      specifier.size() > name.size() ? specifier.substr(name.size() + 1) : std::string_view();
  if (depth < kRedirects) {
    ResolvedFile replaced = browser_package(folder, specifier, kind, depth);
    if (replaced.kind != Kind::missing) return replaced;
  }
  // PACKAGE_SELF_RESOLVE: a package may import itself by its name.
  const PackageJson* own = packages_.nearest(below(folder, "x"));
  if (own != nullptr && own->name == name && own->exports() != nullptr) {
    return by_exports(*own, subpath, kind);
  }
  std::string_view above = folder;
  for (size_t i = 0; i < limits::kPackageLookups; i++) {
    if (base_name(above) != "node_modules") {
      const std::string candidate = below(above, fmt::format("node_modules/{}", name));
      const FileTree::Entry entry = tree_.lookup(candidate);
      if (entry.kind == FileTree::Kind::refused) return found_or_refused(entry, candidate);
      if (entry.kind == FileTree::Kind::folder) {
        ResolvedFile found = in_package(packages_.of_folder(entry.path), entry.path, subpath, kind);
        if (found.kind != Kind::missing) return found;
      }
    }
    if (above.empty()) break;
    above = folder_name(above);
  }
  return {};
}

ResolvedFile Resolver::package_import(std::string_view folder, std::string_view specifier,
                                      ImportKind kind, int depth) {
  const PackageJson* package = packages_.nearest(below(folder, "x"));
  if (package == nullptr || package->imports() == nullptr) return {};
  const PackageTarget target =
      resolve_package_imports(*package->imports(), specifier, conditions(kind));
  if (target.kind == PackageTarget::Kind::invalid) return {Kind::refused, target.target};
  if (target.kind != PackageTarget::Kind::target) return {};
  if (!target.target.starts_with("./")) {
    if (target.target.starts_with('#') || depth >= kRedirects) return {};
    return bare(package->folder, target.target, kind, depth + 1);
  }
  const std::string path = below(package->folder, target.target);
  return browser_file(found_or_refused(tree_.lookup(path), path));
}

ResolvedFile Resolver::browser_file(ResolvedFile found) {
  if (found.kind != Kind::file || !in_node_modules(found.path)) return found;
  const PackageJson* package = packages_.nearest(found.path);
  const Value* table = package != nullptr ? package->value.find("browser") : nullptr;
  if (table == nullptr || !table->is(Value::Type::object)) return found;
  const std::string inside = "./" + relative_path("/" + found.path, "/" + package->folder);
  std::string_view without_extension = inside;
  without_extension.remove_suffix(extension(inside).size());
  const Value* replacement = table->find(inside);
  if (replacement == nullptr) replacement = table->find(without_extension);
  if (replacement == nullptr) return found;
  if (replacement->is(Value::Type::boolean) && !replacement->boolean) {
    return {Kind::disabled, std::move(found.path)};
  }
  if (!replacement->is(Value::Type::string)) return found;
  const std::string path = below(package->folder, replacement->string);
  if (is_outside(path)) return found;
  ResolvedFile replaced = as_file(path);
  return replaced.kind == Kind::missing ? found : replaced;
}

ResolvedFile Resolver::browser_package(std::string_view folder, std::string_view specifier,
                                       ImportKind kind, int depth) {
  if (!in_node_modules(folder)) return {};
  const PackageJson* package = packages_.nearest(below(folder, "x"));
  const Value* table = package != nullptr ? package->value.find("browser") : nullptr;
  if (table == nullptr || !table->is(Value::Type::object)) return {};
  const Value* replacement = table->find(specifier);
  if (replacement == nullptr) return {};
  if (replacement->is(Value::Type::boolean) && !replacement->boolean) {
    return {Kind::disabled, below(package->folder, "package.json")};
  }
  if (!replacement->is(Value::Type::string)) return {};
  if (replacement->string.starts_with("./")) {
    const std::string path = below(package->folder, replacement->string);
    return is_outside(path) ? ResolvedFile{} : as_file(path);
  }
  return bare(package->folder, replacement->string, kind, depth + 1);
}

}  // namespace skep::config
