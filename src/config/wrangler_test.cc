#include "config/wrangler.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "config/compatibility.h"
#include "config/jsonc.h"
#include "config/testing.h"
#include "config/toml.h"
#include "config/wrangler_read.h"

namespace skep::config {
namespace {

struct Read {
  WorkerConfig config;
  std::string messages;
};

Read read_text(const std::expected<Value, ParseError>& parsed, std::string_view environment) {
  EXPECT_TRUE(parsed) << parsed.error().message;
  Diagnostics diagnostics;
  Read read{read_wrangler(*parsed, environment, diagnostics), {}};
  for (const Diagnostic& d : diagnostics.items()) {
    read.messages += fmt::format("{}:{}: {}: {}{}\n", d.at.line, d.at.column,
                                 d.severity == Severity::error ? "error" : "warning", d.message,
                                 d.hint.empty() ? "" : " (" + d.hint + ")");
  }
  return read;
}

Read read_toml(std::string_view text, std::string_view environment = "") {
  return read_text(parse_toml(text), environment);
}

// With the two keys whose absence is talked about.
Read read_more(std::string_view text, std::string_view environment = "") {
  return read_toml(fmt::format("compatibility_date = \"2026-01-01\"\n{}", text), environment);
}

TEST(Wrangler, ReadsAllSupportedKeys) {
  const char* text = R"({
  "$schema": "node_modules/wrangler/config-schema.json",
  "name": "my-worker", // the name
  "main": "src/index.ts",
  "account_id": "x",
  "compatibility_date": "2026-01-01",
  "compatibility_flags": ["nodejs_compat"],
  "vars": {"A": "text", "B": 1, "C": {"d": [true, null]}, "D": "1"},
  "rules": [{"type": "Text", "globs": ["**/*.md"], "fallthrough": true}],
  "find_additional_modules": true,
  "base_dir": "src",
  "no_bundle": true,
  "alias": {"foo": "./replacement"},
  "limits": {"cpu_ms": 100, "subrequests": 50},
  "routes": ["a.com/*", {"pattern": "b.com/x*", "zone_name": "b.com"},
             {"pattern": "c.com", "custom_domain": true}],
})";
  const Read read = read_text(parse_json(text, JsonDialect::jsonc), "");
  EXPECT_EQ(read.messages, "");
  const WorkerConfig& config = read.config;
  EXPECT_EQ(config.name, "my-worker");
  EXPECT_EQ(config.main, "src/index.ts");
  EXPECT_EQ(config.compatibility_date, "2026-01-01");
  EXPECT_NE(std::ranges::find(config.enabled_flags, "nodejs_compat_v2"),
            config.enabled_flags.end());
  ASSERT_EQ(config.vars.size(), 4u);
  EXPECT_EQ(config.vars[0].value, "text");
  EXPECT_FALSE(config.vars[0].json);
  EXPECT_EQ(config.vars[1].value, "1");
  EXPECT_TRUE(config.vars[1].json);
  EXPECT_EQ(config.vars[2].value, R"({"d":[true,null]})");
  EXPECT_FALSE(config.vars[3].json);
  ASSERT_EQ(config.rules.size(), 1u);
  EXPECT_EQ(config.rules[0].type, ModuleType::text);
  EXPECT_TRUE(config.rules[0].fallthrough);
  EXPECT_TRUE(config.find_additional_modules);
  EXPECT_EQ(config.base_dir, "src");
  EXPECT_TRUE(config.no_bundle);
  EXPECT_EQ(config.alias.at("foo"), "./replacement");
  EXPECT_EQ(config.cpu_ms, 100u);
  EXPECT_EQ(config.subrequests, 50u);
  ASSERT_EQ(config.routes.size(), 3u);
  EXPECT_EQ(config.routes[1].pattern, "b.com/x*");
  EXPECT_EQ(config.routes[2].pattern, "c.com/*");
  EXPECT_TRUE(config.routes[2].custom_domain);
  EXPECT_FALSE(config.workers_dev);
}

TEST(Wrangler, KeysForLaterAndUnknownKeysAreWarnings) {
  EXPECT_EQ(
      read_more("r2_buckets = []\nmian = \"x\"\nzebra = 1\n[durable_objects]\nbindings = []\n")
          .messages,
      "2:1: warning: \"r2_buckets\" is not supported yet and has no effect\n"
      "3:1: warning: unknown key \"mian\" (did you mean \"main\"?)\n"
      "4:1: warning: unknown key \"zebra\"\n"
      "5:2: warning: \"durable_objects\" is not supported yet and has no effect\n");
  EXPECT_EQ(read_more("[limits]\ncpu = 5\ncpu_sm = 6\n").messages,
            "3:1: warning: unknown key \"limits.cpu\" (did you mean \"cpu_ms\"?)\n"
            "4:1: warning: unknown key \"limits.cpu_sm\" (did you mean \"cpu_ms\"?)\n");
}

