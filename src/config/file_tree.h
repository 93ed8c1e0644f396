// The part of the file system that one project may read: everything whose real path lies in one
// folder. Paths are relative to that folder, "" is the folder itself. The kernel keeps a lookup
// inside (openat2 with RESOLVE_BENEATH), so that neither a link nor a race leads out.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace skep::config {

class FileTree {
 public:
  enum class Kind {
    file,
    folder,
    missing,  // also: neither file nor folder
    refused,  // leads out of the tree, or may not be read
  };
  struct Entry {
    Kind kind = Kind::missing;
    std::string path;  // real path, relative to the root: links are resolved
    // To notice changes.
    int64_t mtime_ns = 0;
    uint64_t size = 0;
    uint64_t inode = 0;
  };

  // root: absolute, real path of a folder.
  static Result<FileTree> open(std::string root);

  Entry lookup(std::string_view path) const;
  Result<std::string> read(std::string_view path, uint64_t max_bytes) const;
  // Names in a folder, sorted; at most `most`, more is an error. Folders end in "/".
  Result<std::vector<std::string>> list(std::string_view path, size_t most) const;

  const std::string& root() const { return root_; }
  std::string absolute(std::string_view path) const;

 private:
  FileTree(std::string root, UniqueFd fd) : root_(std::move(root)), fd_(std::move(fd)) {}
  // errno in Error::code; EXDEV: leads out.
  Result<UniqueFd> open_beneath(std::string_view path, int flags) const;

  std::string root_;
  UniqueFd fd_;
};

}  // namespace skep::config
