#include "config/project.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "config/check.h"
#include "config/testing.h"

namespace skep::config {
namespace {

class ProjectTest : public testing::Test {
 protected:
  void open(std::string_view main = "src/index.js", WorkerConfig config = {},
            ProjectOptions options = {}) {
    config.name = "test";
    config.dir = folder.path("p");
    config.main = main;
    auto opened = Project::open(std::move(config), options);
    ASSERT_TRUE(opened) << opened.error().message;
    project = std::move(*opened);
  }

  std::string open_error(WorkerConfig config, ProjectOptions options = {}) {
    config.dir = folder.path("p");
    auto opened = Project::open(std::move(config), options);
    return opened ? "" : opened.error().message;
  }

  // The module's name, "builtin", or the message.
  std::string resolve(std::string_view referrer, std::string_view specifier,
                      ImportKind kind = ImportKind::import) {
    last = project->resolve(referrer, specifier, kind);
    switch (last.kind) {
      case ModuleAnswer::Kind::module:
        return last.module->name;
      case ModuleAnswer::Kind::builtin:
        return "builtin";
      case ModuleAnswer::Kind::missing:
        return last.message;
    }
    return "";
  }

  ModuleType type(std::string_view referrer, std::string_view specifier) {
    resolve(referrer, specifier);
    return last.module != nullptr ? last.module->type : ModuleType::data;
  }