TEST(Wrangler, WrongTypesAreErrors) {
  EXPECT_EQ(read_more("name = 1\nmain = [\"x\"]\nroute = 5\nkv_namespaces = {}\n").messages,
            "2:8: error: \"name\" must be a string, not a whole number\n"
            "3:8: error: \"main\" must be a string, not an array\n"
            "4:9: error: \"route\" must be a string or a table, not a whole number\n"
            "5:17: error: \"kv_namespaces\" must be an array, not a table\n");
  EXPECT_EQ(
      read_more("compatibility_flags = [1]\n").messages,
      "2:24: error: \"compatibility_flags\" must be an array of strings, not a whole number\n");
  EXPECT_EQ(read_more("rules = [1]\nalias = {a = 1}\nlimits = {cpu_ms = \"x\"}\nroutes = [true]\n")
                .messages,
            "2:10: error: \"rules[0]\" must be a table, not a whole number\n"
            "3:14: error: \"alias.a\" must be a string, not a whole number\n"
            "4:20: error: \"limits.cpu_ms\" must be a whole number, not a string\n"
            "5:11: error: \"routes[0]\" must be a route pattern like \"example.com/*\", not true "
            "or false\n");
}

TEST(Wrangler, ValuesAreChecked) {
  EXPECT_NE(read_more("name = \"My Worker\"\n").messages.find("(\"my-worker\" would do)"),
            std::string::npos);
  EXPECT_EQ(
      read_more("compatibility_flags = [\"nodejs_kompat\"]\n").messages,
      "2:24: error: No such compatibility flag: nodejs_kompat; did you mean \"nodejs_compat\"?\n");
  EXPECT_EQ(read_more("compatibility_flags = [\"rpc\", \"no_rpc\"]\n").messages,
            "2:23: error: Compatibility flags are mutually contradictory: rpc vs no_rpc\n");
  EXPECT_EQ(read_toml("compatibility_date = \"2023-02-30\"\n").messages,
            "1:22: error: \"2023-02-30\" is not a date; compatibility_date is written YYYY-MM-DD "
            "(the newest is \"2026-11-17\")\n");
  EXPECT_EQ(read_toml("compatibility_date = 2024-09-23\n").config.compatibility_date, "2024-09-23");
  EXPECT_EQ(read_more("limits = {cpu_ms = 0}\n").messages,
            "2:20: error: \"limits.cpu_ms\" must lie between 1 and 86400000, not 0\n");
  EXPECT_EQ(read_more("route = \"a.com/*\"\nroutes = []\n").messages,
            "3:10: error: a Worker has either \"route\" or \"routes\", not both\n");
  EXPECT_NE(read_more("routes = [{pattern = \"a.com/x\", custom_domain = true}]\n")
                .messages.find("host name alone"),
            std::string::npos);
  EXPECT_NE(read_more("routes = [{zone_name = \"a.com\"}]\n")
                .messages.find("\"routes[0].pattern\" is missing"),
            std::string::npos);
  EXPECT_EQ(read_more("rules = [{type = \"Txt\", globs = [\"*\"]}]\n").messages,
            "2:18: error: \"Txt\" is no module type (did you mean \"Text\"?)\n");
}

TEST(Wrangler, AnEnvironmentsNameOfTheWrongType) {
  EXPECT_EQ(read_more("name = \"Bad Name\"\n[env.a]\nname = {}\n", "a").messages,
            "4:8: error: \"env.a.name\" must be a string, not a table\n");
}

TEST(Wrangler, RulesNeedTypeAndGlobs) {
  EXPECT_EQ(read_more("[[rules]]\ntype = \"Text\"\n[[rules]]\nglobs = [\"*\"]\n").messages,
            "2:1: error: \"rules[0].globs\" is missing\n"
            "4:1: error: \"rules[1].type\" must be the name of a module type\n");
  EXPECT_EQ(
      read_more("[[rules]]\ntype = \"PythonModule\"\nglobs = [\"*\"]\n").messages,
      "3:8: warning: rules of type \"PythonModule\" are not supported yet and have no effect\n");
}

TEST(Wrangler, WithoutADateTheOldestHolds) {
  const Read read = read_toml("name = \"x\"\n");
  EXPECT_EQ(read.config.compatibility_date, kOldestCompatibilityDate);
  EXPECT_NE(read.messages.find("\"compatibility_date\" is missing"), std::string::npos);
}

