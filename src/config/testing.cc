#include "config/testing.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "base/assert.h"

namespace skep::config {

TestFolder::TestFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "skep-config-XXXXXX").string();
  SKEP_ASSERT(::mkdtemp(name.data()) != nullptr);
  root_ = std::filesystem::canonical(name).string();
}

TestFolder::~TestFolder() {
  std::filesystem::remove_all(root_);
}

std::string TestFolder::path(std::string_view relative) const {
  return relative.empty() ? root_ : root_ + "/" + std::string(relative);
}

std::string TestFolder::write(std::string_view relative, std::string_view text) const {
  const std::filesystem::path file = path(relative);
  std::filesystem::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary);
  out << text;
  SKEP_ASSERT(out.good());
  return file.string();
}

void TestFolder::link(std::string_view target, std::string_view relative) const {
  const std::filesystem::path file = path(relative);
  std::filesystem::create_directories(file.parent_path());
  std::filesystem::create_symlink(target, file);
}

}  // namespace skep::config