  TestFolder folder;
  std::unique_ptr<Project> project;
  ModuleAnswer last;
};

TEST_F(ProjectTest, RelativeImports) {
  folder.write("p/src/index.js", "import './lib/x.js'");
  folder.write("p/src/lib/x.js", "export default 1");
  folder.write("p/src/lib/typed.ts", "");
  folder.write("p/src/lib/view.tsx", "");
  folder.write("p/src/both.ts", "");
  folder.write("p/src/both/index.js", "");
  folder.write("p/src/folder/index.ts", "");
  folder.write("p/other/y.js", "");
  open();
  EXPECT_EQ(project->main().name, "index.js");
  EXPECT_EQ(project->main().type, ModuleType::esm);
  EXPECT_EQ(*project->read(project->main()), "import './lib/x.js'");
  EXPECT_EQ(resolve("index.js", "./lib/x.js"), "lib/x.js");
  EXPECT_EQ(resolve("index.js", "./lib/x"), "lib/x.js");
  EXPECT_EQ(resolve("lib/x.js", "../index.js"), "index.js");
  EXPECT_EQ(resolve("lib/x.js", ".."), "index.js");
  EXPECT_EQ(resolve("lib/x.js", "./typed.js"), "lib/typed.ts");
  EXPECT_EQ(resolve("lib/x.js", "./typed"), "lib/typed.ts");
  EXPECT_EQ(resolve("lib/x.js", "./view.js"), "lib/view.tsx");
  EXPECT_EQ(resolve("index.js", "./both"), "both.ts");
  EXPECT_EQ(resolve("index.js", "./both/"), "both/index.js");
  EXPECT_EQ(resolve("index.js", "./folder"), "folder/index.ts");
  EXPECT_EQ(resolve("index.js", "../other/y.js"), "../other/y.js");
  EXPECT_EQ(resolve("../other/y.js", "../src/lib/x.js"), "lib/x.js");
  EXPECT_EQ(resolve("", "./lib/x.js"), "lib/x.js");
  EXPECT_EQ(resolve("", "./index.js"), "index.js");
  // The same file is the same module.
  resolve("index.js", "./lib/x.js");
  const ModuleFile* once = last.module;
  resolve("index.js", "./lib/../lib/./x");
  EXPECT_EQ(last.module, once);
}

TEST_F(ProjectTest, MissingModulesSayWhoWantedThem) {
  folder.write("p/src/index.js", "");
  folder.write("p/src/lib/x.js", "");
  open();
  EXPECT_EQ(resolve("index.js", "./lib/missing.js"),
            "No such module \"lib/missing.js\".\n  imported from \"index.js\"");
  EXPECT_EQ(resolve("index.js", "left-pad"),
            "No such module \"left-pad\".\n  imported from \"index.js\"");
  resolve("index.js", "./lib/x.js");
  EXPECT_EQ(resolve("lib/x.js", "./y"), "No such module \"lib/y\".\n  imported from \"lib/x.js\"");
  EXPECT_EQ(resolve("", "./y.js"), "No such module \"y.js\".");
  EXPECT_NE(resolve("never-given.js", "./lib/x.js").find("not known"), std::string::npos);
  EXPECT_NE(resolve("index.js", ""), "");
  EXPECT_NE(resolve("index.js", std::string(100'000, 'x')).find("No such module"),
            std::string::npos);
  EXPECT_NE(resolve("index.js", std::string("./lib/x.js\0.txt", 15)).find("No such module"),
            std::string::npos);
  const auto watched = project->watch_paths();
  EXPECT_TRUE(std::ranges::binary_search(watched, folder.path("p/src/lib/missing.js")) ||
              std::ranges::find(watched, folder.path("p/src/y.js")) != watched.end());
}

TEST_F(ProjectTest, NothingLeadsOut) {
  folder.write("secret.js", "export default 'secret'");
  folder.write("p/src/index.js", "");
  folder.link("../../secret.js", "p/src/link.js");
  folder.link(folder.path("secret.js"), "p/src/absolute.js");
  folder.link("../..", "p/src/up");
  folder.link("/", "p/src/root");
  folder.link("/proc/self/environ", "p/src/env.txt");
  folder.link("loop.js", "p/src/loop.js");
  folder.link(folder.path(), "p/node_modules/outside");
  folder.write("p/node_modules/evil/package.json",
               R"({"main": "../../../secret.js", "exports": null})");
  folder.write("p/node_modules/bad/package.json", R"({"exports": "../../../secret.js"})");
  folder.write("p/node_modules/map/package.json",
               R"({"main": "a.js", "browser": {"./a.js": "../../../secret.js"}})");
  folder.write("p/node_modules/map/a.js", "");
  open();
  for (const char* specifier : {"../../secret.js",
                                "./../../secret",
                                "./link.js",
                                "./absolute.js",
                                "./up/secret.js",
                                "./root/etc/passwd",
                                "./env.txt",
                                "./loop.js",
                                "/etc/passwd",
                                "file:///etc/passwd",
                                "../../../../../../../../etc/passwd",
                                "outside/secret.js",
                                "evil",
                                "bad",
                                "../node_modules/../../secret.js",
                                "..%2f..%2fsecret.js",
                                "evil/../../../secret.js",
                                "./\\..\\..\\secret.js",
                                "data:text/javascript,1",
                                "https://x.com/y.js"}) {
    const std::string answer = resolve("index.js", specifier);
    EXPECT_EQ(last.kind, ModuleAnswer::Kind::missing) << specifier << " gave " << answer;
    EXPECT_EQ(answer.find("secret.js\n"), std::string::npos) << answer;
    EXPECT_NE(answer.find("No such module"), std::string::npos) << answer;
  }
  EXPECT_EQ(resolve("index.js", "map"), "node_modules/map/a.js");
  WorkerConfig config;
  config.main = "../secret.js";
  EXPECT_NE(open_error(config).find("lies outside"), std::string::npos) << open_error(config);
  config.main = folder.path("secret.js");
  EXPECT_NE(open_error(config), "");
  config.main = "src/link.js";
  EXPECT_NE(open_error(config).find("leads out"), std::string::npos) << open_error(config);
  config.main = "src/index.js";
  config.base_dir = "..";
  EXPECT_NE(open_error(config), "");
}

TEST_F(ProjectTest, LinksInsideAreFollowedToOneModule) {
  folder.write("p/src/index.js", "");
  folder.write("p/node_modules/.pnpm/dep@1/node_modules/dep/package.json",
               R"({"exports": "./i.js"})");
  folder.write("p/node_modules/.pnpm/dep@1/node_modules/dep/i.js", "");
  folder.write("p/node_modules/.pnpm/dep@1/node_modules/inner/index.js", "exports.a = 1");
  folder.link(".pnpm/dep@1/node_modules/dep", "p/node_modules/dep");
  folder.link(folder.path("p/node_modules/.pnpm/dep@1/node_modules/dep"),
              "p/node_modules/dep-absolute");
  open();
  const std::string name = "node_modules/.pnpm/dep@1/node_modules/dep/i.js";
  EXPECT_EQ(resolve("index.js", "dep"), name);
  EXPECT_EQ(resolve("index.js", "dep-absolute"), name);
  EXPECT_EQ(resolve(name, "inner"), "node_modules/.pnpm/dep@1/node_modules/inner/index.js");
  EXPECT_EQ(last.module->type, ModuleType::commonjs);
}

TEST_F(ProjectTest, PackagesByTheirFields) {
  folder.write("p/src/index.js", "");
  folder.write("p/node_modules/plain/index.js", "module.exports = 1");
  folder.write("p/node_modules/mained/package.json", R"({"main": "lib/m", "module": "lib/m.mjs"})");
  folder.write("p/node_modules/mained/lib/m.js", "exports.x = 1");
  folder.write("p/node_modules/mained/lib/m.mjs", "");
  folder.write("p/node_modules/mained/other/index.js", "");
  folder.write("p/node_modules/browsed/package.json",
               R"({"main": "a.js", "browser": {
          "./a.js": "./b.js", "fs": false, "./gone.js": false, "x": "plain"}})");
  folder.write("p/node_modules/browsed/a.js", "");
  folder.write("p/node_modules/browsed/b.js", "");
  folder.write("p/node_modules/browsed/gone.js", "secret");
  folder.write("p/node_modules/@scope/pkg/package.json", R"({"type": "module", "exports": {
      ".": {"workerd": "./w.js", "default": "./d.js"}, "./sub": "./s.cjs",
      "./feature/*": "./f/*.js"}})");
  folder.write("p/node_modules/@scope/pkg/w.js", "");
  folder.write("p/node_modules/@scope/pkg/d.js", "");
  folder.write("p/node_modules/@scope/pkg/s.cjs", "");
  folder.write("p/node_modules/@scope/pkg/f/one.js", "");
  folder.write("p/node_modules/dual/package.json",
               R"({"exports": {"import": "./i.mjs", "require": "./r.cjs"}})");
  folder.write("p/node_modules/dual/i.mjs", "");
  folder.write("p/node_modules/dual/r.cjs", "");
  folder.write("p/node_modules/broken/package.json", "{\"main\": }");
  folder.write("p/node_modules/broken/index.js", "");
  open();
  EXPECT_EQ(resolve("index.js", "plain"), "node_modules/plain/index.js");
  EXPECT_EQ(last.module->type, ModuleType::commonjs);
  EXPECT_EQ(resolve("index.js", "mained"), "node_modules/mained/lib/m.mjs");
  EXPECT_EQ(resolve("index.js", "mained", ImportKind::require), "node_modules/mained/lib/m.js");
  EXPECT_EQ(resolve("index.js", "mained/lib/m.js"), "node_modules/mained/lib/m.js");
  EXPECT_EQ(resolve("index.js", "mained/other"), "node_modules/mained/other/index.js");
  EXPECT_EQ(resolve("index.js", "browsed"), "node_modules/browsed/b.js");
  EXPECT_EQ(resolve("node_modules/browsed/b.js", "x"), "node_modules/plain/index.js");
  EXPECT_EQ(resolve("node_modules/browsed/b.js", "./gone.js"),
            "node_modules/browsed/gone.js?disabled");
  EXPECT_EQ(last.module->type, ModuleType::commonjs);
  EXPECT_EQ(*project->read(*last.module), "");
  resolve("node_modules/browsed/b.js", "fs");
  EXPECT_EQ(last.kind, ModuleAnswer::Kind::module);
  EXPECT_EQ(resolve("index.js", "@scope/pkg"), "node_modules/@scope/pkg/w.js");
  EXPECT_EQ(last.module->type, ModuleType::esm);
  EXPECT_EQ(resolve("index.js", "@scope/pkg/sub"), "node_modules/@scope/pkg/s.cjs");
  EXPECT_EQ(resolve("index.js", "@scope/pkg/feature/one"), "node_modules/@scope/pkg/f/one.js");
  EXPECT_EQ(resolve("index.js", "@scope/pkg/d.js"),
            "No such module \"@scope/pkg/d.js\".\n  imported from \"index.js\"\n"
            "  the package node_modules/@scope/pkg does not export \"./d.js\"");
  EXPECT_EQ(resolve("index.js", "dual"), "node_modules/dual/i.mjs");
  EXPECT_EQ(resolve("index.js", "dual", ImportKind::require), "node_modules/dual/r.cjs");
  EXPECT_NE(resolve("index.js", "broken").find("package.json:1:10"), std::string::npos)
      << last.message;
  EXPECT_NE(resolve("index.js", "@scope").find("No such module"), std::string::npos);
}

