// Globs, module kinds and the look at a file's syntax.
#include <gtest/gtest.h>

#include "config/glob.h"
#include "config/module_syntax.h"
#include "config/module_types.h"
#include "config/source_map.h"

namespace skep::config {
namespace {

TEST(Glob, Matches) {
  const struct {
    const char* glob;
    const char* path;
    bool matches;
  } cases[] = {
      {"**/*.txt", "a.txt", true},
      {"**/*.txt", "a/b/c.txt", true},
      {"**/*.txt", "a.txt.js", false},
      {"*.txt", "a.txt", true},
      {"*.txt", "b/a.txt", false},
      {"./b/*.txt", "b/a.txt", true},
      {"b/*.txt", "./b/a.txt", true},
      {"b/**", "b/x/y", true},
      {"b/**", "c/x", false},
      {"b/**/y", "b/y", true},
      {"b/**/y", "b/1/2/y", true},
      {"b/**/y", "b/1/2/xy", false},
      {"?.js", "a.js", true},
      {"?.js", "ab.js", false},
      {"?.js", "/.js", false},
      {"[a-c].js", "b.js", true},
      {"[a-c].js", "d.js", false},
      {"[!a-c].js", "d.js", true},
      {"*.{html,md}", "x.md", true},
      {"*.{html,md}", "x.txt", false},
      {"{a,b/{c,d}}.js", "b/d.js", true},
      {"{a,b/{c,d}}.js", "b/e.js", false},
      {"a\\*.js", "a*.js", true},
      {"a\\*.js", "ab.js", false},
      {"**/*.wasm?module", "x.wasm", false},
      {"**/*.wasm?module", "x.wasm?module", true},
      {"", "", true},
      {"", "a", false},
      {"**", "a/b", true},
      {"a{b", "a{b", true},
      {"[", "[", true},
  };
  for (const auto& c : cases)
    EXPECT_EQ(glob_matches(c.glob, c.path), c.matches) << c.glob << " " << c.path;
}

TEST(Glob, IsNotSlow) {
  std::string glob, path(2000, 'a');
  for (int i = 0; i < 200; i++) glob += "*a";
  EXPECT_FALSE(glob_matches(glob + "b", path));
  std::string braces;
  for (int i = 0; i < 60; i++) braces += "{a,b}";
  EXPECT_FALSE(glob_matches(braces, path));
}

TEST(ModuleTypes, RulesBeforeExtensions) {
  const ModuleRule rules[] = {{ModuleType::text, {"**/*.md", "**/*.txt"}, false},
                              {ModuleType::data, {"assets/*"}, true},
                              {ModuleType::esm, {"**/*.es"}, false}};
  const ModuleTypes types(rules);
  EXPECT_EQ(types.by_rule("a.md", "src/a.md"), ModuleType::text);
  EXPECT_EQ(types.by_rule("../assets/x", "assets/x"), ModuleType::data);
  EXPECT_EQ(types.by_rule("x.bin", "x.bin"), ModuleType::data);
  EXPECT_EQ(types.by_rule("x.wasm", "x.wasm"), ModuleType::wasm);
  EXPECT_EQ(types.by_rule("x.es", "x.es"), ModuleType::esm);
  // A rule without fallthrough ends its type: the built-in one for Text is gone.
  EXPECT_EQ(types.by_rule("x.html", "x.html"), std::nullopt);
  EXPECT_EQ(ModuleTypes({}).by_rule("x.html", "x.html"), ModuleType::text);
  EXPECT_EQ(ModuleTypes::by_extension("x.cts"), ModuleType::typescript_commonjs);
  EXPECT_EQ(ModuleTypes::by_extension("x.tsx"), ModuleType::typescript);
  EXPECT_EQ(ModuleTypes::by_extension("x.js"), std::nullopt);
}

TEST(ModuleSyntax, TellsEsmFromCommonJs) {
  const char* esm[] = {
      "import x from 'y'",
      "import{x}from'y'",
      "import 'y'",
      "import*as x from 'y'",
      "export default {}",
      "export{x}",
      "export * from 'y'",
      "export const a = 1",
      "#!/usr/bin/env node\n\n// c\n/* c */ import x from 'y'",
      "'use strict'\nexport const x = 1",
      "const a = 1;import b from 'b'",
      "const f = () => { return 1 }\nexport { f }",
      "const r = /[/'\"`]import/.test('a');\nexport default r",
      "const t = `a ${ { b: `}` } } c`; export default t",
      "console.log(import.meta.url)",
      "if (a) /x'/.test(b)\nexport default a",
      "const a = b / c / d // it's\nexport default a",
      "\xef\xbb\xbfimport x from 'y'",
  };
  for (const char* text : esm) EXPECT_EQ(module_syntax(text), ModuleSyntax::esm) << text;
  const char* commonjs[] = {
      "module.exports = {}",
      "exports.a = 1",
      "const x = require('y')",
      "'use strict';\n// import x from 'y'\nexports.x = `\nexport default 1\n`",
      "/* export default */ module.exports = \"\\\"import\"",
      "module.exports = { import: 1, export: 2 };\nx.import\n.export",
      "const p = import('x'); module.exports = p",
      "function f() {\n  require('x')\n}",
  };
  for (const char* text : commonjs) EXPECT_EQ(module_syntax(text), ModuleSyntax::commonjs) << text;
  const char* neither[] = {"",
                           "addEventListener('fetch', e => {})",
                           "import('x')",
                           "'export default'",
                           "`",
                           "/",
                           "/*",
                           "\"",
                           "\\",
                           "}}}`${",
                           "a.require('x')",
                           "importx",
                           "export"};
  for (const char* text : neither) EXPECT_EQ(module_syntax(text), ModuleSyntax::neither) << text;
}

TEST(SourceMapUrl, IsTheLastLine) {
  EXPECT_EQ(source_map_url("a\n//# sourceMappingURL=x.map"), "x.map");
  EXPECT_EQ(source_map_url("a\n//# sourceMappingURL=x.map\r\n\n// end\n"), "x.map");
  EXPECT_EQ(source_map_url("//@ sourceMappingURL=old.map"), "old.map");
  EXPECT_EQ(source_map_url("//# sourceMappingURL=x.map\na"), "");
  EXPECT_EQ(source_map_url("`\n//# sourceMappingURL=x y`"), "");
  EXPECT_EQ(source_map_url(""), "");
  EXPECT_EQ(decode_data_url("data:application/json;charset=utf-8;base64,e30="), "{}");
  EXPECT_EQ(decode_data_url("data:application/json,%7B%7D"), "{}");
  EXPECT_EQ(decode_data_url("data:application/json;base64,?"), std::nullopt);
  EXPECT_EQ(decode_data_url("data:text/plain,x"), std::nullopt);
}

std::string imports_of(std::string_view source) {
  std::string out;
  for (const ScannedImport& import : scan_module(source).imports) {
    out += (import.require ? "!" : "") + import.specifier + " ";
  }
  return out;
}

TEST(ModuleScan, FindsStaticImports) {
  EXPECT_EQ(
      imports_of("import 'a'; import x from 'b'\nimport {\n y } from \"c\"\nimport*as z from'd'"),
      "a b c d ");
  EXPECT_EQ(imports_of("export * from 'a'; export {x} from 'b'; export * as y from 'c'"), "a b c ");
  EXPECT_EQ(imports_of("import x, { y as from } from 'a'"), "a ");
  EXPECT_EQ(imports_of("import from from 'a'\nexport { b }\nconst from = 'x'"), "a ");
  EXPECT_EQ(imports_of("import type { T } from 'a'\nimport type U from 'b'\nimport type from 'c'"),
            "c ");
  EXPECT_EQ(imports_of("import data from './x.json' with { type: 'json' }"), "./x.json ");
  EXPECT_EQ(imports_of("const a = require('a'), b = require( \"b\" ).c; f(require('d'))"),
            "!a !b !d ");
  EXPECT_EQ(imports_of("const f = () => { require('a'); return import('b') }; import('c')"), "");
  EXPECT_EQ(
      imports_of("// import 'a'\n/* import 'b' */ `import 'c'`; x = \"import 'd'\"; /import 'e'/"),
      "");
  EXPECT_EQ(imports_of("require(name); require('a' + b); require(`c`); x.require('d')"), "");
  EXPECT_EQ(imports_of("import 'a\\nb'; import 'c"), "");
  EXPECT_EQ(imports_of("import x = require('a')"), "!a ");
}

TEST(NodeEnv, IsTheConstantThatABundlerWouldPutThere) {
  const auto replaced = [](std::string text) {
    const size_t size = text.size();
    replace_node_env(text, "production");
    EXPECT_EQ(text.size(), size) << text;  // positions in stack traces stay right
    return text;
  };
  EXPECT_EQ(replaced("if (process.env.NODE_ENV === 'x') { f(process.env.NODE_ENV) }"),
            "if (\"production\"         === 'x') { f(\"production\"        ) }");
  EXPECT_EQ(replaced("`${process.env.NODE_ENV}`"), "`${\"production\"        }`");
  EXPECT_EQ(replaced("\xef\xbb\xbf\nprocess.env.NODE_ENV"), "\xef\xbb\xbf\n\"production\"        ");
  for (const char* kept :
       {"'process.env.NODE_ENV'", "// process.env.NODE_ENV\n", "`process.env.NODE_ENV`",
        "/process.env.NODE_ENV/", "x.process.env.NODE_ENV", "process.env.NODE_ENVY",
        "process.env.NODE_ENV = 'x'", "process.env.NODE", "myprocess.env.NODE_ENV",
        // Where brackets do not match, the scan has lost its way.
        "if (x) {\nprocess.env.NODE_ENV", "f(process.env.NODE_ENV"})
    EXPECT_EQ(replaced(kept), kept);
}

TEST(ModuleScan, ALostScanGoesByTheLines) {
  // A brace in what only a parser can tell to be a regular expression.
  EXPECT_EQ(module_syntax("const a = {} \n/{/.test(x)\nexport { a }\n"), ModuleSyntax::esm);
}

}  // namespace
}  // namespace skep::config
