// The package.json files of one project: each is read when a module below it is resolved, and again
// when it has changed. Owned by the Project.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "config/file_tree.h"
#include "config/value.h"

namespace skep::config {

struct PackageJson {
  std::string folder;  // real path relative to the root
  std::string name;    // empty: none
  std::string type;    // "module", "commonjs" or empty
  Value value;         // an object; empty where the file is broken
  std::string error;   // "PATH:LINE:COLUMN: …" where the file is broken

  const Value* exports() const { return value.find("exports"); }
  const Value* imports() const { return value.find("imports"); }
  // A string at the top, or "".
  std::string_view text(std::string_view key) const;
};

class PackageCache {
 public:
  explicit PackageCache(const FileTree& tree) : tree_(tree) {}

  // Of one folder; null when it has none. Valid until the next call for that folder.
  const PackageJson* of_folder(std::string_view folder);
  // Of the folder that a file lies in or the nearest above; a node_modules folder ends the search.
  const PackageJson* nearest(std::string_view file);

  // Relative paths of the files that were read.
  std::vector<std::string> paths() const;

 private:
  struct Entry {
    FileTree::Entry file;  // as it was when it was read
    std::unique_ptr<PackageJson> package;
  };
  std::unique_ptr<PackageJson> read(const FileTree::Entry& file) const;

  const FileTree& tree_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace skep::config