TEST_F(ProjectTest, ImportsOfThePackageItself) {
  folder.write("p/package.json",
               R"({"name": "me", "type": "module", "exports": {"./x": "./src/x.js"},
    "imports": {"#x": "./src/x.js", "#lib/*": "./src/lib/*.js", "#dep": "dep"}})");
  folder.write("p/src/index.js", "");
  folder.write("p/src/x.js", "module.exports = 'but the package says module'");
  folder.write("p/src/lib/y.js", "");
  folder.write("p/node_modules/dep/index.js", "");
  open();
  EXPECT_EQ(resolve("index.js", "#x"), "x.js");
  EXPECT_EQ(last.module->type, ModuleType::esm);
  EXPECT_EQ(resolve("index.js", "#lib/y"), "lib/y.js");
  EXPECT_EQ(resolve("index.js", "#dep"), "node_modules/dep/index.js");
  EXPECT_EQ(resolve("index.js", "me/x"), "x.js");
  EXPECT_NE(resolve("index.js", "#none").find("No such module \"#none\""), std::string::npos);
}

TEST_F(ProjectTest, WorkspacesReachTheirRoot) {
  folder.write("pnpm-lock.yaml", "");
  folder.write("node_modules/shared/index.js", "");
  folder.write("p/src/index.js", "");
  folder.write("lib/util.js", "export const a = 1");
  folder.link("../lib", "node_modules/lib");
  open();
  EXPECT_EQ(project->root(), folder.path());
  EXPECT_EQ(resolve("index.js", "shared"), "../../node_modules/shared/index.js");
  EXPECT_EQ(resolve("index.js", "lib/util.js"), "../../lib/util.js");
  open("src/index.js", {}, {.reach = Reach::project});
  EXPECT_EQ(project->root(), folder.path("p"));
  EXPECT_NE(resolve("index.js", "shared").find("No such module"), std::string::npos);
}