TEST(Wrangler, RoutesTurnWorkersDevOff) {
  EXPECT_TRUE(read_more("").config.workers_dev);
  EXPECT_FALSE(read_more("route = \"a.com/*\"\n").config.workers_dev);
  EXPECT_TRUE(read_more("route = \"a.com/*\"\nworkers_dev = true\n").config.workers_dev);
  EXPECT_FALSE(read_more("workers_dev = false\n").config.workers_dev);
}

TEST(Wrangler, EnvironmentsInherit) {
  const char* text = R"(
name = "w"
main = "a.js"
compatibility_date = "2026-01-01"
compatibility_flags = ["nodejs_compat"]
route = "a.com/*"
vars = {A = "top"}
[env.one]
vars = {A = "one"}
[env.two]
name = "other"
main = "b.js"
route = "b.com/*"
workers_dev = true
vars = {}
[env.three]
[env.three.limits]
cpu_ms = 7
)";
  const Read one = read_toml(text, "one");
  EXPECT_EQ(one.messages, "");
  EXPECT_EQ(one.config.name, "w-one");
  EXPECT_EQ(one.config.environment, "one");
  EXPECT_EQ(one.config.main, "a.js");
  EXPECT_EQ(one.config.vars[0].value, "one");
  EXPECT_EQ(one.config.routes[0].pattern, "a.com/*");
  EXPECT_EQ(one.config.compatibility_flags.size(), 1u);
  const Read two = read_toml(text, "two");
  EXPECT_EQ(two.messages, "");
  EXPECT_EQ(two.config.name, "other");
  EXPECT_EQ(two.config.main, "b.js");
  EXPECT_EQ(two.config.routes[0].pattern, "b.com/*");
  EXPECT_TRUE(two.config.workers_dev);
  EXPECT_TRUE(two.config.vars.empty());
  const Read three = read_toml(text, "three");
  EXPECT_EQ(three.config.cpu_ms, 7u);
  EXPECT_TRUE(three.config.vars.empty());
  EXPECT_NE(
      three.messages.find("\"vars\" of the top level is not inherited by environment \"three\""),
      std::string::npos);
  const Read four = read_toml(text, "four");
  EXPECT_NE(four.messages.find("there is no environment \"four\" (the file has: one, two, three)"),
            std::string::npos);
}

TEST(Wrangler, KeysOfAnEnvironmentAreCheckedToo) {
  EXPECT_EQ(
      read_more("[env.a]\nmian = 1\nkeep_vars = true\nr2_buckets = []\n", "a").messages,
      "3:1: warning: unknown key \"env.a.mian\" (did you mean \"main\"?)\n"
      "4:1: warning: \"env.a.keep_vars\" belongs at the top of the file; here it has no effect\n"
      "5:1: warning: \"env.a.r2_buckets\" is not supported yet and has no effect\n");
}

TEST(LoadWorker, FindsTheFileUpwards) {
  const TestFolder folder;
  folder.write("p/wrangler.toml",
               "name = \"toml\"\nmain = \"a.js\"\ncompatibility_date = \"2026-01-01\"\n");
  folder.write("p/src/deep/a.js", "");
  auto loaded = load_worker(folder.path("p/src/deep"), {});
  ASSERT_TRUE(loaded.config) << format_diagnostics(loaded.diagnostics);
  EXPECT_EQ(loaded.config->name, "toml");
  EXPECT_EQ(loaded.config->dir, folder.path("p"));
  EXPECT_EQ(loaded.config->config_path, folder.path("p/wrangler.toml"));
  folder.write(
      "p/wrangler.jsonc",
      "{\"name\": \"jsonc\", \"main\": \"a.js\", \"compatibility_date\": \"2026-01-01\",}");
  EXPECT_EQ(load_worker(folder.path("p"), {}).config->name, "jsonc");
  folder.write("p/wrangler.json",
               "{\"name\": \"json\", \"main\": \"a.js\", \"compatibility_date\": \"2026-01-01\"}");
  EXPECT_EQ(load_worker(folder.path("p"), {}).config->name, "json");
  EXPECT_EQ(load_worker(folder.path("p/wrangler.toml"), {}).config->name, "toml");
}

TEST(LoadWorker, ErrorsNameFileAndLine) {
  const TestFolder folder;
  folder.write("wrangler.jsonc", "{\n  \"name\": \"x\"\n  \"main\": \"a.js\"\n}");
  const auto loaded = load_worker(folder.path(), {});
  EXPECT_FALSE(loaded.config);
  EXPECT_EQ(format_diagnostics(loaded.diagnostics),
            folder.path("wrangler.jsonc") +
                ":3:3: error: unexpected \"\"\" where \",\" or \"}\" should be\n"
                "  2 |   \"name\": \"x\"\n"
                "> 3 |   \"main\": \"a.js\"\n"
                "    |   ^\n"
                "  4 | }\n");
  EXPECT_FALSE(load_worker(folder.path("missing"), {}).config);
  EXPECT_FALSE(load_worker(folder.write("x.css", ""), {}).config);
}

