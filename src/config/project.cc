#include "config/project.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/limits.h"
#include "config/file_tree.h"
#include "config/files.h"
#include "config/module_syntax.h"
#include "config/module_types.h"
#include "config/node_builtins.h"
#include "config/resolver.h"
#include "config/source_map.h"

namespace skep::config {
namespace {

constexpr std::string_view kNodeHint =
    "Node.js's modules need the compatibility flag nodejs_compat (and nodejs_compat_v2 or a date "
    "from "
    "2024-09-23 on where the name has no \"node:\").";
constexpr std::string_view kWorkspaceMarks[] = {
    "package-lock.json", "pnpm-lock.yaml",      "yarn.lock", "bun.lock",
    "bun.lockb",         "pnpm-workspace.yaml", ".git"};

std::string workspace_root(const std::string& dir) {
  for (std::string folder = dir; folder != "/"; folder = folder_name(folder)) {
    for (const std::string_view mark : kWorkspaceMarks) {
      const std::string path = join_path(folder, mark);
      if (is_file(path) || (mark == ".git" && is_folder(path))) return folder;
    }
  }
  return dir;
}

bool is_relative(std::string_view specifier) {
  return specifier == "." || specifier == ".." || specifier.starts_with("./") ||
         specifier.starts_with("../");
}

// JavaScript or TypeScript.
bool has_imports(ModuleType type) {
  return type == ModuleType::esm || type == ModuleType::commonjs ||
         type == ModuleType::typescript || type == ModuleType::typescript_commonjs;
}

std::string below(std::string_view folder, std::string_view path) {
  std::string joined =
      normal_path(folder.empty() ? std::string(path) : fmt::format("{}/{}", folder, path));
  return joined == "." ? "" : joined;
}

}  // namespace

struct Project::Impl {
  // A module that was given a name.
  struct Node {
    ModuleFile file;
    std::string path;  // real, relative to the root
    bool disabled = false;
    uint64_t counted_bytes = 0;
    std::string source_map_url;  // of the text as it was read last
    std::optional<std::string>
        text;  // was needed to tell the type; kept for the read() that follows
  };

  Impl(WorkerConfig config_, FileTree tree_, const ProjectOptions& options)
      : config(std::move(config_)),
        tree(std::move(tree_)),
        resolver(tree),
        types(config.rules),
        script_bytes(options.script_bytes != 0 ? options.script_bytes : limits::kScriptBytes),
        node_env(options.node_env) {}

  Result<> open_main();
  ModuleAnswer resolve(std::string_view referrer, std::string_view specifier, ImportKind kind);
  bool has_flag(std::string_view name) const;
  bool is_builtin(std::string_view specifier) const;
  // The module of a file; null and `message` where its type is unknown or there are too many.
  Node* intern(const std::string& path, bool disabled, std::string& message);
  std::string name_of(const std::string& path) const;
  std::optional<ModuleType> type_of(const std::string& path, const std::string& name,
                                    std::optional<std::string>& text);
  Result<std::string> read_counted(Node& node);
  std::string as_bundled(ModuleType type, std::string text) const;
  const std::string* text_to_scan(Node& node);
  ModuleAnswer missing(std::string_view referrer, std::string_view folder,
                       std::string_view specifier, std::string_view reason) const;
  Result<> walk(const std::string& folder, std::vector<const ModuleFile*>& out, size_t& seen);
  void note(std::string_view path);

