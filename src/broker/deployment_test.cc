#include "broker/deployment.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/limits.h"
#include "broker/deployments.h"

namespace skep::broker {
namespace {

using config::ImportKind;

class DeploymentTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/deployment_test.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    write("wrangler.toml",
          "name = 'x'\nmain = 'src/index.js'\ncompatibility_date = '2026-01-01'\n");
    write("src/index.js", "import './lib.js';\n");
    write("src/lib.js", "export {};\n");
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  void write(const std::string& name, std::string_view text) {
    std::filesystem::create_directories((dir_ / name).parent_path());
    std::ofstream(dir_ / name) << text;
  }

  std::filesystem::path dir_;
  CodeCache cache_{"", "build"};
  Deployment make() { return Deployment({dir_, "worker", "", {}}, {}, cache_); }
};

TEST_F(DeploymentTest, StaticImportsComeWithTheMainModule) {
  write("src/index.js",
        "import './lib.js';\nimport 'cloudflare:workers';\nimport './missing.js';\n"
        "const late = () => import('./late.js');\n");
  write("src/lib.js", "export * from './deep.js';\n");
  write("src/deep.js", "export const deep = 1;\n");
  write("src/late.js", "export {};\n");
  Deployment deployment = make();
  const auto version = deployment.load();
  ASSERT_TRUE(version) << version.error().message;
  std::vector<std::string> modules, resolutions;
  for (const auto& module : (*version)->modules) modules.push_back(module->file->name);
  for (const KnownResolution& known : (*version)->resolutions)
    resolutions.push_back(known.referrer + " " + known.specifier + " " + known.name);
  EXPECT_EQ(modules, (std::vector<std::string>{"index.js", "lib.js", "deep.js"}));
  EXPECT_EQ(resolutions,
            (std::vector<std::string>{"index.js ./lib.js lib.js", "index.js cloudflare:workers ",
                                      "lib.js ./deep.js deep.js"}));
}

TEST_F(DeploymentTest, LoadsLazilyAndRemembersWhatWasAskedFor) {
  write("src/index.js", "const lib = () => import('./lib.js');\n");
  Deployment deployment = make();
  EXPECT_EQ(deployment.version_number(), 0u);
  auto version = deployment.load();
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ((*version)->number, 1u);
  EXPECT_EQ((*version)->modules.size(), 1u);
  auto answer = deployment.resolve(1, "index.js", "./lib.js", ImportKind::import);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->kind, Deployment::Answer::Kind::module);
  EXPECT_EQ(answer->module->content, "export {};\n");
  EXPECT_EQ(deployment.path_of("lib.js"), (dir_ / "src/lib.js").string());
  version = deployment.load();
  ASSERT_EQ((*version)->modules.size(), 2u);
  ASSERT_EQ((*version)->resolutions.size(), 1u);
  EXPECT_EQ((*version)->resolutions[0].name, "lib.js");
}

TEST_F(DeploymentTest, AnswersOnlyForTheVersionInForce) {
  Deployment deployment = make();
  EXPECT_FALSE(deployment.resolve(1, "index.js", "./lib.js", ImportKind::import));
  ASSERT_TRUE(deployment.load());
  EXPECT_FALSE(deployment.resolve(2, "index.js", "./lib.js", ImportKind::import));
  EXPECT_FALSE(deployment.resolve(1, "never.js", "./lib.js", ImportKind::import));
  auto missing = deployment.resolve(1, "index.js", "./no.js", ImportKind::import);
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->kind, Deployment::Answer::Kind::missing);
}

TEST_F(DeploymentTest, ReloadMakesAVersionWhereSomethingChanged) {
  Deployment deployment = make();
  ASSERT_TRUE(deployment.load());
  ASSERT_TRUE(deployment.resolve(1, "index.js", "./lib.js", ImportKind::import));
  EXPECT_EQ(deployment.reload(false).value(), false);
  write("src/lib.js", "export const a = 1;\n");
  EXPECT_EQ(deployment.reload(false).value(), true);
  EXPECT_EQ(deployment.version_number(), 2u);
  write("wrangler.toml", "name = 'x'\nmain = 'src/index.js'\ncompatibility_date = '2026-01-02'\n");
  EXPECT_EQ(deployment.reload(false).value(), true);
}