TEST(LoadWorker, NeedsAMainModule) {
  const TestFolder folder;
  folder.write("wrangler.toml", "name = \"x\"\ncompatibility_date = \"2026-01-01\"\n");
  const auto loaded = load_worker(folder.path(), {});
  EXPECT_FALSE(loaded.config);
  EXPECT_NE(format_diagnostics(loaded.diagnostics).find("\"main\" is missing"), std::string::npos);
}

TEST(LoadWorker, ASingleModuleNeedsNothing) {
  const TestFolder folder;
  folder.write("wrangler.toml", "broken");
  const auto loaded = load_worker(folder.write("My Hello.ts", ""), {});
  ASSERT_TRUE(loaded.config);
  EXPECT_TRUE(loaded.diagnostics.empty());
  EXPECT_EQ(loaded.config->name, "my-hello");
  EXPECT_EQ(loaded.config->main, "My Hello.ts");
  EXPECT_EQ(loaded.config->dir, folder.path());
  EXPECT_EQ(loaded.config->compatibility_date, kNewestCompatibilityDate);
  EXPECT_TRUE(loaded.config->workers_dev);
  EXPECT_FALSE(load_worker(folder.path("My Hello.ts"), {.environment = "x"}).config);
}

std::string vars_text(const LoadedWorker& loaded) {
  std::string out = format_diagnostics(loaded.diagnostics);
  if (!loaded.config) return out;
  for (const Var& var : loaded.config->vars)
    out += var.name + "=" + var.value + (var.json ? "!" : "") + " ";
  return out;
}

TEST(LocalVars, OverrideVars) {
  const TestFolder folder;
  folder.write("wrangler.toml",
               "name = \"x\"\nmain = \"a.js\"\ncompatibility_date = \"2026-01-01\"\n"
               "[vars]\nA = 1\nB = \"b\"\n[env.p.vars]\nA = \"p\"\n");
  folder.write(".env", "A=env\nE=env\n");
  EXPECT_EQ(vars_text(load_worker(folder.path(), {})), "A=1! B=b ");
  EXPECT_EQ(vars_text(load_worker(folder.path(), {.local_vars = true})), "A=env B=b E=env ");
  folder.write(".env.local", "E=local\n");
  folder.write(".env.p", "E=p\n");
  folder.write(".env.p.local", "F=p-local\n");
  EXPECT_EQ(vars_text(load_worker(folder.path(), {.local_vars = true})), "A=env B=b E=local ");
  EXPECT_EQ(vars_text(load_worker(folder.path(), {"p", true})), "A=env E=p F=p-local ");
  ASSERT_EQ(::setenv("CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV", "false", 1), 0);
  EXPECT_EQ(vars_text(load_worker(folder.path(), {.local_vars = true})), "A=1! B=b ");
  ::unsetenv("CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV");
  folder.write(".dev.vars", "B=dev\nS=\"secret\"\n");
  EXPECT_EQ(vars_text(load_worker(folder.path(), {.local_vars = true})), "A=1! B=dev S=secret ");
  EXPECT_EQ(vars_text(load_worker(folder.path(), {"p", true})), "A=p B=dev S=secret ");
  folder.write(".dev.vars.p", "A=dev-p\n");
  EXPECT_EQ(vars_text(load_worker(folder.path(), {"p", true})), "A=dev-p ");
  folder.write(".dev.vars.p", "A\n");
  EXPECT_EQ(vars_text(load_worker(folder.path(), {"p", true})),
            folder.path(".dev.vars.p") + ":1:2: error: \"=\" is missing\n");
}

TEST(LocalVars, AreWatched) {
  const TestFolder folder;
  folder.write("wrangler.toml", "name = \"x\"\nmain = \"a.js\"\n");
  const auto loaded = load_worker(folder.path(), {.local_vars = true});
  for (const char* name :
       {"wrangler.json", "wrangler.jsonc", "wrangler.toml", ".dev.vars", ".env"}) {
    EXPECT_TRUE(std::ranges::binary_search(loaded.watch_paths, folder.path(name))) << name;
  }
}

TEST(WorkerName, MadeOfAnyText) {
  EXPECT_EQ(make_worker_name("My Worker.v2"), "my-worker-v2");
  EXPECT_EQ(make_worker_name(""), "worker");
  EXPECT_EQ(make_worker_name(std::string(100, 'a')).size(), 63u);
  EXPECT_FALSE(valid_worker_name(std::string(64, 'a')));
  EXPECT_TRUE(valid_worker_name("a-b_1"));
}

}  // namespace
}  // namespace skep::config
