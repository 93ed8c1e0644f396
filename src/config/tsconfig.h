// "paths" and "baseUrl" of tsconfig.json (or jsconfig.json), which bundlers follow: what an import
// like
// "@/lib/x" stands for in a TypeScript project. Owned by the Resolver; each file is read once.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/file_tree.h"
#include "config/value.h"

namespace skep::config {

struct TsConfig {
  struct Path {
    std::string pattern;               // "@/*"
    std::vector<std::string> targets;  // "src/*", relative to `paths_base`
  };
  std::vector<Path> paths;
  std::string paths_base;  // a folder, relative to the root
  bool has_base_url = false;
  std::string base_url;  // a folder, relative to the root
};

class TsConfigs {
 public:
  explicit TsConfigs(const FileTree& tree) : tree_(tree) {}

  // This file for the whole project (wrangler's `tsconfig`), relative to the root.
  void use(std::string path) { fixed_ = std::move(path); }
  // That of a folder or the nearest above it; null when there is none.
  const TsConfig* of_folder(std::string_view folder);
  // Relative paths of what was read.
  const std::vector<std::string>& paths() const { return read_; }

 private:
  const TsConfig* of_file(const std::string& path);
  // Adds what a file says, after what those say that it extends. A broken or missing file adds
  // nothing: it is the type checker's business, which reports it.
  void read(const std::string& path, int depth, TsConfig& config);
  void read_options(const Value& options, std::string_view folder, TsConfig& config) const;

  const FileTree& tree_;
  std::string fixed_;
  std::unordered_map<std::string, std::string> files_;  // folder -> its tsconfig.json, "" for none
  std::unordered_map<std::string, std::unique_ptr<TsConfig>> configs_;
  std::vector<std::string> read_;
};

// Paths relative to the root that `specifier` may stand for, in the order in which they are to be
// tried.
std::vector<std::string> ts_candidates(const TsConfig& config, std::string_view specifier);

}  // namespace skep::config