TEST_F(ProjectTest, TypesOfModules) {
  folder.write("p/src/index.ts", "");
  for (const char* name : {"a.txt", "a.html", "a.sql", "a.bin", "a.wasm", "a.json", "a.mjs",
                           "a.cjs", "a.cts", "a.mts", "a.jsx", "a.css", "a.md"}) {
    folder.write(std::string("p/src/") + name, "{}");
  }
  folder.write("p/src/esm.js", "export default 1");
  folder.write("p/src/cjs.js", "module.exports = 1");
  folder.write("p/src/script.js", "addEventListener('fetch', () => {})");
  WorkerConfig config;
  config.rules = {{ModuleType::text, {"**/*.md"}, true}};
  open("src/index.ts", std::move(config));
  EXPECT_EQ(project->main().type, ModuleType::typescript);
  EXPECT_EQ(type("index.ts", "./a.txt"), ModuleType::text);
  EXPECT_EQ(type("index.ts", "./a.md"), ModuleType::text);
  EXPECT_EQ(type("index.ts", "./a.html"), ModuleType::text);
  EXPECT_EQ(type("index.ts", "./a.bin"), ModuleType::data);
  EXPECT_EQ(type("index.ts", "./a.wasm"), ModuleType::wasm);
  EXPECT_EQ(type("index.ts", "./a.wasm?module"), ModuleType::wasm);
  EXPECT_EQ(type("index.ts", "./a.json"), ModuleType::json);
  EXPECT_EQ(type("index.ts", "./a.mjs"), ModuleType::esm);
  EXPECT_EQ(type("index.ts", "./a.cjs"), ModuleType::commonjs);
  EXPECT_EQ(type("index.ts", "./a.cts"), ModuleType::typescript_commonjs);
  EXPECT_EQ(type("index.ts", "./a.jsx"), ModuleType::typescript);
  EXPECT_EQ(type("index.ts", "./esm.js"), ModuleType::esm);
  EXPECT_EQ(type("index.ts", "./cjs.js"), ModuleType::commonjs);
  EXPECT_EQ(type("index.ts", "./script.js"), ModuleType::esm);
  EXPECT_NE(resolve("index.ts", "./a.css").find("no rule says"), std::string::npos);
}

