// A folder for one test, with the files it needs. Tests of this folder only.
#pragma once

#include <string>
#include <string_view>

namespace skep::config {

class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  // Writes a file, with the folders above it; gives its absolute path.
  std::string write(std::string_view path, std::string_view text) const;
  void link(std::string_view target, std::string_view path) const;
  std::string path(std::string_view relative = "") const;

 private:
  std::string root_;
};

}  // namespace skep::config
