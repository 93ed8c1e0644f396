#include "bindings/assets/broker/asset_folder.h"

#include <capnp/message.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/limits_assets.h"
#include "bindings/assets/manifest.h"
#include "loop/loop.h"
#include "rpc/kj_loop.h"
#include "rpc/outcome.h"

namespace skep::bindings {
namespace {

class AssetFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "skep_assets_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    std::filesystem::create_directories(root_ + "/site/sub");
    put("site/index.html", "<p>");
    put("site/sub/a.txt", "aaa");
    put("secret.txt", "secret");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void put(const std::string& path, std::string_view text) {
    std::ofstream(root_ + "/" + path) << text;
  }
  void link(const std::string& to, const std::string& from) {
    ASSERT_EQ(symlink((root_ + to).c_str(), (root_ + from).c_str()), 0);
  }
  std::shared_ptr<AssetFolder> open() {
    config::Diagnostics diagnostics;
    auto folder = AssetFolder::open(root_ + "/site", {}, diagnostics);
    EXPECT_TRUE(folder) << folder.error().message;
    return folder ? *folder : nullptr;
  }
  static std::vector<std::string> paths(const AssetFolder& folder) {
    std::string bytes(folder.manifest_bytes(), '\0');
    EXPECT_EQ(pread(folder.manifest(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
    const auto manifest = AssetManifest::read(bytes);
    std::vector<std::string> out;
    for (uint32_t i = 0; i < manifest->size(); i++) out.emplace_back(manifest->path(i));
    return out;
  }

  std::string root_;
};

TEST_F(AssetFolderTest, files_that_are_not_rules_and_not_ignored) {
  put("site/_headers", "/*\n  X: 1\n");
  put("site/_redirects", "/a /b\n");
  put("site/.assetsignore", "*.map\nsub/\n");
  put("site/x.map", "");
  const auto folder = open();
  EXPECT_EQ(paths(*folder), std::vector<std::string>{"index.html"});
  EXPECT_EQ(folder->rules().headers.size(), 1u);
  EXPECT_EQ(folder->rules().redirects.size(), 1u);
}

TEST_F(AssetFolderTest, nothing_leads_out_of_the_folder) {
  link("/secret.txt", "/site/link.txt");
  link("", "/site/up");
  mkfifo((root_ + "/site/pipe").c_str(), 0600);
  const auto folder = open();
  EXPECT_EQ(paths(*folder), (std::vector<std::string>{"index.html", "sub/a.txt"}));
  // What becomes a link after the walk is not followed either: the file, and a folder above it.
  std::filesystem::remove(root_ + "/site/index.html");
  link("/secret.txt", "/site/index.html");
  EXPECT_FALSE(folder->open_file(0));
  std::filesystem::remove_all(root_ + "/site/sub");
  std::filesystem::create_directories(root_ + "/elsewhere");
  put("elsewhere/a.txt", "x");
  link("/elsewhere", "/site/sub");
  EXPECT_FALSE(folder->open_file(1));
  EXPECT_FALSE(folder->open_file(2));
  EXPECT_FALSE(folder->open_file(UINT32_MAX));
}

TEST_F(AssetFolderTest, an_etag_is_of_the_content) {
  put("site/copy.html", "<p>");
  const auto folder = open();
  const auto copy = folder->open_file(0), index = folder->open_file(1),
             other = folder->open_file(2);
  ASSERT_TRUE(copy && index && other);
  EXPECT_EQ(copy->etag, index->etag);
  EXPECT_NE(copy->etag, other->etag);
  EXPECT_EQ(copy->size, 3u);
  put("site/copy.html", "<p>changed");
  EXPECT_NE(folder->open_file(0)->etag, index->etag);
  std::filesystem::remove(root_ + "/site/copy.html");
  EXPECT_EQ(folder->open_file(0).error().code, ENOENT);
}

TEST_F(AssetFolderTest, a_change_is_another_fingerprint) {
  const std::string before = open()->fingerprint();
  EXPECT_EQ(open()->fingerprint(), before);
  put("site/new.txt", "");
  const std::string more = open()->fingerprint();
  EXPECT_NE(more, before);
  put("site/_headers", "/*\n  X: 1\n");
  EXPECT_NE(open()->fingerprint(), more);
}

TEST_F(AssetFolderTest, errors_name_the_file) {
  config::Diagnostics diagnostics;
  const auto none = AssetFolder::open(root_ + "/nowhere", {}, diagnostics);
  EXPECT_NE(none.error().message.find("nowhere"), std::string::npos);
  put("site/large.bin", "");
  ASSERT_EQ(truncate((root_ + "/site/large.bin").c_str(), limits::kAssetFileBytes + 1), 0);
  const auto large = AssetFolder::open(root_ + "/site", {}, diagnostics);
  ASSERT_FALSE(large);
  EXPECT_NE(large.error().message.find("large.bin: 26214401 bytes"), std::string::npos);
}

TEST_F(AssetFolderTest, a_shard_gets_what_stands_in_the_manifest_and_so_many_at_once) {
  auto loop = std::move(*loop::Loop::create({.entries = 16}));
  rpc::KjLoop kj(*loop);
  capnp::MallocMessageBuilder message;
  capnp::BuilderCapabilityTable table;
  auto assets = table.imbue(message.initRoot<rpc::Assets>());
  auto share = std::make_shared<ShardShare>();
  write_assets(open(), true, share, assets);
  rpc::AssetSite::Client site = assets.getSite();
  const auto ask = [&](uint32_t index) {
    auto request = site.openRequest();
    request.setIndex(index);
    return rpc::caught([&] { return kj.wait(request.send()).getSize(); });
  };
  EXPECT_EQ(*ask(0), 3u);
  EXPECT_FALSE(ask(2));
  share->asset_files = limits::kAssetFilesHeld;
  EXPECT_FALSE(ask(0));
}

}  // namespace
}  // namespace skep::bindings
