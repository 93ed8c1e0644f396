#include "config/skep_toml.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "config/testing.h"

namespace skep::config {
namespace {

constexpr std::string_view kListen = "[[listen]]\naddress = \"127.0.0.1:8080\"\n";

std::string messages(std::string_view text) {
  std::string out;
  for (const Diagnostic& d : parse_serve_config(text, "/etc/skep/skep.toml").diagnostics) {
    out += fmt::format("{}:{}: {}: {}{}\n", d.at.line, d.at.column,
                       d.severity == Severity::error ? "error" : "warning", d.message,
                       d.hint.empty() ? "" : " (" + d.hint + ")");
  }
  return out;
}

TEST(SkepToml, ReadsEverything) {
  const auto loaded = parse_serve_config(R"(
data_dir = "/srv/data"
shards = 2
user = "skep"
group = "www"
sandbox = "reduced"

[limits]
cpu_ms = 50
startup_cpu_ms = 100
memory_mb = 64
script_bytes = 1000
request_body_bytes = 0
max_connections = 10
idle_evict_ms = 1000

[[listen]]
address = "127.0.0.1:8080"
[[listen]]
address = "[::1]:80"
[[listen]]
address = "unix:run/http.sock"

[[worker]]
path = "/srv/hello"
name = "hello"
routes = ["hello.example.com/*", "example.com/api/*"]
[[worker]]
path = "workers/two/main.ts"
name = "two"
env = "production"
routes = ["two.example.com/*"]
workers_dev = true
reach = "workspace"
)",
                                         "/etc/skep/skep.toml");
  EXPECT_EQ(format_diagnostics(loaded.diagnostics), "");
  const ServeConfig& config = loaded.config;
  EXPECT_EQ(config.data_dir, "/srv/data");
  EXPECT_EQ(config.shards, 2u);
  EXPECT_EQ(config.user, "skep");
  EXPECT_EQ(config.group, "www");
  EXPECT_EQ(config.sandbox, SandboxLevel::reduced);
  EXPECT_EQ(config.limits.cpu_ms, 50u);
  EXPECT_EQ(config.limits.startup_cpu_ms, 100u);
  EXPECT_EQ(config.limits.memory_bytes, 64u << 20);
  EXPECT_EQ(config.limits.script_bytes, 1000u);
  EXPECT_EQ(config.limits.request_body_bytes, 0u);
  EXPECT_EQ(config.limits.max_connections, 10u);
  EXPECT_EQ(config.limits.idle_evict_ms, 1000u);
  ASSERT_EQ(config.listeners.size(), 3u);
  EXPECT_EQ(config.listeners[0].host, "127.0.0.1");
  EXPECT_EQ(config.listeners[0].port, 8080);
  EXPECT_EQ(config.listeners[1].kind, ListenAddress::Kind::tcp6);
  EXPECT_EQ(config.listeners[1].host, "::1");
  EXPECT_EQ(config.listeners[2].path, "/etc/skep/run/http.sock");
  ASSERT_EQ(config.workers.size(), 2u);
  EXPECT_EQ(config.workers[0].routes.size(), 2u);
  EXPECT_FALSE(config.workers[0].workers_dev);
  EXPECT_EQ(config.workers[0].reach, Reach::project);
  EXPECT_TRUE(config.workers[1].workers_dev);
  EXPECT_EQ(config.workers[1].reach, Reach::workspace);
  EXPECT_EQ(config.workers[1].path, "/etc/skep/workers/two/main.ts");
  EXPECT_EQ(config.workers[1].environment, "production");
}

TEST(SkepToml, DefaultsAreTheBoundsOfTheProgram) {
  const auto loaded = parse_serve_config(kListen, "/x/skep.toml");
  EXPECT_TRUE(loaded.diagnostics.empty());
  EXPECT_EQ(loaded.config.data_dir, "/var/lib/skep");
  EXPECT_EQ(loaded.config.shards, 0u);
  EXPECT_EQ(loaded.config.sandbox, SandboxLevel::full);
  EXPECT_EQ(loaded.config.limits.cpu_ms, limits::kRequestCpuMs);
  EXPECT_EQ(loaded.config.limits.memory_bytes, limits::kIsolateHeapBytes);
}

TEST(SkepToml, UnknownKeysAreWarningsWithTheNearestName) {
  EXPECT_EQ(messages(fmt::format(
                "shard = 2\nzebra = 1\n{}adress = 1\n[limits]\ncpu = 1\ncpu_sm = 1\n", kListen)),
            "1:1: warning: unknown key \"shard\" (did you mean \"shards\"?)\n"
            "2:1: warning: unknown key \"zebra\"\n"
            "5:1: warning: unknown key \"listen[0].adress\" (did you mean \"address\"?)\n"
            "7:1: warning: unknown key \"limits.cpu\" (did you mean \"cpu_ms\"?)\n"
            "8:1: warning: unknown key \"limits.cpu_sm\" (did you mean \"cpu_ms\"?)\n");
}

TEST(SkepToml, WrongTypesAreErrorsWithAPlace) {
  EXPECT_EQ(
      messages(fmt::format("shards = \"two\"\ndata_dir = 1\nsandbox = \"none\"\n{}", kListen)),
      "1:10: error: \"shards\" must be a whole number, not a string\n"
      "2:12: error: \"data_dir\" must be a string, not a whole number\n"
      "3:11: error: \"sandbox\" must be \"full\" or \"reduced\"\n");
  EXPECT_EQ(messages(fmt::format("shards = 0\n{}", kListen)),
            "1:10: error: \"shards\" must lie between 1 and 256, not 0\n");
  EXPECT_EQ(messages("worker = 1\nlisten = [1]\n"),
            "1:10: error: \"worker\" must be an array, not a whole number\n"
            "2:11: error: \"listen[0]\" must be a table, not a whole number\n");
  EXPECT_EQ(messages(fmt::format("{}[limits]\nmemory_mb = 1.5\n", kListen)),
            "4:13: error: \"limits.memory_mb\" must be a whole number, not a number\n");
  EXPECT_EQ(messages(fmt::format("group = \"x\"\n{}", kListen)),
            "1:9: error: \"group\" needs a \"user\" beside it\n");
}

TEST(SkepToml, CountsWhatIsTooMuchToSay) {
  std::string text;
  for (int i = 0; i < 5000; i++) text += fmt::format("key{} = 1\n", i);
  const auto loaded = parse_serve_config(text + std::string(kListen), "/s");
  ASSERT_EQ(loaded.diagnostics.size(), limits::kDiagnostics + 1);
  EXPECT_EQ(loaded.diagnostics.back().message, "4800 more of these");
}

TEST(SkepToml, BrokenToml) {
  const std::string text = messages("shards = \n");
  EXPECT_NE(text.find("1:"), std::string::npos) << text;
  EXPECT_NE(text.find("error"), std::string::npos) << text;
}

TEST(SkepToml, ListenersAreNeededAndUnique) {
  EXPECT_NE(messages("shards = 1\n").find("nothing to listen on"), std::string::npos);
  EXPECT_EQ(messages(fmt::format("{}{}", kListen, kListen)),
            "4:11: error: the listener \"127.0.0.1:8080\" is there already, in line 2\n");
  EXPECT_NE(messages("[[listen]]\nport = 1\n").find("must be an address"), std::string::npos);
}

TEST(SkepToml, WorkersAreUniqueAndComplete) {
  EXPECT_EQ(
      messages(fmt::format(
          "{}[[worker]]\npath = \"a\"\nname = \"x\"\n[[worker]]\npath = \"b\"\nname = \"x\"\n",
          kListen)),
      "8:8: error: the worker \"x\" is there already, in line 5\n");
  EXPECT_NE(messages(fmt::format("{}[[worker]]\nname = \"x\"\n", kListen))
                .find("\"worker[0].path\" is missing"),
            std::string::npos);
  EXPECT_NE(messages(fmt::format("{}[[worker]]\npath = \"a\"\nname = \"Ä b\"\n", kListen))
                .find("would do"),
            std::string::npos);
  EXPECT_EQ(messages(fmt::format(
                "{}[[worker]]\npath = \"a\"\nname = \"x\"\nroutes = [\"x.com\", \"y.com/*\"]\n"
                "[[worker]]\npath = \"b\"\nname = \"y\"\nroutes = [\"y.com/*\"]\n",
                kListen)),
            "6:11: error: \"x.com\" is no route: the path is missing: \"x.com/*\" would be every "
            "path of the "
            "host\n"
            "10:11: error: the route \"y.com/*\" is there already, in line 6\n");
  EXPECT_NE(
      messages(fmt::format("{}[[worker]]\npath = \"a\"\nname = \"x\"\nenv = {{A = 1}}\n", kListen))
          .find("the name of an environment"),
      std::string::npos);
}

TEST(SkepToml, WhatAWorkerAnswersAndReads) {
  const auto one = [](std::string_view keys) {
    return messages(fmt::format("{}[[worker]]\npath = \"a\"\nname = \"x\"\n{}\n", kListen, keys));
  };
  EXPECT_EQ(one("workers_dev = true"), "");
  EXPECT_EQ(one("routes = [\"x.com/*\"]\nworkers_dev = false\nreach = \"project\""), "");
  EXPECT_EQ(one("workers_dev = false"),
            "3:1: error: the worker \"x\" would answer nothing (it needs \"routes\" or "
            "\"workers_dev\")\n");
  EXPECT_NE(one("workers_dev = 1").find("\"worker[0].workers_dev\""), std::string::npos);
  for (const char* wrong : {"\"disk\"", "true"})
    EXPECT_EQ(one(fmt::format("reach = {}", wrong)),
              "6:9: error: \"worker[0].reach\" must be \"project\" or \"workspace\"\n");
}

TEST(SkepToml, ASchemeOfARouteIsLeftOut) {
  const auto loaded = parse_serve_config(
      fmt::format("{}[[worker]]\npath = \"a\"\nname = \"x\"\nroutes = [\"https://x.com/*\"]\n",
                  kListen),
      "/s");
  ASSERT_EQ(loaded.diagnostics.size(), 1u);
  EXPECT_EQ(loaded.diagnostics[0].severity, Severity::warning);
  EXPECT_EQ(loaded.config.workers[0].routes[0], "x.com/*");
}

TEST(SkepToml, AThousandNamedWorkersTouchNoFolder) {
  std::string text(kListen);
  for (int i = 0; i < 1000; i++) {
    // A path that cannot even be looked at: more than PATH_MAX.
    text += fmt::format("[[worker]]\npath = \"/{}\"\nname = \"w{}\"\nroutes = [\"w{}.x.com/*\"]\n",
                        std::string(1000, 'x'), i, i);
  }
  const auto loaded = parse_serve_config(text, "/etc/skep/skep.toml");
  EXPECT_TRUE(loaded.diagnostics.empty()) << format_diagnostics(loaded.diagnostics);
  EXPECT_EQ(loaded.config.workers.size(), 1000u);
}

TEST(SkepToml, ANamelessWorkerIsNamedByItsProject) {
  const TestFolder folder;
  folder.write("a/wrangler.toml", "name = \"from-file\"\nmain = \"x.js\"\n[env.p]\nvars = {}\n");
  folder.write("B c/x.js", "");
  folder.write("single.mjs", "");
  const std::string file =
      folder.write("skep.toml", std::string(kListen) +
                                    "[[worker]]\npath = \"a\"\n[[worker]]\npath = \"a\"\n"
                                    "env = \"p\"\n[[worker]]\npath = \"B c\"\n"
                                    "[[worker]]\npath = \"single.mjs\"\n");
  const auto loaded = load_serve_config(file);
  EXPECT_EQ(format_diagnostics(loaded.diagnostics), "");
  ASSERT_EQ(loaded.config.workers.size(), 4u);
  EXPECT_EQ(loaded.config.workers[0].name, "from-file");
  EXPECT_EQ(loaded.config.workers[1].name, "from-file-p");
  EXPECT_EQ(loaded.config.workers[2].name, "b-c");
  EXPECT_EQ(loaded.config.workers[3].name, "single");
}

TEST(SkepToml, AMissingFileIsAnError) {
  const auto loaded = load_serve_config("/nonexistent/skep.toml");
  ASSERT_EQ(loaded.diagnostics.size(), 1u);
  EXPECT_NE(loaded.diagnostics[0].message.find("/nonexistent/skep.toml: No such file"),
            std::string::npos);
}

TEST(ListenAddress, Forms) {
  EXPECT_EQ(parse_listen_address("0.0.0.0:80")->port, 80);
  EXPECT_EQ(parse_listen_address("[::]:443")->host, "::");
  EXPECT_EQ(parse_listen_address("unix:/run/x.sock")->path, "/run/x.sock");
  for (const char* bad :
       {"", "8080", ":8080", "localhost:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
        "127.0.0.1:x", "::1:80", "[::1]", "[::1]80", "unix:", "[127.0.0.1]:80"}) {
    EXPECT_FALSE(parse_listen_address(bad)) << bad;
  }
  EXPECT_NE(parse_listen_address("::1:80").error().message.find("\"[::1]:80\""), std::string::npos);
  EXPECT_FALSE(parse_listen_address("unix:/" + std::string(200, 'x')));
}

}  // namespace
}  // namespace skep::config
