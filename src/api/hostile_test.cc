// Workers that rewrite the built-ins must neither break the runtime nor see into it.
#include <gtest/gtest.h>

#include "api/testing/harness.h"

namespace skep::api::testing {
namespace {

// Everything that a request touches, run after `prelude`.
std::string answer_after(const std::string& prelude) {
  Worker worker;
  const std::string error =
      worker.load(prelude +
                  "export default { async fetch(request, env, ctx) {"
                  "  const url = new URL(request.url); url.searchParams.append('a', 'b');"
                  "  const headers = new Headers({ 'X-A': '1' }); headers.append('x-a', '2');"
                  "  const text = await request.text();"
                  "  ctx.waitUntil(new Promise((r) => setTimeout(r, 1)));"
                  "  const copy = await new Response(text).text();"
                  "  return new Response(new ReadableStream({ start(c) {"
                  "    c.enqueue(new TextEncoder().encode(url.search + copy)); c.close(); } }),"
                  "    { status: 202, headers }); } };");
  if (!error.empty()) return "load: " + error;
  Exchange exchange;
  exchange.request_method = "POST";
  exchange.request_url = "http://worker.test/?q=1";
  exchange.request_body = {"bo", "dy"};
  worker.send(exchange);
  if (exchange.failed) return "failed: " + exchange.failed->exception.message;
  return std::to_string(exchange.status) + " " + exchange.header("X-A") + exchange.header("x-a") +
         " " + exchange.body;
}

constexpr const char* kExpected = "202 12 ?q=1&a=bbody";

TEST(Hostile, PlainWorkerAnswers) {
  EXPECT_EQ(answer_after(""), kExpected);
}

TEST(Hostile, PatchedPrototypesChangeNothing) {
  for (const char* prelude : {
           "Array.prototype[Symbol.iterator] = function* () { throw new Error('no'); };",
           "Array.prototype.push = Array.prototype.slice = Array.prototype.splice = () => { throw "
           "1; };",
           "Promise.prototype.then = function () { throw new Error('no'); };",
           "Promise.resolve = Promise.reject = Promise.all = () => { throw new Error('no'); };",
           "Map.prototype.get = Map.prototype.set = Map.prototype.has = () => { throw 1; };",
           "String.prototype.toLowerCase = String.prototype.slice = () => 'patched';",
           "RegExp.prototype.exec = () => { throw 1; };",
           "Function.prototype.call = Function.prototype.apply = Function.prototype.bind ="
           "  () => { throw 1; };",
           "globalThis.Uint8Array = globalThis.Map = globalThis.Object = globalThis.Reflect = "
           "undefined;",
           "Object.keys = Object.defineProperty = Reflect.ownKeys = Reflect.apply = () => { throw "
           "1; };",
           "Object.prototype.then = undefined; Object.prototype.status = 500;"
           "Object.prototype.value = 'x'; Object.prototype.done = true;",
           "Uint8Array.prototype.set = Uint8Array.prototype.slice = () => { throw 1; };",
       }) {
    EXPECT_EQ(answer_after(prelude), kExpected) << prelude;
  }
}

TEST(Hostile, SettersOnObjectPrototypeSeeNothing) {
  EXPECT_EQ(
      answer_after("for (const name of ['id', 'stream', 'source', 'event', 'used', 'type', 'pull',"
                   "  'cancel', 'fn', 'args', 'reader', 'controller', 'resolve', 'reject'])"
                   "  Object.defineProperty(Object.prototype, name, {"
                   "    set() { throw new Error('seen: ' + name); }, get() { return undefined; },"
                   "    configurable: true });"),
      kExpected);
}

TEST(Hostile, InternalsAreOutOfReach) {
  Worker worker;
  ASSERT_EQ(
      worker.load(
          "export default { fetch(request) { const out = [];"
          "  for (const f of [() => new Request(Symbol('internal'), 1),"
          "    () => Request.prototype.clone.call({}), () => Headers.prototype.get.call({}, 'a'),"
          "    () => new (Object.getPrototypeOf(crypto).constructor)(),"
          "    () => Object.getOwnPropertyDescriptor(Response.prototype, "
          "'status').get.call(request)])"
          "    try { f(); out.push('worked'); } catch (e) { out.push(e.name); }"
          "  out.push(typeof __skep_ops, Reflect.ownKeys(request).length,"
          "    Object.getOwnPropertySymbols(request).length);"
          "  return new Response(out.join()); } };"),
      "");
  EXPECT_EQ(worker.get(), "TypeError,TypeError,TypeError,TypeError,TypeError,undefined,0,0");
}

TEST(Hostile, AThenableAnswerIsFollowedOnce) {
  Worker worker;
  ASSERT_EQ(worker.load("let n = 0; export default { fetch() { return { get then() { n++;"
                        "  return (resolve) => resolve(new Response('then ' + n)); } }; } };"),
            "");
  EXPECT_EQ(worker.get(), "then 1");
}

}  // namespace
}  // namespace skep::api::testing