TEST_F(ProjectTest, BuiltinsAreTheShards) {
  folder.write("p/src/index.js", "");
  folder.write("p/node_modules/buffer/index.js", "");
  open();
  EXPECT_EQ(resolve("index.js", "cloudflare:workers"), "builtin");
  EXPECT_NE(resolve("index.js", "node:fs").find("No such module \"node:fs\"."), std::string::npos);
  EXPECT_NE(resolve("index.js", "node:fs").find("nodejs_compat"), std::string::npos);
  EXPECT_EQ(resolve("index.js", "buffer"), "node_modules/buffer/index.js");
  const auto with_flags = [this](std::vector<std::string> flags) {
    WorkerConfig config;
    config.enabled_flags = std::move(flags);
    open("src/index.js", std::move(config));
  };
  with_flags({"nodejs_als"});
  EXPECT_EQ(resolve("index.js", "node:async_hooks"), "builtin");
  EXPECT_NE(resolve("index.js", "node:fs"), "builtin");
  with_flags({"nodejs_compat"});
  EXPECT_EQ(resolve("index.js", "node:fs"), "builtin");
  EXPECT_EQ(resolve("index.js", "node:sqlite"), "builtin");
  EXPECT_NE(resolve("index.js", "node:nothing"), "builtin");
  EXPECT_EQ(resolve("index.js", "buffer"), "node_modules/buffer/index.js");
  with_flags({"nodejs_compat", "nodejs_compat_v2"});
  EXPECT_EQ(resolve("index.js", "buffer"), "builtin");
  EXPECT_EQ(resolve("index.js", "fs/promises"), "builtin");
}

TEST_F(ProjectTest, Aliases) {
  folder.write("p/src/index.js", "");
  folder.write("p/src/lib/x.js", "");
  folder.write("p/mock.js", "");
  folder.write("p/node_modules/real/index.js", "");
  WorkerConfig config;
  config.alias = {{"fake", "real"}, {"mock", "./mock.js"}};
  open("src/index.js", std::move(config));
  resolve("index.js", "./lib/x.js");
  EXPECT_EQ(resolve("index.js", "fake"), "node_modules/real/index.js");
  EXPECT_EQ(resolve("lib/x.js", "mock"), "../mock.js");
}

TEST_F(ProjectTest, PathsOfTsconfig) {
  folder.write("p/tsconfig.json", R"({
    // as editors write it
    "extends": ["./base", "@tsconfig/node20"],
    "compilerOptions": { "paths": { "@/*": ["./gone/*", "./src/*"], "@/lib/*": ["./src/library/*"],
                                    "exact": ["./src/e"],
                                    "out/*": ["../*"], "dep": ["./src/dep.ts"] } },
  })");
  folder.write("p/base.json",
               R"({"compilerOptions": {"baseUrl": ".", "paths": {"never": ["./src/e"]}}})");
  folder.write("secret.ts", "");
  folder.write("p/src/index.ts", "");
  folder.write("p/src/e.ts", "");
  folder.write("p/src/dep.ts", "");
  folder.write("p/src/library/x.ts", "");
  folder.write("p/src/folder/index.ts", "");
  folder.write("p/node_modules/dep/index.js", "");
  folder.write("p/node_modules/other/index.js", "require('@/e')");
  open("src/index.ts");
  EXPECT_EQ(resolve("index.ts", "@/e"), "e.ts");
  EXPECT_EQ(resolve("index.ts", "@/e.js"), "e.ts");
  EXPECT_EQ(resolve("index.ts", "@/folder"), "folder/index.ts");
  EXPECT_EQ(resolve("index.ts", "@/lib/x"), "library/x.ts");
  EXPECT_EQ(resolve("index.ts", "exact"), "e.ts");
  EXPECT_EQ(resolve("index.ts", "dep"), "dep.ts");
  EXPECT_EQ(resolve("index.ts", "src/e"), "e.ts");  // baseUrl
  EXPECT_EQ(resolve("index.ts", "other"), "node_modules/other/index.js");
  EXPECT_NE(resolve("index.ts", "out/secret").find("No such module"), std::string::npos);
  EXPECT_NE(resolve("index.ts", "never").find("No such module"), std::string::npos);
  EXPECT_NE(resolve("node_modules/other/index.js", "@/e").find("No such module"),
            std::string::npos);
  const auto watched = project->watch_paths();
  EXPECT_TRUE(std::ranges::binary_search(watched, folder.path("p/base.json")));
  WorkerConfig config;
  config.tsconfig = "other.json";
  folder.write("p/other.json", R"({"compilerOptions": {"paths": {"never": ["./src/e"]}}})");
  open("src/index.ts", std::move(config));
  EXPECT_EQ(resolve("index.ts", "never"), "e.ts");
  EXPECT_NE(resolve("index.ts", "@/e").find("No such module"), std::string::npos);
}