  WorkerConfig config;
  FileTree tree;
  Resolver resolver;
  ModuleTypes types;
  const uint64_t script_bytes;
  const std::string node_env;
  uint64_t bytes_read = 0;
  std::string project_folder;  // of the configuration, relative to the root
  std::string module_folder;   // what names are relative to
  Node* main = nullptr;
  std::unordered_map<std::string, std::unique_ptr<Node>> by_path;
  std::unordered_map<std::string, Node*> by_name;
  std::set<std::string> looked_at;  // relative
};

Result<std::unique_ptr<Project>> Project::open(WorkerConfig config, const ProjectOptions& options) {
  std::string root = options.reach == Reach::workspace ? workspace_root(config.dir) : config.dir;
  SKEP_TRY_ASSIGN(FileTree tree, FileTree::open(std::move(root)));
  auto impl = std::make_unique<Impl>(std::move(config), std::move(tree), options);
  SKEP_TRY(impl->open_main());
  return std::unique_ptr<Project>(new Project(std::move(impl)));
}

Project::Project(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Project::~Project() = default;

const WorkerConfig& Project::config() const {
  return impl_->config;
}
const ModuleFile& Project::main() const {
  return impl_->main->file;
}
const std::string& Project::root() const {
  return impl_->tree.root();
}

ModuleAnswer Project::resolve(std::string_view referrer, std::string_view specifier,
                              ImportKind kind) {
  return impl_->resolve(referrer, specifier, kind);
}

Result<> Project::Impl::open_main() {
  project_folder = config.dir == tree.root() ? "" : relative_path(config.dir, tree.root());
  if (!config.tsconfig.empty()) resolver.tsconfigs().use(below(project_folder, config.tsconfig));
  const std::string path = below(project_folder, config.main);
  note(path);
  const ResolvedFile found =
      config.main.starts_with('/')
          ? ResolvedFile{ResolvedFile::Kind::refused, "\"main\" must be relative"}
          : resolver.exact(path);
  if (found.kind == ResolvedFile::Kind::refused) {
    return fail(fmt::format("main module \"{}\": {}", config.main, found.path));
  }
  if (found.kind != ResolvedFile::Kind::file) {
    return fail(fmt::format("main module \"{}\" is not there: {} is no file", config.main,
                            tree.absolute(path)));
  }
  module_folder = folder_name(found.path);
  if (!config.base_dir.empty()) {
    module_folder = below(project_folder, config.base_dir);
    const FileTree::Entry entry = tree.lookup(module_folder);
    if (config.base_dir.starts_with('/') || entry.kind != FileTree::Kind::folder) {
      return fail(
          fmt::format("base_dir \"{}\" is no folder inside of {}", config.base_dir, tree.root()));
    }
    module_folder = entry.path;
  }
  std::string message;
  main = intern(found.path, false, message);
  if (main == nullptr) return fail(std::move(message));
  if (has_imports(main->file.type)) return {};
  return fail(fmt::format("main module \"{}\" is neither JavaScript nor TypeScript", config.main));
}

void Project::Impl::note(std::string_view path) {
  if (looked_at.size() < limits::kWatchPaths) looked_at.emplace(path);
}

// Names are paths from the main module's folder. Packages of the project keep "node_modules/…"
// though they lie beside that folder and not in it; where such a name is taken, the full "../" form
// holds.
std::string Project::Impl::name_of(const std::string& path) const {
  std::string from_module = relative_path("/" + path, "/" + module_folder);
  if (!from_module.starts_with("../")) return from_module;
  std::string from_project = relative_path("/" + path, "/" + project_folder);
  if (from_project.starts_with("node_modules/") && !by_name.contains(from_project))
    return from_project;
  return from_module;
}

std::optional<ModuleType> Project::Impl::type_of(const std::string& path, const std::string& name,
                                                 std::optional<std::string>& text) {
  const std::string project_path = relative_path("/" + path, "/" + project_folder);
  if (const auto type = types.by_rule(name, project_path)) return type;
  if (const auto type = ModuleTypes::by_extension(path)) return type;
  if (extension(path) != ".js") return std::nullopt;
  const PackageJson* package = resolver.packages().nearest(path);
  if (package != nullptr && package->type == "module") return ModuleType::esm;
  if (package != nullptr && package->type == "commonjs") return ModuleType::commonjs;
  auto content = tree.read(path, script_bytes);
  // Not to be read now: read() will say why.
  if (!content) return ModuleType::esm;
  const ModuleSyntax syntax = module_syntax(*content);
  text = std::move(*content);
  if (syntax != ModuleSyntax::neither) {
    return syntax == ModuleSyntax::esm ? ModuleType::esm : ModuleType::commonjs;
  }
  // A script without imports and exports: a service worker in the project, CommonJS in a package.
  const bool packaged =
      path.starts_with("node_modules/") || path.find("/node_modules/") != path.npos;
  return packaged ? ModuleType::commonjs : ModuleType::esm;
}

Project::Impl::Node* Project::Impl::intern(const std::string& path, bool disabled,
                                           std::string& message) {
  const std::string key = disabled ? path + "\n" : path;
  if (const auto known = by_path.find(key); known != by_path.end()) return known->second.get();
  if (by_path.size() >= limits::kModulesPerWorker) {
    message = fmt::format("more than {} modules", limits::kModulesPerWorker);
    return nullptr;
  }
  auto node = std::make_unique<Node>();
  node->path = path;
  node->disabled = disabled;
  node->file.name = name_of(path);
  if (disabled) node->file.name += "?disabled";
  node->file.path = tree.absolute(path);
  const auto type =
      disabled ? std::optional(ModuleType::commonjs) : type_of(path, node->file.name, node->text);
  if (!type) {
    message = fmt::format("no rule says what kind of module \"{}\" is", node->file.name);
    return nullptr;
  }
  node->file.type = *type;
  note(path);
  Node* out = node.get();
  by_name[node->file.name] = out;
  by_path[key] = std::move(node);
  return out;
}

bool Project::Impl::has_flag(std::string_view name) const {
  return std::ranges::find(config.enabled_flags, name) != config.enabled_flags.end();
}

// Names without "node:" count from nodejs_compat_v2 on.
bool Project::Impl::is_builtin(std::string_view specifier) const {
  if (specifier.starts_with("cloudflare:")) return true;
  if (!names_node_module(specifier)) return false;
  if (has_flag("nodejs_compat_v2")) return true;
  if (!specifier.starts_with("node:")) return false;
  return has_flag("nodejs_compat") || (has_flag("nodejs_als") && specifier == "node:async_hooks");
}

ModuleAnswer Project::Impl::missing(std::string_view referrer, std::string_view folder,
                                    std::string_view specifier, std::string_view reason) const {
  // The name that the module would have had; of packages and of what is too odd for a name, the
  // text.
  std::string name(specifier.substr(0, 256));
  if (is_relative(specifier) && specifier.size() < limits::kSpecifierBytes) {
    const std::string path = below(folder, specifier);
    if (!path.starts_with("..")) name = relative_path("/" + path, "/" + module_folder);
  }
  ModuleAnswer answer;
  answer.message = fmt::format("No such module \"{}\".", name);
  if (!referrer.empty()) answer.message += fmt::format("\n  imported from \"{}\"", referrer);
  if (!reason.empty()) answer.message += fmt::format("\n  {}", reason);
  return answer;
}

ModuleAnswer Project::Impl::resolve(std::string_view referrer, std::string_view specifier,
                                    ImportKind kind) {
  std::string folder = module_folder;
  if (!referrer.empty()) {
    const auto from = by_name.find(std::string(referrer));
    if (from == by_name.end())
      return missing(referrer, folder, specifier, "the importer is not known");
    folder = folder_name(from->second->path);
  }
  if (specifier.empty() || specifier.size() > limits::kSpecifierBytes ||
      specifier.find('\0') != std::string_view::npos) {
    return missing(referrer, folder, specifier, "");
  }
  if (const auto alias = config.alias.find(std::string(specifier)); alias != config.alias.end()) {
    specifier = alias->second;
    if (is_relative(specifier)) folder = project_folder;
  }
  if (is_builtin(specifier)) return {ModuleAnswer::Kind::builtin, nullptr, {}};
  const ResolvedFile found = resolver.resolve(folder, specifier, kind);
  if (found.kind == ResolvedFile::Kind::refused)
    return missing(referrer, folder, specifier, found.path);
  if (found.kind == ResolvedFile::Kind::missing) {
    for (const std::string& path : resolver.tried()) note(path);
    return missing(referrer, folder, specifier, names_node_module(specifier) ? kNodeHint : "");
  }
  std::string message;
  const Node* node = intern(found.path, found.kind == ResolvedFile::Kind::disabled, message);
  if (node == nullptr) return missing(referrer, folder, specifier, message);
  return {ModuleAnswer::Kind::module, &node->file, {}};
}

Result<std::string> Project::Impl::read_counted(Node& node) {
  if (node.disabled) return std::string();
  std::string text;
  if (node.text) {
    text = std::move(*node.text);
    node.text.reset();
  } else {
    SKEP_TRY_ASSIGN(text, tree.read(node.path, script_bytes));
  }
  const uint64_t others = bytes_read - node.counted_bytes;
  if (others + text.size() > script_bytes) {
    return fail(fmt::format("the Worker's modules are larger than {} bytes together (at {})",
                            script_bytes, node.file.name));
  }
  node.source_map_url = source_map_url(text);
  bytes_read = others + text.size();
  node.counted_bytes = text.size();
  return as_bundled(node.file.type, std::move(text));
}

// What a bundler would have made of the text besides putting the modules together.
std::string Project::Impl::as_bundled(ModuleType type, std::string text) const {
  if (has_imports(type) && !config.no_bundle) replace_node_env(text, node_env);
  return text;
}

Result<std::string> Project::read(const ModuleFile& module) {
  const auto known = impl_->by_name.find(module.name);
  if (known != impl_->by_name.end() && known->second->file.path == module.path) {
    return impl_->read_counted(*known->second);
  }
  if (!is_inside(module.path, root())) return fail(fmt::format("no module \"{}\"", module.name));
  SKEP_TRY_ASSIGN(std::string text,
                  impl_->tree.read(relative_path(module.path, root()), impl_->script_bytes));
  return impl_->as_bundled(module.type, std::move(text));
}

Result<std::string> Project::read_source_map(const ModuleFile& module) {
  const auto known = impl_->by_name.find(module.name);
  if (known == impl_->by_name.end() || known->second->disabled) return std::string();
  const Impl::Node& node = *known->second;
  if (node.source_map_url.starts_with("data:")) {
    return decode_data_url(node.source_map_url).value_or("");
  }
  const std::string_view folder = folder_name(node.path);
  for (const std::string& path : {below(folder, node.source_map_url),
                                  below(folder, fmt::format("{}.map", base_name(node.path)))}) {
    if (path == node.path || impl_->tree.lookup(path).kind != FileTree::Kind::file) continue;
    impl_->note(path);
    return impl_->tree.read(path, impl_->script_bytes);
  }
  return std::string();
}

Result<> Project::Impl::walk(const std::string& folder, std::vector<const ModuleFile*>& out,
                             size_t& seen) {
  SKEP_TRY_ASSIGN(const std::vector<std::string> names,
                  tree.list(folder, limits::kModulesPerWorker));
  for (const std::string& name : names) {
    if (++seen > limits::kModulesPerWorker * 10) {
      return fail(
          fmt::format("{}: too many files for find_additional_modules", tree.absolute(folder)));
    }
    if (name.starts_with('.') || name == "node_modules/") continue;
    if (name.ends_with('/')) {
      SKEP_TRY(walk(below(folder, name), out, seen));
      continue;
    }
    const std::string path = below(folder, name);
    const std::string module_name = relative_path("/" + path, "/" + module_folder);
    if (path == main->path || !types.by_rule(module_name, module_name)) continue;
    const FileTree::Entry entry = tree.lookup(path);
    if (entry.kind != FileTree::Kind::file) continue;
    std::string message;
    const Node* node = intern(entry.path, false, message);
    if (node == nullptr) return fail(std::move(message));
    out.push_back(&node->file);
  }
  return {};
}

Result<std::vector<const ModuleFile*>> Project::additional_modules() {
  std::vector<const ModuleFile*> out;
  if (!impl_->config.find_additional_modules) return out;
  size_t seen = 0;
  SKEP_TRY(impl_->walk(impl_->module_folder, out, seen));
  std::ranges::sort(out, {}, &ModuleFile::name);
  return out;
}

// The text of a module that has imports; kept for the read() that follows.
const std::string* Project::Impl::text_to_scan(Node& node) {
  if (!has_imports(node.file.type) || node.disabled) return nullptr;
  if (!node.text) {
    auto text = tree.read(node.path, script_bytes);
    if (!text) return nullptr;
    node.text = std::move(*text);
  }
  return &*node.text;
}

std::vector<KnownImport> Project::static_imports(size_t most) {
  std::vector<KnownImport> out;
  std::vector<Impl::Node*> queue = {impl_->main};
  std::set<const ModuleFile*> seen = {&impl_->main->file};
  uint64_t bytes = 0;
  for (size_t i = 0; i < queue.size() && bytes <= impl_->script_bytes; i++) {
    const std::string* text = impl_->text_to_scan(*queue[i]);
    if (text == nullptr) continue;
    bytes += text->size();
    const std::string referrer = queue[i]->file.name;
    std::set<std::pair<std::string, bool>> asked;
    for (const ScannedImport& import : scan_module(*text).imports) {
      if (!asked.emplace(import.specifier, import.require).second) continue;
      const ImportKind kind = import.require ? ImportKind::require : ImportKind::import;
      const ModuleAnswer answer = impl_->resolve(referrer, import.specifier, kind);
      if (answer.kind == ModuleAnswer::Kind::missing) continue;
      if (answer.module != nullptr && !seen.contains(answer.module)) {
        if (queue.size() >= most) continue;
        seen.insert(answer.module);
        queue.push_back(impl_->by_name.at(answer.module->name));
      }
      out.push_back({referrer, import.specifier, kind, answer.module});
    }
  }
  return out;
}

std::vector<std::string> Project::watch_paths() const {
  std::set<std::string> paths;
  for (const std::string& path : impl_->looked_at) paths.insert(impl_->tree.absolute(path));
  for (const std::string& path : impl_->resolver.packages().paths()) {
    paths.insert(impl_->tree.absolute(path));
  }
  for (const std::string& path : impl_->resolver.tsconfigs().paths()) {
    paths.insert(impl_->tree.absolute(path));
  }
  return {paths.begin(), paths.end()};
}

}  // namespace skep::config
