#include "config/package_json.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "config/files.h"
#include "config/jsonc.h"

namespace skep::config {

std::string_view PackageJson::text(std::string_view key) const {
  const Value* found = value.find(key);
  return found != nullptr && found->is(Value::Type::string) ? std::string_view(found->string)
                                                            : std::string_view();
}

std::unique_ptr<PackageJson> PackageCache::read(const FileTree::Entry& file) const {
  auto package = std::make_unique<PackageJson>();
  package->folder = folder_name(file.path);
  const auto text = tree_.read(file.path, limits::kConfigFileBytes);
  if (!text) {
    package->error = text.error().message;
    return package;
  }
  auto parsed = parse_json(*text, JsonDialect::json);
  if (!parsed) {
    package->error = fmt::format("{}:{}:{}: {}", tree_.absolute(file.path), parsed.error().at.line,
                                 parsed.error().at.column, parsed.error().message);
    return package;
  }
  if (!parsed->is(Value::Type::object)) {
    package->error = fmt::format("{}: not an object", tree_.absolute(file.path));
    return package;
  }
  package->value = std::move(*parsed);
  package->name = package->text("name");
  package->type = package->text("type");
  return package;
}

const PackageJson* PackageCache::of_folder(std::string_view folder) {
  std::string path = folder.empty() ? "package.json" : fmt::format("{}/package.json", folder);
  const FileTree::Entry file = tree_.lookup(path);
  if (file.kind != FileTree::Kind::file) {
    entries_.erase(path);
    return nullptr;
  }
  if (entries_.size() >= limits::kModulesPerWorker) entries_.clear();
  Entry& entry = entries_[std::move(path)];
  const bool same = entry.package && entry.file.mtime_ns == file.mtime_ns &&
                    entry.file.size == file.size && entry.file.inode == file.inode;
  if (!same) {
    entry.package = read(file);
    entry.file = file;
  }
  return entry.package.get();
}

const PackageJson* PackageCache::nearest(std::string_view file) {
  for (std::string_view folder = folder_name(file);; folder = folder_name(folder)) {
    if (base_name(folder) == "node_modules") return nullptr;
    if (const PackageJson* package = of_folder(folder)) return package;
    if (folder.empty()) return nullptr;
  }
}

std::vector<std::string> PackageCache::paths() const {
  std::vector<std::string> out;
  for (const auto& [path, entry] : entries_) out.push_back(entry.file.path);
  return out;
}

}  // namespace skep::config
