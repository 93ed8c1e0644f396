#include "config/bindings.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "config/toml.h"
#include "config/wrangler_read.h"

namespace skep::config {
namespace {

struct Read {
  WorkerConfig config;
  std::string messages;
};

Read read(std::string_view text, std::string_view environment = "") {
  const auto parsed = parse_toml(fmt::format("compatibility_date = \"2026-01-01\"\n{}", text));
  EXPECT_TRUE(parsed) << parsed.error().message;
  Diagnostics diagnostics;
  Read read{read_wrangler(*parsed, environment, diagnostics), {}};
  for (const Diagnostic& d : diagnostics.items()) {
    read.messages += fmt::format("{}:{}: {}: {}\n", d.at.line, d.at.column,
                                 d.severity == Severity::error ? "error" : "warning", d.message);
  }
  return read;
}

TEST(Bindings, OfKv) {
  const auto [config, messages] = read(
      "[[kv_namespaces]]\nbinding = \"ONE\"\nid = \"abc\"\npreview_id = \"x\"\nremote = true\n"
      "[[kv_namespaces]]\nbinding = \"_two$\"\n");
  EXPECT_EQ(messages, "");
  ASSERT_EQ(config.bindings.size(), 2u);
  EXPECT_EQ(config.bindings[0].name, "ONE");
  EXPECT_EQ(std::get<KvBinding>(config.bindings[0].kind).id, "abc");
  EXPECT_EQ(config.bindings[1].name, "_two$");
  EXPECT_EQ(std::get<KvBinding>(config.bindings[1].kind).id, "");
  EXPECT_NE(describe(config.bindings[0]), describe(config.bindings[1]));
}

TEST(Bindings, MistakesHaveAPlace) {
  EXPECT_EQ(read("[[kv_namespaces]]\nid = \"abc\"\n").messages,
            "2:1: error: \"kv_namespaces[0].binding\" must be the binding's name in env\n");
  EXPECT_EQ(read("[[kv_namespaces]]\nbinding = \"a b\"\n").messages,
            "3:11: error: \"a b\" cannot be the name of a binding: letters, digits, \"_\" and "
            "\"$\", no digit first\n");
  EXPECT_EQ(read("[[kv_namespaces]]\nbinding = \"A\"\nid = \"a b\"\n").messages,
            "4:6: error: \"kv_namespaces[0].id\" must be a text of 1 to 128 characters without "
            "spaces\n");
  EXPECT_EQ(read("[[kv_namespaces]]\nbinding = \"A\"\nidd = \"x\"\n").messages,
            "4:1: warning: unknown key \"kv_namespaces[0].idd\"\n");
  EXPECT_EQ(read("kv_namespaces = [1]\n").messages,
            "2:18: error: \"kv_namespaces[0]\" must be a table, not a whole number\n");
}

TEST(Bindings, NamesAreUsedOnce) {
  EXPECT_EQ(read("vars = { A = \"x\" }\n[[kv_namespaces]]\nbinding = \"A\"\n").messages,
            "4:11: error: \"A\" is the name of a variable already\n");
  EXPECT_EQ(
      read("[[kv_namespaces]]\nbinding = \"A\"\n[[kv_namespaces]]\nbinding = \"A\"\n").messages,
      "5:11: error: \"A\" is the name of a binding already, in line 3\n");
}

TEST(Bindings, EnvironmentsDoNotInheritThem) {
  const auto [config, messages] = read("[[kv_namespaces]]\nbinding = \"TOP\"\n[env.x]\n", "x");
  EXPECT_TRUE(config.bindings.empty());
  EXPECT_NE(messages.find("\"kv_namespaces\" of the top level is not inherited"),
            std::string::npos);
  const auto own = read("[[env.x.kv_namespaces]]\nbinding = \"OWN\"\n", "x");
  ASSERT_EQ(own.config.bindings.size(), 1u);
  EXPECT_EQ(own.config.bindings[0].name, "OWN");
}

}  // namespace
}  // namespace skep::config
