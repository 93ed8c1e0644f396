// What console writes to the log.
#include <gtest/gtest.h>

#include "api/testing/harness.h"

namespace skep::api::testing {
namespace {

// The entries that `code` writes.
std::vector<std::string> logged(const std::string& code) {
  Worker worker;
  const std::string error =
      worker.load("export default { fetch() { " + code + "; return new Response('ok'); } };");
  if (!error.empty()) return {"load: " + error};
  const std::string body = worker.get();
  if (body != "ok") return {body};
  return worker.console;
}

std::string one(const std::string& arguments) {
  const auto entries = logged("console.log(" + arguments + ")");
  return entries.empty() ? "nothing" : entries[0];
}

TEST(Console, Values) {
  EXPECT_EQ(one("'text', 1, -0, true, null, undefined, 5n, Symbol('s')"),
            "text 1 -0 true null undefined 5n Symbol(s)");
  EXPECT_EQ(one("{ a: 1, 'b c': 'x', d: [1, , 'it\\'s'] }"),
            "{ a: 1, 'b c': 'x', d: [ 1, <1 empty item>, \"it's\" ] }");
  EXPECT_EQ(one("{}, [], new (class Thing { x = 1; })()"), "{} [] Thing { x: 1 }");
  EXPECT_EQ(one("new Map([['a', { b: 1 }]]), new Set([1])"),
            "Map(1) { 'a' => { b: 1 } } Set(1) { 1 }");
  EXPECT_EQ(one("new Uint8Array(3), new ArrayBuffer(2), new Date(0), /a/g"),
            "Uint8Array(3) [ 0, 0, 0 ] ArrayBuffer { [Uint8Contents]: <00 00>, byteLength: 2 } "
            "1970-01-01T00:00:00.000Z /a/g");
  EXPECT_EQ(one("function f() {}, () => {}, class A {}"),
            "[Function: f] [Function (anonymous)] [class A]");
  EXPECT_EQ(one("Promise.resolve(1), new Promise(() => {}), Object.create(null)"),
            "Promise { 1 } Promise { <pending> } [Object: null prototype] {}");
  EXPECT_EQ(one("(() => { const a = { n: 1 }; a.self = a; return a; })()"),
            "<ref *1> { n: 1, self: [Circular *1] }");
  EXPECT_EQ(one("{ get a() { throw 1; }, set b(x) {} }"), "{ a: [Getter], b: [Setter] }");
  EXPECT_EQ(one("new Proxy({ a: 1 }, { ownKeys() { throw 1; }, get() { throw 1; } })"), "{ a: 1 }");
  EXPECT_EQ(one("{ a: { b: { c: { d: 1 } } } }"), "{ a: { b: { c: [Object] } } }");
}

TEST(Console, Errors) {
  const std::string text = one("new TypeError('bad', { cause: 1 })");
  EXPECT_EQ(text.substr(0, 14), "TypeError: bad") << text;
  EXPECT_NE(text.find("main.js"), std::string::npos) << text;
}

TEST(Console, PlatformObjects) {
  EXPECT_EQ(one("new Headers([['A', '1'], ['a', '2']])"), "Headers { a: '1, 2' }");
  EXPECT_EQ(one("new URLSearchParams('a=b')"), "URLSearchParams { query: 'a=b' }");
  EXPECT_NE(one("new URL('http://a/b?c')").find("  href: 'http://a/b?c',\n  origin: 'http://a',"),
            std::string::npos);
  EXPECT_EQ(one("new File(['abc'], 'n', { type: 'a/b' }), new Blob(['x'])"),
            "File { name: 'n', size: 3, type: 'a/b' } Blob { size: 1, type: '' }");
  EXPECT_EQ(one("Response.json(1).headers"), "Headers { 'content-type': 'application/json' }");
  EXPECT_NE(one("new Request('http://a/')").find("method: 'GET'"), std::string::npos);
}

TEST(Console, Formats) {
  EXPECT_EQ(one("'%s is %d%% of %i, %f %j %o%c', 'a', 50, 3.9, 1.5, { x: 1 }, [1], 'css', 'rest'"),
            "a is 50% of 3, 1.5 {\"x\":1} [ 1 ] rest");
  EXPECT_EQ(one("'100%'"), "100%");
  EXPECT_EQ(one("'%s'"), "%s");
}

TEST(Console, Others) {
  EXPECT_EQ(
      logged("console.group('g'); console.warn('a\\nb'); console.groupEnd(); console.error('c')"),
      (std::vector<std::string>{"g", "  a\n  b", "c"}));
  EXPECT_EQ(
      logged(
          "console.assert(true, 'x'); console.assert(false, 'y'); console.count(); "
          "console.count(); console.countReset('none'); console.time('t'); console.timeEnd('t')"),
      (std::vector<std::string>{"Assertion failed: y", "default: 1", "default: 2",
                                "Count for 'none' does not exist", "t: 0ms"}));
}

TEST(Console, AsNodePrints) {
  EXPECT_EQ(one("new (class A extends Map {})([[1, 2]]), new WeakSet(), [1.5, , , 2]"),
            "A(1) [Map] { 1 => 2 } WeakSet { <items unknown> } [ 1.5, <2 empty items>, 2 ]");
  EXPECT_EQ(one("new Number(3), Object('s'), (function () { return arguments; })(1)"),
            "[Number: 3] [String: 's'] [Arguments] [ 1 ]");
  EXPECT_EQ(one("async () => {}, function* g() {}, class extends Array {}"),
            "[AsyncFunction (anonymous)] [GeneratorFunction: g] [class (anonymous) extends Array]");
  EXPECT_EQ(one("new Map([['a', 1]]).entries(), new Set([1]).values()"),
            "[Map Entries] { [ 'a', 1 ] } [Set Iterator] { 1 }");
  EXPECT_EQ(one("Array.from({ length: 101 }, () => 1000000000).length, Array(5)"),
            "101 [ <5 empty items> ]");
  EXPECT_EQ(one("Object.assign([, 1], { length: 4294967295 })"),
            "[ <1 empty item>, 1, <4294967293 empty items> ]");
  EXPECT_EQ(one("[[[[1]]], { [Symbol('k')]: 'v', $a: 1 }]"),
            "[ [ [ [Array] ] ], { '$a': 1, [Symbol(k)]: 'v' } ]");
}

TEST(Console, HugeArraysAreNotListed) {
  const std::string text = one("new Array(3000000).fill(1)");
  EXPECT_EQ(text.substr(text.size() - 26), "  ... 2999900 more items\n]");
  EXPECT_EQ(one("new Uint8Array(20000000)").substr(0, 27), "Uint8Array(20000000) [\n  0,");
}

TEST(Console, Tables) {
  EXPECT_EQ(logged("console.table([{ a: 1 }, { a: 'x' }]); console.table(5)"),
            (std::vector<std::string>{"┌─────────┬─────┐\n"
                                      "│ (index) │ a   │\n"
                                      "├─────────┼─────┤\n"
                                      "│ 0       │ 1   │\n"
                                      "│ 1       │ 'x' │\n"
                                      "└─────────┴─────┘",
                                      "5"}));
}

TEST(Console, LongTextIsCut) {
  const std::string text = one("'é'.repeat(100000)");
  EXPECT_LT(text.size(), 20000u);
  EXPECT_EQ(text.substr(text.size() - 5), "(cut)");
}

}  // namespace
}  // namespace skep::api::testing
