// Reports of thrown values: what they say, and that making one runs nothing of the user's.
#include "isolate/stack_trace.h"

#include "isolate/test_support.h"

namespace skep::isolate::testing {
namespace {

class StackTraceTest : public IsolateTest {
 protected:
  // Runs the script, which throws, and describes what it threw.
  StackReport report(Tenant& tenant, const std::string& script) {
    StackReport out;
    FunctionJob job([&](v8::Isolate* isolate, v8::Local<v8::Context> context) {
      v8::ScriptOrigin origin(v8::String::NewFromUtf8Literal(isolate, "t.js"));
      v8::Local<v8::String> source =
          v8::String::NewFromUtf8(isolate, script.c_str()).ToLocalChecked();
      v8::TryCatch caught(isolate);
      v8::Local<v8::Script> compiled;
      if (v8::Script::Compile(context, source, &origin).ToLocal(&compiled)) {
        EXPECT_TRUE(compiled->Run(context).IsEmpty());
      }
      out = describe(isolate, context, caught.Exception(), caught.Message());
    });
    run(tenant, job);
    return out;
  }
};

TEST_F(StackTraceTest, an_error) {
  auto tenant = take();
  const StackReport got = report(*tenant, "function f() {\n  throw new TypeError('no');\n}\nf();");
  EXPECT_EQ(got.message, "TypeError: no");
  EXPECT_EQ(got.stack, "    at f (t.js:2:9)\n    at t.js:4:1");
  EXPECT_EQ(got.file, "t.js");
  EXPECT_EQ(got.line, 2u);
  EXPECT_EQ(got.column, 9u);
  EXPECT_EQ(got.source_line, "  throw new TypeError('no');");
}

TEST_F(StackTraceTest, a_syntax_error) {
  auto tenant = take();
  const StackReport got = report(*tenant, "let ok;\nlet = ;");
  EXPECT_EQ(got.message.substr(0, 11), "SyntaxError");
  EXPECT_EQ(got.line, 2u);
  EXPECT_EQ(got.source_line, "let = ;");
}

TEST_F(StackTraceTest, what_is_no_error) {
  auto tenant = take();
  EXPECT_EQ(report(*tenant, "throw 'text'").message, "text");
  EXPECT_EQ(report(*tenant, "throw null").message, "null");
  EXPECT_EQ(report(*tenant, "throw undefined").message, "undefined");
  EXPECT_EQ(report(*tenant, "throw Symbol('s')").message, "Symbol(s)");
  EXPECT_EQ(report(*tenant, "throw {a: 1}").message, "#<Object>");
  EXPECT_EQ(report(*tenant, "throw 'text'").line, 1u);
}

TEST_F(StackTraceTest, runs_nothing_of_the_users) {
  auto tenant = take();
  for (const char* script : {
           "throw {get message() { ran = 1 }, toString() { ran = 1 }, get stack() { ran = 1 }}",
           "throw new Proxy({}, {get() { ran = 1 }, getPrototypeOf() { ran = 1 }, has() { ran = 1 "
           "}})",
           "const e = new Error('x'); Object.defineProperty(e, 'stack', {get() { ran = 1 }}); "
           "throw e",
           "const e = new Error('x'); Object.defineProperty(e, 'message', {get() { ran = 1 }}); "
           "throw e",
           "const e = new Error('x'); Object.defineProperty(e, 'name', {get() { ran = 1 }}); throw "
           "e",
           "Error.prepareStackTrace = () => { ran = 1 }; throw new Error('x')",
           "class E extends Error { get name() { ran = 1 } toString() { ran = 1 } } throw new "
           "E('x')",
           "const r = Proxy.revocable({}, {}); r.revoke(); throw r.proxy",
       }) {
    SCOPED_TRACE(script);
    eval(*tenant, "var ran = 0");
    report(*tenant, std::string("{") + script + "}");
    EXPECT_EQ(eval(*tenant, "delete Error.prepareStackTrace; ran"), "0");
  }
}

TEST_F(StackTraceTest, deep_stacks_and_long_messages_are_cut) {
  auto tenant = take();
  const StackReport got = report(
      *tenant, "function f(n) { if (!n) throw new Error('x'.repeat(1e6)); f(n - 1) } f(1000)");
  EXPECT_LE(got.message.size(), 16u * 1024);
  EXPECT_LT(got.stack.size(), 5'000u);
}

}  // namespace
}  // namespace skep::isolate::testing
