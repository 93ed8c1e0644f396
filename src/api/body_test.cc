// Bodies both ways: whole and streamed, with backpressure, passed on untouched, cut off.
#include <gtest/gtest.h>

#include "api/event/errors.h"
#include "api/testing/harness.h"

namespace skep::api::testing {
namespace {

Exchange post(std::deque<std::string> chunks) {
  Exchange exchange;
  exchange.request_method = "POST";
  exchange.request_body = std::move(chunks);
  return exchange;
}

TEST(Body, IsReadWhole) {
  Worker worker;
  ASSERT_EQ(
      worker.load(
          "export default { async fetch(r) { const p = new URL(r.url).pathname;"
          "  if (p == '/json') return Response.json((await r.json()).a);"
          "  if (p == '/bytes') return new Response((await r.bytes()).constructor.name);"
          "  if (p == '/buffer') return new Response((await r.arrayBuffer()).byteLength + '');"
          "  return new Response(await r.text() + r.bodyUsed); } };"),
      "");
  Exchange text = post({"\xEF\xBB\xBF", "gr", "\xC3", "\xBC\xC3\x9F", "e"});
  worker.send(text);
  EXPECT_EQ(text.body, "grüßetrue");
  Exchange json = post({"{\"a\":", "[1,2]}"});
  json.request_url = "http://worker.test/json";
  worker.send(json);
  EXPECT_EQ(json.body, "[1,2]");
  EXPECT_EQ(json.header("Content-Type"), "application/json");
  Exchange bytes = post({"abc"});
  bytes.request_url = "http://worker.test/bytes";
  worker.send(bytes);
  EXPECT_EQ(bytes.body, "Uint8Array");
  Exchange buffer = post({"abc", "def"});
  buffer.request_url = "http://worker.test/buffer";
  worker.send(buffer);
  EXPECT_EQ(buffer.body, "6");
}

TEST(Body, BadJsonIsASyntaxError) {
  Worker worker;
  ASSERT_EQ(
      worker.load("export default { async fetch(r) {"
                  "  try { await r.json(); } catch (e) { return new Response(e.name); } } };"),
      "");
  Exchange exchange = post({"{"});
  worker.send(exchange);
  EXPECT_EQ(exchange.body, "SyntaxError");
}

TEST(Body, IsReadTwiceOnlyByClone) {
  Worker worker;
  ASSERT_EQ(worker.load("export default { async fetch(r) { const c = r.clone();"
                        "  const a = await r.text(); const b = await c.text(); let e;"
                        "  try { await r.text(); } catch (x) { e = x; }"
                        "  return new Response(a + b + e.name); } };"),
            "");
  Exchange exchange = post({"one", "two"});
  worker.send(exchange);
  EXPECT_EQ(exchange.body, "onetwoonetwoTypeError");
}

TEST(Body, StreamsInAsItComes) {
  Worker worker;
  ASSERT_EQ(worker.load("export default { async fetch(r) { const seen = [];"
                        "  for await (const chunk of r.body) seen.push(chunk.length);"
                        "  return new Response(seen.join()); } };"),
            "");
  Exchange exchange = post({"12345"});
  exchange.body_open = true;
  worker.start(exchange);
  EXPECT_FALSE(exchange.ended);
  exchange.give("abc");
  exchange.give("x");
  exchange.end_body();
  ASSERT_TRUE(worker.run_until([&] { return exchange.ended; }));
  EXPECT_EQ(exchange.body, "5,3,1");
}

TEST(Body, IsNotPulledBeforeItIsWanted) {
  Worker worker;
  ASSERT_EQ(worker.load("export default { async fetch(r) { const reader = r.body.getReader();"
                        "  await reader.read(); return new Response('enough'); } };"),
            "");
  Exchange exchange = post({"a", "b", "c"});
  worker.send(exchange);
  EXPECT_EQ(exchange.body, "enough");
  EXPECT_LE(exchange.pulls, 2u);
}

TEST(Body, PassesThroughWithoutJavaScript) {
  Worker worker;
  ASSERT_EQ(
      worker.load(
          "export default { fetch(r) { return new Response(r.body, {headers: {a: 'b'}}); } };"),
      "");
  Exchange exchange = post({"one ", "two ", "three"});
  worker.send(exchange);
  EXPECT_EQ(exchange.body, "one two three");
  EXPECT_TRUE(exchange.finished);
}

TEST(Body, PassingThroughWaitsForASlowClient) {
  Worker worker;
  ASSERT_EQ(worker.load("export default { fetch(r) { return new Response(r.body); } };"), "");
  Exchange exchange = post({std::string(100, 'a'), std::string(100, 'b'), std::string(100, 'c')});
  exchange.window = 50;
  worker.start(exchange);
  ASSERT_TRUE(worker.run_until([&] { return exchange.body.size() == 100; }));
  EXPECT_EQ(exchange.request_body.size(), 2u);
  exchange.drain();
  ASSERT_TRUE(worker.run_until([&] { return exchange.body.size() == 200; }));
  exchange.drain();
  ASSERT_TRUE(worker.run_until([&] { return exchange.body.size() == 300; }));
  exchange.drain();
  ASSERT_TRUE(worker.run_until([&] { return exchange.ended; }));
  EXPECT_TRUE(exchange.finished);
}

constexpr const char* kCounter =
    "globalThis.pulled = 0; globalThis.cancelled = '';"
    "export default { fetch(r) {"
    "  if (r.url.endsWith('state')) return new Response(pulled + ' ' + cancelled);"
    "  let n = 0; pulled = 0; cancelled = '';"
    "  return new Response(new ReadableStream({"
    "    pull(c) { pulled++; if (++n > 5) c.close(); else c.enqueue(new Uint8Array(10).fill(64 + "
    "n)); },"
    "    cancel(reason) { cancelled = String(reason); } })); } };";

TEST(Body, StreamsOut) {
  Worker worker;
  ASSERT_EQ(worker.load(kCounter), "");
  EXPECT_EQ(worker.get(), "AAAAAAAAAABBBBBBBBBBCCCCCCCCCCDDDDDDDDDDEEEEEEEEEE");
}

TEST(Body, StreamsOutNoFasterThanTheClientReads) {
  Worker worker;
  ASSERT_EQ(worker.load(kCounter), "");
  Exchange exchange;
  exchange.window = 5;
  worker.start(exchange);
  ASSERT_TRUE(worker.run_until([&] { return exchange.body.size() == 10; }));
  const std::string state = worker.get("http://worker.test/state");
  EXPECT_LE(std::stoi(state), 3) << state;
  for (size_t sent = 10; sent <= 50; sent += 10) {
    ASSERT_TRUE(worker.run_until([&] { return exchange.body.size() == sent; }));
    exchange.drain();
  }
  ASSERT_TRUE(worker.run_until([&] { return exchange.ended; }));
  EXPECT_EQ(exchange.body.size(), 50u);
}

TEST(Body, AStreamIsCancelledWhenTheClientGoes) {
  Worker worker;
  ASSERT_EQ(worker.load("globalThis.cancelled = ''; export default { fetch(r, e, ctx) {"
                        "  if (r.url.endsWith('state')) return new Response(cancelled);"
                        "  ctx.waitUntil(new Promise(r => setTimeout(r, 50)));"
                        "  return new Response(new ReadableStream({"
                        "    pull(c) { c.enqueue(new Uint8Array(10)); },"
                        "    cancel(reason) { cancelled = String(reason); } })); } };"),
            "");
  Exchange exchange;
  exchange.window = 15;
  Event* event = worker.start(exchange);
  // The handler may have had to wait for its turn.
  ASSERT_TRUE(worker.run_until([&] { return exchange.body.size() == 20; }));
  ASSERT_FALSE(exchange.ended);
  worker.runtime().client_gone(*event);
  ASSERT_TRUE(worker.run_until([&] { return exchange.ended; }));
  EXPECT_NE(worker.get("http://worker.test/state"), "");
}

TEST(Body, AStreamThatFailsCutsTheAnswer) {
  Worker worker;
  ASSERT_EQ(worker.load("export default { fetch(r) { let n = 0;"
                        "  return new Response(new ReadableStream({ pull(c) {"
                        "    if (n++) c.error(new Error('broken')); else c.enqueue(new "
                        "Uint8Array(3)); } })); } };"),
            "");
  Exchange exchange;
  worker.send(exchange);
  EXPECT_EQ(exchange.status, 200);
  EXPECT_TRUE(exchange.aborted);
  EXPECT_FALSE(exchange.finished);
}

TEST(Body, AStreamOfStringsIsRefused) {
  Worker worker;
  ASSERT_EQ(
      worker.load("export default { fetch(r) { return new Response(new ReadableStream({ start(c) {"
                  "  c.enqueue('text'); c.close(); } })); } };"),
      "");
  Exchange exchange;
  worker.send(exchange);
  EXPECT_TRUE(exchange.aborted);
  ASSERT_EQ(worker.exceptions.size(), 1u);
}

TEST(Body, AStreamThatNeverGivesIsHung) {
  Worker worker;
  ASSERT_EQ(
      worker.load("export default { fetch(r) { return new Response(new ReadableStream({})); } };"),
      "");
  Exchange exchange;
  worker.send(exchange);
  EXPECT_TRUE(exchange.aborted);
  EXPECT_EQ(exchange.result.outcome, Outcome::canceled);
}

TEST(Body, FixedLengthGivesAContentLength) {
  Worker worker;
  ASSERT_EQ(
      worker.load(
          "export default { fetch(r) { const { readable, writable } = new FixedLengthStream(4);"
          "  const w = writable.getWriter(); w.write(new TextEncoder().encode('four')); w.close();"
          "  return new Response(readable); } };"),
      "");
  Exchange exchange;
  worker.send(exchange);
  EXPECT_EQ(exchange.body, "four");
  EXPECT_EQ(exchange.content_length, 4u);
}

TEST(Body, TransformsWhatPasses) {
  Worker worker;
  ASSERT_EQ(worker.load("export default { fetch(r) { return new Response(r.body.pipeThrough("
                        "  new TransformStream({ transform(chunk, c) {"
                        "    c.enqueue(chunk.map(b => b ^ 32)); } }))); } };"),
            "");
  Exchange exchange = post({"abc", "DEF"});
  worker.send(exchange);
  EXPECT_EQ(exchange.body, "ABCdef");
}

TEST(Body, IsOutOfReachAfterTheAnswer) {
  Worker worker;
  ASSERT_EQ(worker.load("globalThis.seen = ''; export default { async fetch(r, e, ctx) {"
                        "  if (r.url.endsWith('state')) return new Response(seen);"
                        "  ctx.waitUntil((async () => { await new Promise(r => setTimeout(r, 1));"
                        "    await r.text().catch(e => { seen = e.message; }); })());"
                        "  return new Response('x'); } };"),
            "");
  Exchange exchange = post({"body"});
  worker.send(exchange);
  EXPECT_EQ(worker.get("http://worker.test/state"), kBodyAfterResponseMessage);
}

TEST(Body, TheClientGoesWhileItsBodyIsRead) {
  Worker worker;
  ASSERT_EQ(worker.load("globalThis.seen = ''; export default { async fetch(r, e, ctx) {"
                        "  if (r.url.endsWith('state')) return new Response(seen);"
                        "  const p = r.text().catch(e => { seen = e.message; }); ctx.waitUntil(p);"
                        "  await p; return new Response('x'); } };"),
            "");
  Exchange exchange = post({"begin"});
  exchange.body_open = true;
  Event* event = worker.start(exchange);
  worker.runtime().client_gone(*event);
  ASSERT_TRUE(worker.run_until([&] { return exchange.ended; }));
  EXPECT_EQ(worker.get("http://worker.test/state"), kConnectionLost);
}

}  // namespace
}  // namespace skep::api::testing
