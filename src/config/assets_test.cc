#include "config/assets.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/limits_assets.h"

namespace skep::config {
namespace {

std::string problems(Diagnostics& diagnostics) {
  diagnostics.end_file();
  std::string out;
  for (const Diagnostic& one : diagnostics.take())
    out +=
        fmt::format("{}{}:{}: {}", out.empty() ? "" : "|", one.at.line, one.at.column, one.message);
  return out;
}

std::string headers(std::string_view text) {
  Diagnostics diagnostics;
  diagnostics.begin_file("_headers", text);
  std::string out;
  for (const AssetHeaderRule& rule : parse_asset_headers(text, diagnostics)) {
    out += fmt::format("[{}{}]", rule.host, rule.path);
    for (const auto& change : rule.changes)
      out += change.remove ? fmt::format(" !{}", change.name)
                           : fmt::format(" {}={}", change.name, change.value);
  }
  const std::string found = problems(diagnostics);
  return found.empty() ? out : fmt::format("{} ({})", out, found);
}

std::string redirects(std::string_view text) {
  Diagnostics diagnostics;
  diagnostics.begin_file("_redirects", text);
  std::string out;
  for (const AssetRedirect& rule : parse_asset_redirects(text, diagnostics))
    out += fmt::format("[{} {} {}{}]", rule.from, rule.to, rule.status, rule.dynamic ? " d" : "");
  const std::string found = problems(diagnostics);
  return found.empty() ? out : fmt::format("{} ({})", out, found);
}

TEST(AssetHeaders, rules) {
  EXPECT_EQ(headers("# comment\n/a\n  X-A: 1\n  X-B: two words: three\n\n/static/*\n\t! X-A\n"),
            "[/a] X-A=1 X-B=two words: three[/static/*] !X-A");
  EXPECT_EQ(headers("https://:project.example/x/:name\r\n  X-N: :name\r\n"),
            "[:project.example/x/:name] X-N=:name");
  EXPECT_EQ(headers("https://a.example\n  X: 1"), "[a.example/] X=1");
  EXPECT_EQ(headers("/a\n  Link: <a>\n  link: <b>"), "[/a] Link=<a>, <b>");
}

TEST(AssetHeaders, what_is_wrong_has_its_line) {
  EXPECT_EQ(headers("  X: 1\n/a\n  X: 1"), "[/a] X=1 (1:3: a header without a path before it)");
  EXPECT_EQ(headers("/a\n/b\n  X: 1"), "[/b] X=1 (1:1: no headers follow this path)");
  EXPECT_EQ(headers("/a\n  nonsense\n  X: 1"),
            "[/a] X=1 (2:3: neither a path (\"/…\" or \"https://…\") nor \"Name: value\")");
  EXPECT_EQ(
      headers("/a\n  X Y: 1\n  X:\n  X: 1"),
      "[/a] X=1 (2:3: this is no header's name; the line has no effect|3:3: the header has no "
      "value; the line has no effect)");
  EXPECT_EQ(headers("/*/*\n  X: 1\n/a\n  Y: 1"),
            "[/a] Y=1 (1:1: only one \"*\" may stand in a path; the rule has no effect)");
  EXPECT_EQ(headers("/:a/:a\n  X: 1"),
            " (1:1: a placeholder stands in the path twice; the rule has no effect)");
  EXPECT_NE(headers("/a\n  X: " + std::string(2000, 'x')).find("2:3: the line is longer than 2000"),
            std::string::npos);
  std::string many;
  for (int i = 0; i < 102; i++) many += fmt::format("/{}\n X: 1\n", i);
  EXPECT_NE(headers(many).find("(201:1: more than 100 rules"), std::string::npos);
}

TEST(AssetRedirects, rules) {
  EXPECT_EQ(
      redirects("# c\n/a /b\n/c https://x.example/ 301 # comment\n/blog/* /news/:splat 308\n/x /y"),
      "[/a /b 302][/c https://x.example/ 301][/blog/* /news/:splat 308 d][/x /y 302 d]");
  EXPECT_EQ(redirects("/u/:id /users/:id 200"), "[/u/:id /users/:id 200 d]");
}

TEST(AssetRedirects, what_is_wrong_has_its_line) {
  EXPECT_EQ(redirects("/a"), " (1:1: a rule is \"FROM TO [STATUS]\"; the rule has no effect)");
  EXPECT_EQ(redirects("a /b"), " (1:1: the path must start with \"/\"; the rule has no effect)");
  EXPECT_NE(redirects("/a b").find("(1:4: the destination must be a path"), std::string::npos);
  EXPECT_NE(redirects("/a /b 404").find("(1:7: the status must be"), std::string::npos);
  EXPECT_NE(redirects("/a https://x/ 200").find("(1:4: a rewrite (200)"), std::string::npos);
  EXPECT_NE(redirects("/* /index.html 200").find("lead to itself"), std::string::npos);
  EXPECT_EQ(redirects("/a /b\n/a /c"),
            "[/a /b 302] (2:1: \"/a\" has a rule already; the rule has no effect)");
  std::string many;
  for (int i = 0; i < 105; i++) many += fmt::format("/{}/* /x\n", i);
  EXPECT_NE(redirects(many).find("(101:1: more than 100 rules"), std::string::npos);
}

TEST(AssetIgnore, as_gitignore) {
  const std::string text =
      "# comment\n*.map\n!keep.map\n/only-top\nnode_modules/\ndocs/**/draft-?.md\n\\#odd\na{b}c\n";
  Diagnostics diagnostics;
  diagnostics.begin_file(".assetsignore", text);
  const AssetIgnore ignore = AssetIgnore::parse(text, diagnostics);
  const auto file = [&](std::string_view path) { return ignore.ignores(path, false); };
  EXPECT_TRUE(file("x.map"));
  EXPECT_TRUE(file("a/b/x.map"));
  EXPECT_FALSE(file("a/keep.map"));
  EXPECT_TRUE(file("only-top"));
  EXPECT_FALSE(file("a/only-top"));
  EXPECT_TRUE(ignore.ignores("a/node_modules", true));
  EXPECT_FALSE(file("node_modules"));
  EXPECT_TRUE(file("docs/draft-1.md"));
  EXPECT_TRUE(file("docs/a/b/draft-1.md"));
  EXPECT_FALSE(file("docs/draft-12.md"));
  EXPECT_TRUE(file("#odd"));
  EXPECT_TRUE(file("x/a{b}c"));
  EXPECT_FALSE(file("abc"));
  EXPECT_EQ(problems(diagnostics), "");
}

}  // namespace
}  // namespace skep::config