TEST_F(ProjectTest, BaseDirNamesAndAdditionalModules) {
  folder.write("p/src/app/index.js", "");
  folder.write("p/src/data/a.txt", "a");
  folder.write("p/src/data/b.bin", "b");
  folder.write("p/src/data/c.css", "c");
  folder.write("p/src/node_modules/x/d.txt", "d");
  folder.write("p/src/.hidden/e.txt", "e");
  WorkerConfig config;
  config.base_dir = "src";
  config.find_additional_modules = true;
  open("src/app/index.js", std::move(config));
  EXPECT_EQ(project->main().name, "app/index.js");
  const auto modules = project->additional_modules();
  ASSERT_TRUE(modules);
  ASSERT_EQ(modules->size(), 2u);
  EXPECT_EQ((*modules)[0]->name, "data/a.txt");
  EXPECT_EQ((*modules)[1]->name, "data/b.bin");
  EXPECT_EQ(*project->read(*(*modules)[1]), "b");
}

TEST_F(ProjectTest, StaticImportsAreKnownBefore) {
  folder.write("p/src/index.ts",
               "import a from './a'\nimport 'dep'\nimport 'cloudflare:workers'\nimport './none'\n");
  folder.write("p/src/a.ts", "import './index'; import t from './t.txt'; import './a'");
  folder.write("p/src/t.txt", "import 'dep'");
  folder.write("p/node_modules/dep/index.js", "module.exports = require('./inner')");
  folder.write("p/node_modules/dep/inner.js", "exports.x = 1");
  open("src/index.ts");
  std::string text;
  for (const KnownImport& known : project->static_imports(100)) {
    text += known.referrer + " " + known.specifier + " " +
            (known.module != nullptr ? known.module->name : "builtin") + "\n";
  }
  EXPECT_EQ(text,
            "index.ts ./a a.ts\n"
            "index.ts dep node_modules/dep/index.js\n"
            "index.ts cloudflare:workers builtin\n"
            "a.ts ./index index.ts\n"
            "a.ts ./t.txt t.txt\n"
            "a.ts ./a a.ts\n"
            "node_modules/dep/index.js ./inner node_modules/dep/inner.js\n");
  open("src/index.ts");
  EXPECT_EQ(project->static_imports(1).size(), 1u);  // the built-in: no module but main
}

TEST_F(ProjectTest, AModuleOfAnEarlierProjectCanBeRead) {
  folder.write("p/src/index.js", "");
  folder.write("p/src/x.js", "old");
  open();
  resolve("index.js", "./x.js");
  const ModuleFile before = *last.module;
  folder.write("p/src/x.js", "new");
  open();
  EXPECT_EQ(*project->read(before), "new");
  EXPECT_FALSE(project->read({"secret.js", ModuleType::esm, folder.path("secret.js")}));
}

TEST_F(ProjectTest, BytesAreBounded) {
  folder.write("p/src/index.js", "export default 1 //" + std::string(50, 'x'));
  folder.write("p/src/a.txt", std::string(40, 'a'));
  open("src/index.js", {}, {.script_bytes = 100});
  ASSERT_TRUE(project->read(project->main()));
  ASSERT_TRUE(project->read(project->main()));
  resolve("index.js", "./a.txt");
  const auto text = project->read(*last.module);
  ASSERT_FALSE(text);
  EXPECT_NE(text.error().message.find("larger than 100 bytes together"), std::string::npos);
}

