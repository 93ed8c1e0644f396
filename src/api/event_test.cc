// Events from start to end: answers, failures, waitUntil, timers, hung handlers, use across
// requests.
#include <gtest/gtest.h>

#include "api/event/errors.h"
#include "api/testing/harness.h"

namespace skep::api::testing {
namespace {

TEST(Event, AnswersAtOnceWithAString) {
  Worker worker;
  ASSERT_EQ(worker.load("export default { fetch() { return new Response('Hello World!'); } };"),
            "");
  // A worker that took long to load waits for its turn at first.
  const auto at_once = [&worker] {
    Exchange probe;
    worker.start(probe);
    const bool ended = probe.ended;
    EXPECT_TRUE(worker.run_until([&] { return probe.ended; }));
    return ended;
  };
  ASSERT_TRUE(worker.run_until(at_once));
  Exchange exchange;
  worker.send(exchange);
  EXPECT_EQ(exchange.status, 200);
  EXPECT_EQ(exchange.body, "Hello World!");
  EXPECT_TRUE(exchange.finished);
  EXPECT_EQ(exchange.content_length, 12u);
  EXPECT_EQ(exchange.header("Content-Type"), "text/plain;charset=UTF-8");
  EXPECT_EQ(exchange.result.outcome, Outcome::ok);
  EXPECT_EQ(worker.runtime().events_in_flight(), 0u);
}

TEST(Event, AnswersFromAnAsyncHandler) {
  Worker worker;
  ASSERT_EQ(
      worker.load("export default { async fetch(request) {"
                  "  await null; await null;"
                  "  return new Response(request.method + ' ' + request.url + ' ' +"
                  "    request.headers.get('X-Test'), {status: 201, headers: {'X-Answer': 'a'}});"
                  "} };"),
      "");
  Exchange exchange;
  exchange.request_method = "PURGE";
  exchange.request_headers = {{"x-TEST", "1"}, {"X-Test", "2"}};
  worker.send(exchange);
  EXPECT_EQ(exchange.status, 201);
  EXPECT_EQ(exchange.body, "PURGE http://worker.test/ 1, 2");
  EXPECT_EQ(exchange.header("X-Answer"), "a");
}

TEST(Event, SendsUtf8AndBytes) {
  Worker worker;
  ASSERT_EQ(worker.load(
                "export default { fetch(request) {"
                "  if (request.url.endsWith('b')) return new Response(new Uint8Array([0, 255, 1]));"
                "  if (request.url.endsWith('n')) return new Response(null, {status: 204});"
                "  return new Response('\\u20ac \\ud83d\\ude00 \\ud800 \\xe9'); } };"),
            "");
  EXPECT_EQ(worker.get(), "€ 😀 \xEF\xBF\xBD é");
  EXPECT_EQ(worker.get("http://worker.test/b"), std::string("\0\xff\1", 3));
  Exchange nothing;
  nothing.request_url = "http://worker.test/n";
  worker.send(nothing);
  EXPECT_EQ(nothing.status, 204);
  EXPECT_EQ(nothing.header("Content-Type"), "");
}

TEST(Event, ClassesWithOwnEnvAndContext) {
  Worker worker({.env = {{.name = "NAME", .value = "bee"},
                         {.name = "N", .value = "{\"a\":[1]}", .json = true}}});
  ASSERT_EQ(worker.load("import { WorkerEntrypoint, env } from 'cloudflare:workers';"
                        "const early = env.NAME;"
                        "export default class extends WorkerEntrypoint {"
                        "  fetch(request) { return new Response(early + this.env.N.a[0] +"
                        "    typeof this.ctx.waitUntil); } }"),
            "");
  EXPECT_EQ(worker.get(), "bee1function");
}

TEST(Event, ServiceWorkerSyntax) {
  Worker worker({.env = {{.name = "NAME", .value = "bee"}}});
  ASSERT_EQ(worker.load("addEventListener('fetch', (event) => {"
                        "  event.respondWith(new Response(NAME + event.request.method)); });"),
            "");
  EXPECT_EQ(worker.get(), "beeGET");
}

TEST(Event, AnExceptionFailsTheRequestAndIsLogged) {
  Worker worker;
  ASSERT_EQ(worker.load("export default { async fetch(r) {"
                        "  if (r.url.endsWith('2')) throw new RangeError('late');"
                        "  null.x; } };"),
            "");
  Exchange exchange;
  worker.send(exchange);
  ASSERT_TRUE(exchange.failed);
  EXPECT_EQ(exchange.failed->outcome, Outcome::exception);
  EXPECT_EQ(exchange.failed->exception.message,
            "TypeError: Cannot read properties of null (reading 'x')");
  EXPECT_EQ(exchange.status, 0);
  ASSERT_EQ(worker.exceptions.size(), 1u);
  EXPECT_EQ(worker.exceptions[0].request_id, "request-1");
  EXPECT_NE(worker.exceptions[0].report.stack.find("main.js"), std::string::npos)
      << worker.exceptions[0].report.stack;
  EXPECT_EQ(worker.get("http://worker.test/2"), "failed: RangeError: late");
  EXPECT_EQ(worker.runtime().events_in_flight(), 0u);
}

TEST(Event, SaysWhatIsWrongWithTheAnswer) {
  Worker worker;
  ASSERT_EQ(
      worker.load("export default { fetch(r) {"
                  "  if (r.url.endsWith('e')) return Response.error();"
                  "  if (r.url.endsWith('u')) { const x = new Response('a'); x.text(); return x; }"
                  "  return 'text'; } };"),
      "");
  EXPECT_EQ(
      worker.get(),
      "failed: TypeError: Incorrect type for Promise: the Promise did not resolve to 'Response'.");
  EXPECT_EQ(
      worker.get("http://worker.test/e"),
      "failed: TypeError: Return value from serve handler must not be an error response (like "
      "Response.error())");
  EXPECT_EQ(
      worker.get("http://worker.test/u"),
      "failed: TypeError: Body has already been used. It can only be used once. Use tee() first if "
      "you need to read it twice.");
}

TEST(Event, WithoutAFetchHandler) {
  Worker worker;
  ASSERT_EQ(worker.load("export default { scheduled() {} };"), "");
  EXPECT_EQ(worker.get(), "failed: TypeError: Handler does not export a fetch() function.");
}

TEST(Event, PassThroughOnException) {
  Worker worker;
  ASSERT_EQ(worker.load(
                "export default { fetch(r, e, ctx) { ctx.passThroughOnException(); throw 1; } };"),
            "");
  Exchange exchange;
  worker.send(exchange);
  ASSERT_TRUE(exchange.failed);
  EXPECT_TRUE(exchange.pass_through);
}

TEST(Event, ANeverSettledHandlerIsCanceled) {
  Worker worker;
  ASSERT_EQ(worker.load("export default { fetch() { return new Promise(() => {}); } };"), "");
  Exchange exchange;
  worker.send(exchange);
  ASSERT_TRUE(exchange.failed);
  EXPECT_EQ(exchange.failed->outcome, Outcome::canceled);
  EXPECT_EQ(exchange.failed->exception.message, std::string("Error: ") + kHungMessage);
}

TEST(Event, WaitsForAnotherEventThatMaySettleIt) {
  Worker worker;
  ASSERT_EQ(worker.load("let release; const p = new Promise(r => release = r);"
                        "export default { async fetch(r) {"
                        "  if (r.url.endsWith('1')) { await new Promise(r => setTimeout(r, 30));"
                        "    release(); return new Response('first'); }"
                        "  await p; return new Response('second'); } };"),
            "");
  Exchange first, second;
  first.request_url = "http://worker.test/1";
  worker.start(first);
  worker.start(second);
  EXPECT_FALSE(second.ended);
  ASSERT_TRUE(worker.run_until([&] { return first.ended && second.ended; }));
  EXPECT_EQ(first.body, "first");
  EXPECT_EQ(second.body, "second");
}

TEST(Event, WaitUntilHoldsTheEventAfterTheAnswer) {
  Worker worker;
  ASSERT_EQ(worker.load("globalThis.log = '';"
                        "export default { async fetch(r, env, ctx) {"
                        "  if (r.url.endsWith('log')) return new Response(log);"
                        "  ctx.waitUntil((async () => { await new Promise(r => setTimeout(r, 20));"
                        "    log += 'done'; throw new Error('in the background'); })());"
                        "  setTimeout(() => { log += 'never'; }, 3000);"
                        "  return new Response('ok'); } };"),
            "");
  Exchange exchange;
  worker.start(exchange);
  EXPECT_TRUE(exchange.finished);
  EXPECT_FALSE(exchange.ended);
  ASSERT_TRUE(worker.run_until([&] { return exchange.ended; }));
  EXPECT_EQ(exchange.result.outcome, Outcome::ok);
  EXPECT_EQ(worker.get("http://worker.test/log"), "done");
  ASSERT_EQ(worker.exceptions.size(), 1u);
  EXPECT_EQ(worker.exceptions[0].where, "waitUntil");
  EXPECT_EQ(worker.exceptions[0].report.message, "Error: in the background");
}

TEST(Event, TimersOfAnEndedEventAreDropped) {
  Worker worker;
  ASSERT_EQ(worker.load("globalThis.n = 0;"
                        "export default { async fetch(r) {"
                        "  if (r.url.endsWith('n')) { await new Promise(r => setTimeout(r, 40));"
                        "    return new Response(String(n)); }"
                        "  setInterval(() => n++, 1); return new Response('ok'); } };"),
            "");
  EXPECT_EQ(worker.get(), "ok");
  EXPECT_EQ(worker.get("http://worker.test/n"), "0");
}

TEST(Event, TimersFireInOrderAndCanBeCleared) {
  Worker worker;
  ASSERT_EQ(
      worker.load("export default { async fetch() { const log = [];"
                  "  setTimeout(() => log.push('b'), 20); setTimeout((x) => log.push(x), 5, 'a');"
                  "  const c = setTimeout(() => log.push('never'), 10); clearTimeout(c);"
                  "  let n = 0; const i = setInterval(() => { log.push(n); if (++n == 3)"
                  "    clearInterval(i); }, 1);"
                  "  setTimeout(() => { throw new Error('in a timer'); }, 1);"
                  "  await new Promise(r => setTimeout(r, 60));"
                  "  return new Response(log.join()); } };"),
      "");
  const std::string body = worker.get();
  EXPECT_EQ(body.size(), 9u) << body;
  EXPECT_LT(body.find('a'), body.find('b')) << body;
  ASSERT_EQ(worker.exceptions.size(), 1u);
  EXPECT_EQ(worker.exceptions[0].report.message, "Error: in a timer");
}

TEST(Event, AnUnhandledRejectionIsLogged) {
  Worker worker;
  ASSERT_EQ(
      worker.load("export default { async fetch() { Promise.reject(new Error('lost'));"
                  "  const p = Promise.reject(new Error('caught in time')); p.catch(() => {});"
                  "  return new Response('ok'); } };"),
      "");
  EXPECT_EQ(worker.get(), "ok");
  ASSERT_EQ(worker.exceptions.size(), 1u);
  EXPECT_EQ(worker.exceptions[0].report.message, "Error: lost");
  EXPECT_EQ(worker.exceptions[0].request_id, "request-1");
}

TEST(Event, IoAtTopLevelThrows) {
  for (const char* code : {"setTimeout(() => {}, 1)", "crypto.randomUUID()",
                           "crypto.getRandomValues(new Uint8Array(4))", "new Response('x')",
                           "await fetch('http://a.test/')", "await scheduler.wait(1)"}) {
    Worker worker;
    EXPECT_EQ(worker.load(std::string(code) + "; export default {};"),
              std::string("Error: ") + kGlobalScopeMessage)
        << code;
  }
  Worker failing;
  EXPECT_EQ(failing.load("throw new TypeError('at the top');"), "TypeError: at the top");
  EXPECT_EQ(failing.load_error.file, "main.js");
  EXPECT_EQ(failing.load_error.line, 1u);
  EXPECT_TRUE(failing.exceptions.empty());
  Worker worker;
  EXPECT_EQ(worker.load("new Headers(); new URL('http://a/'); Date.now(); Math.random();"
                        "await Promise.resolve(); export default {};"),
            "");
}

TEST(Event, ABodyOfAnotherRequestCannotBeRead) {
  Worker worker;
  ASSERT_EQ(worker.load("let kept; export default { async fetch(r) {"
                        "  if (!kept) { kept = r; await new Promise(r => setTimeout(r, 30));"
                        "    return new Response(await r.text()); }"
                        "  try { await kept.text(); } catch (e) { return new Response(e.message); }"
                        "  return new Response('read it'); } };"),
            "");
  Exchange first, second, third;
  first.request_method = "POST";
  first.request_body = {"mine"};
  worker.start(first);
  worker.send(second);
  EXPECT_EQ(second.body, kCrossRequestMessage);
  ASSERT_TRUE(worker.run_until([&] { return first.ended; }));
  EXPECT_EQ(first.body, "mine");
  worker.send(third);
  EXPECT_NE(third.body, "read it");
}

TEST(Event, TheContextIsKnownAfterAwaitsAndInTimers) {
  Worker worker;
  ASSERT_EQ(
      worker.load("let kept; const seen = []; export default { async fetch(r, env, ctx) {"
                  "  const id = new URL(r.url).pathname;"
                  "  await new Promise(r => setTimeout(r, 10)); await null;"
                  "  ctx.waitUntil(new Promise(r => setTimeout(() => { seen.push(id); r(); }, 1)));"
                  "  return new Response(crypto.randomUUID().length + ''); } };"),
      "");
  Exchange a, b;
  a.request_url = "http://worker.test/a";
  b.request_url = "http://worker.test/b";
  worker.start(a);
  worker.start(b);
  ASSERT_TRUE(worker.run_until([&] { return a.ended && b.ended; }));
  EXPECT_EQ(a.body, "36");
  EXPECT_EQ(b.body, "36");
  EXPECT_TRUE(worker.exceptions.empty());
}

TEST(Event, WhatComesAfterTheEndIsRefused) {
  Worker worker;
  ASSERT_EQ(
      worker.load(
          "let late, release; const gate = new Promise(r => release = r);"
          "export default { async fetch(r) {"
          "  if (r.url.endsWith('2')) { release(); await null; await null; await null;"
          "    return new Response(String(late)); }"
          "  gate.then(() => { try { setTimeout(() => {}, 1); } catch (e) { late = e.message; } });"
          "  return new Response('ok'); } };"),
      "");
  EXPECT_EQ(worker.get(), "ok");
  EXPECT_EQ(worker.get("http://worker.test/2"), kContextEndedMessage);
}

TEST(Event, TheClientGoesAway) {
  Worker worker;
  ASSERT_EQ(worker.load("globalThis.log = []; export default { async fetch(r, env, ctx) {"
                        "  const path = new URL(r.url).pathname;"
                        "  if (path == '/log') return new Response(log.join());"
                        "  if (path == '/wait') ctx.waitUntil(new Promise(r => setTimeout(() => {"
                        "    log.push('waited'); r(); }, 20)));"
                        "  await new Promise(r => setTimeout(r, 60)); log.push('late');"
                        "  return new Response('x'); } };"),
            "");
  Exchange plain, waiting;
  worker.runtime().client_gone(*worker.begin(plain));
  EXPECT_TRUE(plain.ended);
  EXPECT_EQ(plain.result.outcome, Outcome::canceled);
  EXPECT_FALSE(plain.failed);
  waiting.request_url = "http://worker.test/wait";
  Event* event = worker.begin(waiting);
  worker.runtime().client_gone(*event);
  EXPECT_FALSE(waiting.ended);
  ASSERT_TRUE(worker.run_until([&] { return waiting.ended; }));
  EXPECT_EQ(worker.get("http://worker.test/log").substr(0, 6), "waited");
}

TEST(Event, TheHeadStaysWhenTheClientGoes) {
  Worker worker;
  ASSERT_EQ(
      worker.load(
          "globalThis.log = ''; export default { async fetch(r, env, ctx) {"
          "  if (r.url.endsWith('log')) return new Response(log);"
          "  ctx.waitUntil((async () => { await new Promise(r => setTimeout(r, 10));"
          "    log = r.headers.get('x-name') + [...r.headers.keys()] + r.cf.colo + r.url; })());"
          "  await new Promise(() => {}); } };"),
      "");
  auto exchange = std::make_unique<Exchange>();
  exchange->request_headers = {{"X-Name", "bee"}, {"Accept", "*/*"}};
  Event* event = worker.begin(*exchange);
  worker.runtime().client_gone(*event);
  exchange->request_headers.clear();  // the channel's memory is not looked at any more
  ASSERT_TRUE(worker.run_until([&] { return exchange->ended; }));
  EXPECT_EQ(worker.get("http://worker.test/log"), "beeaccept,x-nameTESThttp://worker.test/");
}

TEST(Event, TheHeadStaysForWaitUntil) {
  Worker worker;
  ASSERT_EQ(
      worker.load(
          "globalThis.log = ''; let kept; export default { async fetch(r, env, ctx) {"
          "  if (r.url.endsWith('log')) return new Response(log);"
          "  if (r.url.endsWith('late')) { Promise.resolve().then(() => {"
          "    try { log = String(r.headers.get('x-name')); } catch (e) { log = e.message; } });"
          "    return new Response('ok'); }"
          "  ctx.waitUntil((async () => { await new Promise(r => setTimeout(r, 5));"
          "    log = r.headers.get('x-name'); })());"
          "  return new Response('ok'); } };"),
      "");
  auto exchange = std::make_unique<Exchange>();
  exchange->request_headers = {{"X-Name", "bee"}};
  worker.start(*exchange);
  exchange->request_headers.clear();
  ASSERT_TRUE(worker.run_until([&] { return exchange->ended; }));
  EXPECT_EQ(worker.get("http://worker.test/log"), "bee");
  // Nothing holds the event: once the answer is complete, the channel is not asked any more.
  EXPECT_EQ(worker.get("http://worker.test/late"), "ok");
  EXPECT_EQ(worker.get("http://worker.test/log"), kHeadUnreadMessage);
}

TEST(Event, CancelEndsAtOnce) {
  Worker worker;
  ASSERT_EQ(worker.load("export default { async fetch(r, env, ctx) {"
                        "  ctx.waitUntil(new Promise(r => setTimeout(r, 10000)));"
                        "  await new Promise(r => setTimeout(r, 10000)); } };"),
            "");
  Exchange exchange;
  worker.runtime().cancel(*worker.begin(exchange));
  EXPECT_TRUE(exchange.ended);
  ASSERT_TRUE(exchange.failed);
  EXPECT_EQ(exchange.failed->outcome, Outcome::canceled);
}

TEST(Event, TheCpuLimitEndsOneRequest) {
  Worker worker({.cpu_ms = 30});
  ASSERT_EQ(worker.load(
                "export default { async fetch(r) {"
                "  if (r.url.endsWith('spin')) for (;;) {}"
                "  await new Promise(r => setTimeout(r, 200)); return new Response('fine'); } };"),
            "");
  Exchange neighbour, spin;
  worker.start(neighbour);
  spin.request_url = "http://worker.test/spin";
  worker.start(spin);
  ASSERT_TRUE(worker.run_until([&] { return spin.ended && neighbour.ended; }));
  ASSERT_TRUE(spin.failed);
  EXPECT_EQ(spin.failed->outcome, Outcome::exceeded_cpu);
  EXPECT_EQ(neighbour.body, "fine");
}

TEST(Event, OutOfMemoryEndsAllOfTheIsolate) {
  Worker worker;
  ASSERT_EQ(
      worker.load(
          "export default { async fetch(r) {"
          "  if (r.url.endsWith('eat')) { const a = []; for (;;) a.push(new "
          "Array(1000).fill(1.5)); }"
          "  await new Promise(r => setTimeout(r, 60000)); return new Response('fine'); } };"),
      "");
  Exchange neighbour, eater, late;
  worker.start(neighbour);
  eater.request_url = "http://worker.test/eat";
  worker.start(eater);
  ASSERT_TRUE(worker.run_until([&] { return eater.ended && neighbour.ended; }));
  ASSERT_TRUE(eater.failed);
  EXPECT_EQ(eater.failed->outcome, Outcome::exceeded_memory);
  EXPECT_EQ(eater.failed->exception.message, kExceededMemory);
  ASSERT_TRUE(neighbour.failed);
  EXPECT_EQ(neighbour.failed->outcome, Outcome::exceeded_memory);
  EXPECT_EQ(worker.start(late), nullptr);
}

TEST(Event, AHogIsSuspendedAndOthersAnswer) {
  Worker hog({.cpu_ms = 300}), other;
  ASSERT_EQ(hog.load("export default { fetch(r) { for (;;) {} } };"), "");
  ASSERT_EQ(other.load("export default { fetch(r) { return new Response('fine'); } };"), "");
  Exchange spin, gone;
  hog.start(spin);
  Event* waiting = hog.start(gone);  // queued behind the first
  ASSERT_NE(waiting, nullptr);
  EXPECT_FALSE(spin.ended);
  EXPECT_EQ(other.get(), "fine");
  hog.runtime().client_gone(*waiting);
  EXPECT_FALSE(gone.ended);  // its job is still queued
  ASSERT_TRUE(hog.run_until([&] { return spin.ended && gone.ended; }));
  EXPECT_EQ(spin.failed->outcome, Outcome::exceeded_cpu);
  EXPECT_EQ(gone.result.outcome, Outcome::canceled);
}

TEST(Event, TooManyTimersAreRefused) {
  Worker worker;
  ASSERT_EQ(worker.load("export default { fetch() { let n = 0;"
                        "  try { for (;;) { setTimeout(() => {}, 60000); n++; } }"
                        "  catch (e) { return new Response(n + e.name); } } };"),
            "");
  EXPECT_EQ(worker.get(), "10000QuotaExceededError");
}

}  // namespace
}  // namespace skep::api::testing
