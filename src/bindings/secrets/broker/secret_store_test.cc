#include "bindings/secrets/broker/secret_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "base/limits_cron.h"

namespace skep::bindings {
namespace {

class SecretStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "skep_secrets_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    store_ = std::make_unique<SecretStore>(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
  std::unique_ptr<SecretStore> store_;
};

TEST_F(SecretStoreTest, put_get_list_delete) {
  EXPECT_TRUE(store_->list("main")->empty());
  ASSERT_TRUE(store_->write("main", "token", "one"));
  ASSERT_TRUE(store_->write("main", "token", std::string_view("t\0o", 3)));
  ASSERT_TRUE(store_->write("main", "another", ""));
  EXPECT_EQ(*store_->read("main", "token"), std::string_view("t\0o", 3));
  EXPECT_EQ(*store_->list("main"), (std::vector<std::string>{"another", "token"}));
  EXPECT_TRUE(store_->erase("main", "token"));
  EXPECT_EQ(store_->read("main", "token").error().code, ENOENT);
  EXPECT_EQ(store_->erase("main", "token").error().code, ENOENT);
  EXPECT_FALSE(store_->read("other", "another"));
}

TEST_F(SecretStoreTest, files_are_their_owners_alone) {
  ASSERT_TRUE(store_->write("main", "token", "x"));
  for (const char* path : {"/secrets", "/secrets/main", "/secrets/main/token"}) {
    struct stat info{};
    ASSERT_EQ(stat((folder_ + path).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 077, 0u) << path;
  }
}

TEST_F(SecretStoreTest, names_are_no_paths) {
  std::ofstream(folder_ + "/outside") << "x";
  for (const char* name : {"", ".", "..", "../outside", "a/b", "/etc/passwd", "a.b"}) {
    EXPECT_FALSE(store_->read("main", name)) << name;
    EXPECT_FALSE(store_->read(name, "token")) << name;
    EXPECT_FALSE(store_->write("main", name, "x")) << name;
    EXPECT_FALSE(store_->write(name, "x", "x")) << name;
    EXPECT_FALSE(store_->erase("main", name)) << name;
  }
  ASSERT_TRUE(store_->write("main", "token", "x"));
  std::filesystem::create_symlink(folder_ + "/outside", folder_ + "/secrets/main/link");
  EXPECT_EQ(store_->read("main", "link").error().code, ELOOP);
}

TEST_F(SecretStoreTest, bounds) {
  EXPECT_TRUE(store_->write("main", "x", std::string(limits::kSecretBytes, 'x')));
  EXPECT_FALSE(store_->write("main", "x", std::string(limits::kSecretBytes + 1, 'x')));
  EXPECT_FALSE(SecretStore("").write("main", "x", "x"));
}

}  // namespace
}  // namespace skep::bindings