TEST_F(DeploymentTest, ABrokenConfigurationLeavesTheOldVersion) {
  Deployment deployment = make();
  ASSERT_TRUE(deployment.load());
  write("wrangler.toml", "main = [");
  auto reloaded = deployment.reload(true);
  ASSERT_FALSE(reloaded);
  EXPECT_NE(reloaded.error().message.find("wrangler.toml:1:"), std::string::npos)
      << reloaded.error().message;
  EXPECT_EQ(deployment.version_number(), 1u);
  EXPECT_TRUE(deployment.load());
}

TEST_F(DeploymentTest, WhatWasEvictedIsReadAgain) {
  Deployment deployment = make();
  ASSERT_TRUE(deployment.load());
  ASSERT_TRUE(deployment.resolve(1, "index.js", "./lib.js", ImportKind::import));
  const uint64_t bytes = deployment.bytes();
  EXPECT_GT(bytes, 0u);
  deployment.evict();
  EXPECT_EQ(deployment.bytes(), 0u);
  auto version = deployment.load();
  ASSERT_TRUE(version);
  EXPECT_EQ((*version)->number, 1u);
  EXPECT_EQ((*version)->modules[1]->content, "export {};\n");
  EXPECT_EQ(deployment.bytes(), bytes);
}

TEST_F(DeploymentTest, AFileThatChangedWhileEvictedMakesANewVersion) {
  Deployment deployment = make();
  uint64_t stale = 0;
  deployment.on_stale([&](uint64_t version) { stale = version; });
  ASSERT_TRUE(deployment.load());
  ASSERT_TRUE(deployment.resolve(1, "index.js", "./lib.js", ImportKind::import));
  deployment.evict();
  write("src/lib.js", "export const changed = true;\n");
  EXPECT_FALSE(deployment.resolve(1, "index.js", "./lib.js", ImportKind::import));
  EXPECT_EQ(stale, 2u);
  auto version = deployment.load();
  ASSERT_TRUE(version);
  EXPECT_EQ((*version)->number, 2u);
}

TEST_F(DeploymentTest, CachesBelongToTheContent) {
  Deployment deployment = make();
  const auto* version = deployment.load().value();
  ASSERT_TRUE(deployment.store_cache(1, "index.js", CacheKind::v8_code_cache, "code"));
  EXPECT_EQ(*deployment.cached(*version->modules[0], CacheKind::v8_code_cache), "code");
  EXPECT_FALSE(deployment.store_cache(1, "index.js", CacheKind::transformed, "script"));
  EXPECT_FALSE(deployment.store_cache(1, "other.js", CacheKind::v8_code_cache, "code"));
  write("src/index.js", "changed();\n");
  ASSERT_TRUE(deployment.reload(false).value());
  version = deployment.load().value();
  EXPECT_EQ(deployment.cached(*version->modules[0], CacheKind::v8_code_cache), nullptr);
}

TEST_F(DeploymentTest, ManyWorkersStayWithinTheMemoryBound) {
  BrokerOptions options;
  const size_t each = 40 << 20;
  for (int i = 0; i < 8; ++i) {
    const std::string name = "big" + std::to_string(i) + ".js";
    write(name, "//" + std::string(each, 'x'));
    options.workers.push_back({dir_ / name, "big", "", {}});
  }
  Deployments deployments(options, cache_);
  for (size_t i = 0; i < 8; ++i) {
    ASSERT_TRUE(deployments.at(i).load());
    deployments.used(i);
    EXPECT_LE(deployments.bytes(), limits::kModuleCacheBytes);
  }
  EXPECT_EQ(deployments.at(0).bytes(), 0u);
  EXPECT_GT(deployments.at(7).bytes(), each);
}

}  // namespace
}  // namespace skep::broker
