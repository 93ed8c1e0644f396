#include "config/package_exports.h"

#include <gtest/gtest.h>

#include "config/jsonc.h"

namespace skep::config {
namespace {

constexpr std::string_view kConditions[] = {"workerd", "worker", "browser", "import"};

std::string text_of(const PackageTarget& target) {
  switch (target.kind) {
    case PackageTarget::Kind::target:
      return target.target;
    case PackageTarget::Kind::not_exported:
      return "not exported";
    case PackageTarget::Kind::blocked:
      return "blocked";
    case PackageTarget::Kind::invalid:
      return "invalid: " + target.target;
  }
  return "";
}

std::string exported(std::string_view exports, std::string_view subpath) {
  const auto value = parse_json(exports, JsonDialect::json);
  EXPECT_TRUE(value) << exports;
  return text_of(resolve_package_exports(*value, subpath, kConditions));
}

std::string imported(std::string_view imports, std::string_view specifier) {
  const auto value = parse_json(imports, JsonDialect::json);
  EXPECT_TRUE(value) << imports;
  return text_of(resolve_package_imports(*value, specifier, kConditions));
}

TEST(PackageExports, Sugar) {
  EXPECT_EQ(exported(R"("./main.js")", "."), "./main.js");
  EXPECT_EQ(exported(R"("./main.js")", "./x"), "not exported");
  EXPECT_EQ(exported(R"({"import": "./m.mjs", "require": "./m.cjs"})", "."), "./m.mjs");
  EXPECT_EQ(exported(R"(["bad", "./ok.js"])", "."), "./ok.js");
  EXPECT_EQ(exported(R"({})", "."), "not exported");
}

TEST(PackageExports, ConditionsInTheFilesOrder) {
  EXPECT_EQ(exported(R"({".": {"node": "./n.js", "default": "./d.js"}})", "."), "./d.js");
  EXPECT_EQ(exported(R"({".": {"import": "./i.js", "workerd": "./w.js"}})", "."), "./i.js");
  EXPECT_EQ(exported(R"({".": {"workerd": {"require": "./r.cjs"}, "default": "./d.js"}})", "."),
            "./d.js");
  EXPECT_EQ(exported(R"({".": {"workerd": {"import": null}, "default": "./d.js"}})", "."),
            "blocked");
  EXPECT_EQ(exported(R"({".": {"types": "./x.d.ts", "require": "./r.cjs"}})", "."), "not exported");
}

TEST(PackageExports, Subpaths) {
  const char* exports = R"({
    ".": "./index.js", "./package.json": "./package.json", "./a": "./dist/a.js",
    "./lib/*": "./lib/*.js", "./lib/*.js": "./lib/*.js", "./lib/internal/*": null,
    "./twice/*": "./x/*/*.js",
    "./features/*.js": {"worker": "./w/*.js", "default": "./f/*.js"}})";
  EXPECT_EQ(exported(exports, "./a"), "./dist/a.js");
  EXPECT_EQ(exported(exports, "./b"), "not exported");
  EXPECT_EQ(exported(exports, "./lib/x"), "./lib/x.js");
  EXPECT_EQ(exported(exports, "./lib/x.js"), "./lib/x.js");
  EXPECT_EQ(exported(exports, "./lib/deep/x"), "./lib/deep/x.js");
  EXPECT_EQ(exported(exports, "./lib/internal/x"), "blocked");
  EXPECT_EQ(exported(exports, "./twice/y"), "./x/y/y.js");
  EXPECT_EQ(exported(exports, "./features/q.js"), "./w/q.js");
  EXPECT_EQ(exported(exports, "./lib/"), "not exported");
  EXPECT_EQ(exported(exports, "./lib/*"), "./lib/*.js");
}

TEST(PackageExports, NothingLeadsOut) {
  EXPECT_EQ(exported(R"("../x.js")", "."),
            "invalid: the target \"../x.js\" must begin with \"./\"");
  EXPECT_EQ(exported(R"("/etc/passwd")", "."),
            "invalid: the target \"/etc/passwd\" must begin with \"./\"");
  EXPECT_EQ(exported(R"("./../x.js")", "."),
            "invalid: the target \"./../x.js\" leads out of its package");
  EXPECT_EQ(exported(R"("./a/%2e%2E/x.js")", "."),
            "invalid: the target \"./a/%2e%2E/x.js\" leads out of its package");
  EXPECT_EQ(exported(R"("./node_modules/x.js")", "."),
            "invalid: the target \"./node_modules/x.js\" leads out of its package");
  EXPECT_EQ(exported(R"({"./*": "./*"})", "./../../etc/passwd"),
            "invalid: \"../../etc/passwd\" leads out of the package");
  EXPECT_EQ(exported(R"({"./*": "./lib/*"})", "./a\\..\\b"),
            "invalid: \"a\\..\\b\" leads out of the package");
  EXPECT_EQ(exported(R"({".": "./a.js", "import": "./b.js"})", "."),
            "invalid: \"exports\" mixes paths and conditions");
  EXPECT_EQ(exported("5", "."),
            "invalid: a target must be a string, a table of conditions, an array or null");
}

TEST(PackageImports, Names) {
  const char* imports = R"({"#a": "./src/a.js", "#dep": {"worker": "other", "default": "./x.js"},
                           "#i/*": "./internal/*.js", "#p/*": "pkg/*"})";
  EXPECT_EQ(imported(imports, "#a"), "./src/a.js");
  EXPECT_EQ(imported(imports, "#dep"), "other");
  EXPECT_EQ(imported(imports, "#i/x"), "./internal/x.js");
  EXPECT_EQ(imported(imports, "#p/x"), "pkg/x");
  EXPECT_EQ(imported(imports, "#none"), "not exported");
  EXPECT_EQ(imported(imports, "#"), "not exported");
  EXPECT_EQ(imported(R"({"#a": "/etc/passwd"})", "#a"),
            "invalid: the target \"/etc/passwd\" must begin with \"./\"");
  EXPECT_EQ(imported("[]", "#a"), "not exported");
}

}  // namespace
}  // namespace skep::config