TEST_F(ProjectTest, SourceMaps) {
  folder.write("secret.map", "secret");
  folder.write("p/src/index.js", "");
  folder.write("p/src/x.js", "");
  folder.write("p/src/x.js.map", "beside");
  folder.write("p/src/named.js", "let a;\n//# sourceMappingURL=maps/n.map\n\n");
  folder.write("p/src/maps/n.map", "named");
  folder.write("p/src/inline.js",
               "a\n//# sourceMappingURL=data:application/json;base64,eyJ2IjozfQ==");
  folder.write("p/src/out.js", "a\n//# sourceMappingURL=../../secret.map");
  folder.write("p/src/gone.js", "a\n//# sourceMappingURL=https://x.com/gone.js.map");
  open();
  const auto map_of = [&](std::string_view specifier) {
    resolve("index.js", specifier);
    EXPECT_TRUE(project->read(*last.module));
    return project->read_source_map(*last.module).value_or("error");
  };
  EXPECT_EQ(map_of("./x.js"), "beside");
  EXPECT_EQ(map_of("./named.js"), "named");
  EXPECT_EQ(map_of("./inline.js"), "{\"v\":3}");
  EXPECT_EQ(map_of("./out.js"), "");
  EXPECT_EQ(map_of("./gone.js"), "");
  EXPECT_EQ(*project->read_source_map(project->main()), "");
}

TEST_F(ProjectTest, MainMustBeThere) {
  folder.write("p/src/index.js", "");
  folder.write("p/x.txt", "");
  WorkerConfig config;
  config.main = "src/missing.js";
  EXPECT_NE(open_error(config).find("main module \"src/missing.js\" is not there"),
            std::string::npos);
  config.main = "src";
  EXPECT_NE(open_error(config).find("is no file"), std::string::npos);
  config.main = "x.txt";
  EXPECT_NE(open_error(config).find("neither JavaScript nor TypeScript"), std::string::npos);
}

TEST_F(ProjectTest, WatchesWhatItRead) {
  folder.write("p/src/index.js", "");
  folder.write("p/src/x.js", "");
  folder.write("p/node_modules/dep/package.json", R"({"main": "i.js"})");
  folder.write("p/node_modules/dep/i.js", "");
  open();
  resolve("index.js", "./x.js");
  resolve("index.js", "dep");
  const auto watched = project->watch_paths();
  for (const char* path : {"p/src/index.js", "p/src/x.js", "p/node_modules/dep/package.json",
                           "p/node_modules/dep/i.js"}) {
    EXPECT_TRUE(std::ranges::binary_search(watched, folder.path(path))) << path;
  }
}

TEST_F(ProjectTest, APipeDoesNotHang) {
  folder.write("p/src/index.js", "");
  ASSERT_EQ(::mkfifo(folder.path("p/src/pipe.js").c_str(), 0600), 0);
  open();
  EXPECT_NE(resolve("index.js", "./pipe.js").find("No such module"), std::string::npos);
}

TEST_F(ProjectTest, CheckReportsWhatNeedsNoV8) {
  folder.write("p/wrangler.toml",
               "name = \"x\"\nmain = \"src/index.js\"\ncompatibility_date = \"2026-01-01\"\n");
  const auto missing = check_project(folder.path("p"), {}, {});
  EXPECT_EQ(missing.project, nullptr);
  EXPECT_EQ(format_diagnostics(missing.diagnostics),
            folder.path("p/wrangler.toml") +
                ":2:8: error: main module \"src/index.js\" is not there: " +
                folder.path("p/src/index.js") +
                " is no file\n"
                "  1 | name = \"x\"\n"
                "> 2 | main = \"src/index.js\"\n"
                "    |        ^\n"
                "  3 | compatibility_date = \"2026-01-01\"\n");
  folder.write("p/src/index.js", "export default {}");
  const auto good = check_project(folder.path("p"), {}, {});
  EXPECT_NE(good.project, nullptr);
  EXPECT_TRUE(good.diagnostics.empty()) << format_diagnostics(good.diagnostics);
}

}  // namespace
}  // namespace skep::config
