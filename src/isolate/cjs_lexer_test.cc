#include "isolate/cjs_lexer.h"

#include <gtest/gtest.h>

namespace skep::isolate {
namespace {

using Names = std::vector<std::string>;

TEST(CjsLexer, finds_assignments_to_exports) {
  const CjsScan scan = scan_commonjs(R"(
    exports.a = 1; module.exports.b = 2; exports['c-d'] = 3; module.exports["e"] = 4;
    other.exports.no = 1; exports.called(); exports.x == 1; exports.default = 5;)");
  EXPECT_EQ(scan.exports, (Names{"a", "b", "c-d", "e"}));
}

TEST(CjsLexer, finds_define_property) {
  const CjsScan scan = scan_commonjs(R"(
    Object.defineProperty(exports, "__esModule", { value: true });
    Object.defineProperty(module.exports, 'get', { enumerable: true, get: function () {} });)");
  EXPECT_EQ(scan.exports, (Names{"__esModule", "get"}));
}

TEST(CjsLexer, finds_an_object_literal) {
  const CjsScan scan = scan_commonjs(R"(
    module.exports = { a, b: c.d({ no: 1 }, [x, y]), 'e': (1, 2), async f() { return { no }; },
                       get g() { return 1 }, ...require("./more"),
                       h: `t${ {no} }` , [computed]: 1, i };)");
  EXPECT_EQ(scan.exports, (Names{"a", "b", "e", "f", "g", "h"}));
  EXPECT_EQ(scan.reexports, (Names{"./more"}));
}

TEST(CjsLexer, finds_reexports) {
  const CjsScan scan = scan_commonjs(R"(
    __exportStar(require("./a"), exports); tslib_1.__exportStar(require('./b'), exports);
    __export(require("./c")); module.exports = require("./d");
    0 && (module.exports = { e, f });)");
  EXPECT_EQ(scan.reexports, (Names{"./a", "./b", "./c", "./d"}));
  EXPECT_EQ(scan.exports, (Names{"e", "f"}));
  EXPECT_EQ(scan.requires_, (Names{"./a", "./b", "./c", "./d"}));
}

TEST(CjsLexer, finds_requires_but_not_in_text) {
  const CjsScan scan = scan_commonjs(R"x(#!/usr/bin/env node
    // require("comment")
    /* require("block") */
    const a = require("a"), s = "require('string')", r = /require("re'gexp")/, d = 4 / 2;
    const t = `require("template") ${require("inside")} require("after")`;
    x.require("method"); require(variable); require("b" + c); if (x) { require('last') })x");
  EXPECT_EQ(scan.requires_, (Names{"a", "inside", "last"}));
}

TEST(CjsLexer, reads_escapes) {
  const CjsScan scan =
      scan_commonjs(R"x(require("\x61\u0062\u{63}"); require("\ud800"); require('d\'e'))x");
  EXPECT_EQ(scan.requires_, (Names{"abc", "d'e"}));
}

TEST(CjsLexer, survives_nonsense) {
  for (const char* source :
       {"", "\"", "`${", "`${`${`${", "/[", "module.exports={", "require(", "exports[", "}}}}",
        "'\\", "\"\\\n\"", "module.exports={...", "Object.defineProperty(exports", "/*", "#!"}) {
    scan_commonjs(source);
  }
}

TEST(CjsLexer, look_ahead_is_bounded) {
  std::string source;
  for (int i = 0; i < 20'000; ++i) source += "module.exports={a:[";
  EXPECT_EQ(scan_commonjs(source).exports, (Names{"a"}));
}

}  // namespace
}  // namespace skep::isolate
