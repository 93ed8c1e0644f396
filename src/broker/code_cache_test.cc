#include "broker/code_cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/limits.h"

namespace skep::broker {
namespace {

class CodeCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/code_cache_test.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string folder() const { return dir_ / "cache"; }
  // The only file in the folder.
  std::filesystem::path file() const {
    return std::filesystem::directory_iterator(folder())->path();
  }

  std::filesystem::path dir_;
  Digest a_ = digest_of_bytes("a");
  Digest b_ = digest_of_bytes("b");
};

TEST_F(CodeCacheTest, GivesBackWhatWasPut) {
  CodeCache cache(folder(), "build");
  EXPECT_EQ(cache.get(CacheKind::v8_code_cache, a_), nullptr);
  cache.put(CacheKind::v8_code_cache, a_, "code");
  cache.put(CacheKind::transformed, a_, "script");
  ASSERT_NE(cache.get(CacheKind::v8_code_cache, a_), nullptr);
  EXPECT_EQ(*cache.get(CacheKind::v8_code_cache, a_), "code");
  EXPECT_EQ(*cache.get(CacheKind::transformed, a_), "script");
  EXPECT_EQ(cache.get(CacheKind::v8_code_cache, b_), nullptr);
}

TEST_F(CodeCacheTest, OutlivesTheProgramButNotTheBuild) {
  CodeCache(folder(), "build").put(CacheKind::v8_code_cache, a_, "code");
  const auto found = CodeCache(folder(), "build").get(CacheKind::v8_code_cache, a_);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(*found, "code");
  EXPECT_EQ(CodeCache(folder(), "other").get(CacheKind::v8_code_cache, a_), nullptr);
}

TEST_F(CodeCacheTest, WithoutAFolderNothingIsWritten) {
  CodeCache cache("", "build");
  cache.put(CacheKind::v8_code_cache, a_, "code");
  EXPECT_EQ(*cache.get(CacheKind::v8_code_cache, a_), "code");
  EXPECT_TRUE(std::filesystem::is_empty(dir_));
}

TEST_F(CodeCacheTest, DamagedFilesAreNotUsed) {
  CodeCache(folder(), "build").put(CacheKind::v8_code_cache, a_, "some code");
  std::string bytes;
  std::getline(std::ifstream(file()), bytes, '\xff');
  const auto size = std::filesystem::file_size(file());
  std::filesystem::resize_file(file(), size - 1);
  EXPECT_EQ(CodeCache(folder(), "build").get(CacheKind::v8_code_cache, a_), nullptr);
  std::filesystem::resize_file(file(), size);  // the last byte is zero now
  EXPECT_EQ(CodeCache(folder(), "build").get(CacheKind::v8_code_cache, a_), nullptr);
  std::filesystem::resize_file(file(), 10);
  EXPECT_EQ(CodeCache(folder(), "build").get(CacheKind::v8_code_cache, a_), nullptr);
  std::filesystem::resize_file(file(), 0);
  EXPECT_EQ(CodeCache(folder(), "build").get(CacheKind::v8_code_cache, a_), nullptr);
}

TEST_F(CodeCacheTest, AFileUnderAnotherNameIsNotUsed) {
  CodeCache cache(folder(), "build");
  cache.put(CacheKind::v8_code_cache, a_, "code of a");
  const auto of_a = file();
  cache.put(CacheKind::v8_code_cache, b_, "code of b");
  std::filesystem::path of_b;
  for (const auto& entry : std::filesystem::directory_iterator(folder()))
    if (entry.path() != of_a) of_b = entry.path();
  std::filesystem::copy_file(of_a, of_b, std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(CodeCache(folder(), "build").get(CacheKind::v8_code_cache, b_), nullptr);
}

TEST_F(CodeCacheTest, MemoryIsBounded) {
  CodeCache cache("", "build");
  const std::string big(limits::kCodeCacheEntryBytes, 'x');
  for (const char* name : {"1", "2", "3", "4"})
    cache.put(CacheKind::v8_code_cache, digest_of_bytes(name), big);
  EXPECT_LE(cache.memory_bytes(), limits::kCodeCacheMemoryBytes);
  EXPECT_EQ(cache.get(CacheKind::v8_code_cache, digest_of_bytes("1")), nullptr);
  EXPECT_NE(cache.get(CacheKind::v8_code_cache, digest_of_bytes("4")), nullptr);
  cache.put(CacheKind::v8_code_cache, a_, big + "x");
  EXPECT_EQ(cache.get(CacheKind::v8_code_cache, a_), nullptr);
}

}  // namespace
}  // namespace skep::broker
