// Calls between two isolates: service bindings, JavaScript RPC.
#include <gtest/gtest.h>

#include "api/testing/harness.h"

namespace skep::api::testing {
namespace {

// A worker that calls, and the one that it calls through env.SERVICE.
class RpcTest : public ::testing::Test {
 protected:
  void start(std::string callee, std::string caller, std::string entrypoint = "",
             std::string props = "") {
    callee_ = std::make_unique<Worker>(callee_setup);
    ASSERT_EQ(
        callee_->load(R"(import { WorkerEntrypoint, RpcTarget, RpcStub } from "cloudflare:workers";
)" + std::move(callee)),
        "");
    WorkerSetup setup = caller_setup;
    setup.services = {{.name = "SERVICE",
                       .worker = callee_.get(),
                       .entrypoint = std::move(entrypoint),
                       .props_json = std::move(props)}};
    caller_ = std::make_unique<Worker>(setup);
    ASSERT_EQ(
        caller_->load(R"(import { RpcTarget, RpcStub, env, exports } from "cloudflare:workers";
const failure = async (f) => {
  try { await f(); return "no error"; } catch (e) { return `${e.name}: ${e.message}`; }
};
const handler = )" + std::move(caller) +
                      R"(;
export default { async fetch(request, env, ctx) {
  const value = await handler(env.SERVICE, ctx, request, env);
  return value instanceof Response ? value : new Response(
    typeof value === "string" ? value : JSON.stringify(value));
} };)"),
        "");
  }
  // What the caller's handler gives, as text.
  std::string call() { return caller_->get(); }
  // A method body of the callee's class, and an expression of the caller.
  std::string run(std::string members, std::string expression) {
    start("export default class extends WorkerEntrypoint { " + std::move(members) + " }",
          "async (s, ctx, request, env) => { " + std::move(expression) + " }");
    return call();
  }

  WorkerSetup callee_setup, caller_setup;
  std::unique_ptr<Worker> callee_, caller_;
};

TEST_F(RpcTest, calls_a_method) {
  EXPECT_EQ(run("add(a, b) { return a + b; }", "return await s.add(1, 2);"), "3");
}

TEST_F(RpcTest, waits_for_a_promise) {
  EXPECT_EQ(run("async add(a, b) { await new Promise((r) => setTimeout(r, 1)); return a + b; }",
                "return await s.add(1, 2);"),
            "3");
}

TEST_F(RpcTest, passes_values_by_structured_clone) {
  EXPECT_EQ(run("kinds(...a) { return a.map((x) => Object.prototype.toString.call(x)).join(); }",
                "return await s.kinds(1, 'a', new Date(0), new Map([[1, 2]]), new Set([1]), /a/g, "
                "new Error('x'), new ArrayBuffer(2), new Uint8Array(3), undefined, null, 5n);"),
            "[object Number],[object String],[object Date],[object Map],[object Set],[object "
            "RegExp],[object Error],[object ArrayBuffer],[object Uint8Array],[object "
            "Undefined],[object Null],[object BigInt]");
}

TEST_F(RpcTest, gives_back_an_object_with_a_disposer) {
  EXPECT_EQ(run("get() { return { a: { b: [1, 2] } }; }",
                "using r = await s.get(); return [r, typeof r[Symbol.dispose]];"),
            R"([{"a":{"b":[1,2]}},"function"])");
}

TEST_F(RpcTest, errors_keep_their_kind) {
  EXPECT_EQ(run("fail() { const e = new RangeError('no'); e.code = 7; throw e; }",
                "try { await s.fail(); } catch (e) { return [e instanceof RangeError, e.message, "
                "e.remote, e.code, e.stack.includes('fail')]; }"),
            R"([true,"no",true,7,true])");
  ASSERT_EQ(callee_->exceptions.size(), 1u);
  EXPECT_EQ(callee_->exceptions[0].where, "rpc");
  EXPECT_EQ(callee_->exceptions[0].report.message, "RangeError: no");
}

TEST_F(RpcTest, says_which_methods_there_are) {
  EXPECT_EQ(run("constructor(ctx, env) { super(ctx, env); this.own = () => 1; } m() {} get p() { "
                "return 5; }",
                "const out = [];"
                "for (const n of ['nothing', 'own', 'env', 'ctx', 'alarm', 'webSocketMessage', "
                "'webSocketClose', 'webSocketError']) out.push(await failure(() => s[n]()));"
                "out.push(await failure(() => s.p()), await s.p);"
                "return out.join('\\n');"),
            "TypeError: The RPC receiver does not implement the method \"nothing\".\n"
            "TypeError: The RPC receiver does not implement the method \"own\".\n"
            "TypeError: The RPC receiver does not implement the method \"env\".\n"
            "TypeError: The RPC receiver does not implement the method \"ctx\".\n"
            "TypeError: 'alarm' is a reserved method and cannot be called over RPC.\n"
            "TypeError: 'webSocketMessage' is a reserved method and cannot be called over RPC.\n"
            "TypeError: 'webSocketClose' is a reserved method and cannot be called over RPC.\n"
            "TypeError: 'webSocketError' is a reserved method and cannot be called over RPC.\n"
            "TypeError: \"p\" is not a function.\n"
            "5");
}

TEST_F(RpcTest, refuses_instances_of_other_classes) {
  EXPECT_EQ(
      run("take() {} give() { return new (class Secret {})(); }",
          "class Mine {}"
          "return [await failure(() => s.take(new Mine())), await failure(() => s.take({ a: "
          "[new Mine()] })), await failure(() => s.give()), await failure(() => "
          "s.take(Promise.resolve())), await failure(() => s.take(Symbol('x')))].join('\\n');"),
      "DataCloneError: Could not serialize object of type \"Mine\". This type does not "
      "support serialization.\n"
      "DataCloneError: Could not serialize object of type \"Mine\". This type does not "
      "support serialization.\n"
      "DataCloneError: Could not serialize object of type \"Secret\". This type does not "
      "support serialization.\n"
      "DataCloneError: #<Promise> could not be cloned.\n"
      "DataCloneError: Symbol(x) could not be cloned.");
}

TEST_F(RpcTest, functions_go_both_ways) {
  EXPECT_EQ(run("async twice(f) { return (await f(1)) + (await f(2)); }"
                "counter() { let n = 0; return { up: () => ++n, deep: [() => 'deep'] }; }",
                "const sum = await s.twice((x) => x * 10);"
                "const c = await s.counter();"
                "return [sum, await c.up(), await c.up(), await c.deep[0]()];"),
            R"([30,1,2,"deep"])");
}

TEST_F(RpcTest, targets_are_stubs) {
  start(
      "class Counter extends RpcTarget { #n; constructor(n) { super(); this.#n = n; this.own = 1; }"
      "  up(by = 1) { return this.#n += by; } get value() { return this.#n; } "
      "  [Symbol.dispose]() { console.log('disposed at ' + this.#n); } }"
      "export default class extends WorkerEntrypoint { make(n) { return new Counter(n); } }",
      "async (s) => { const c = await s.make(5); await c.up(); await c.up(3);"
      " const v = await c.value; const own = await failure(() => c.own);"
      " const is = c instanceof RpcStub; const twin = c.dup(); c[Symbol.dispose]();"
      " const after = await failure(() => c.up()); const again = await twin.up();"
      " twin[Symbol.dispose](); return [v, own, is, after, again].join('\\n'); }");
  EXPECT_EQ(
      call(),
      "9\nTypeError: The RPC receiver does not implement the method \"own\".\ntrue\nError: RPC "
      "stub used after being disposed.\n10");
  EXPECT_TRUE(callee_->run_until([&] { return !callee_->console.empty(); }));
  EXPECT_EQ(callee_->console[0], "disposed at 10");
  EXPECT_TRUE(callee_->run_until([&] { return callee_->runtime().events_in_flight() == 0; }));
}

TEST_F(RpcTest, what_is_not_disposed_goes_with_the_event) {
  start(
      "export default class extends WorkerEntrypoint { make() { const t = () => 1;"
      "  t[Symbol.dispose] = () => console.log('gone'); return t; } }",
      "async (s) => { const t = await s.make(); return await t(); }");
  EXPECT_EQ(call(), "1");
  EXPECT_TRUE(callee_->run_until([&] { return !callee_->console.empty(); }));
  EXPECT_TRUE(callee_->run_until([&] { return callee_->runtime().events_in_flight() == 0; }));
}

TEST_F(RpcTest, pipelines) {
  EXPECT_EQ(run("a() { return { b: { c: (x) => x + 1, d: { e: 'deep' } } }; }"
                "make() { return (() => 'called'); }",
                "const p = s.a(); const one = p.b.c(1); const e = p.b.d.e;"
                "return [await one, await e, await s.make()(), await failure(() => s.a().b.no()),"
                " await failure(() => s.a().x.y)];"),
            R"([2,"deep","called",)"
            R"("TypeError: The RPC receiver does not implement the method \"no\".",)"
            R"("TypeError: The RPC receiver does not implement the method \"x\"."])");
}

TEST_F(RpcTest, a_path_has_an_end) {
  EXPECT_EQ(run("m() {}",
                "let p = s; return await failure(() => { for (let i = 0; i < 100; i++) p = "
                "p.x; });"),
            "TypeError: RPC pipelined property path is too deep (max 64).");
}

TEST_F(RpcTest, calls_arrive_in_order) {
  EXPECT_EQ(
      run("log() { const seen = []; return { add: (x) => { seen.push(x); }, all: () => seen }; }",
          "const l = await s.log(); for (let i = 0; i < 50; i++) l.add(i);"
          "const all = await l.all(); return all.length === 50 && all.every((x, i) => x === i);"),
      "true");
}

TEST_F(RpcTest, props_and_named_entrypoints) {
  start(
      "export class Admin extends WorkerEntrypoint { who() { return this.ctx.props; } "
      "fetch(r) { return Response.json({ props: this.ctx.props, url: r.url }); } }",
      "async (s) => [await s.who(), await (await s.fetch('http://x/y')).json()]", "Admin",
      R"({"user":7})");
  EXPECT_EQ(call(), R"([{"user":7},{"props":{"user":7},"url":"http://x/y"}])");
}

TEST_F(RpcTest, an_entrypoint_that_is_not_there) {
  start("export class Admin extends WorkerEntrypoint {}",
        "async (s) => [await failure(() => s.who()), await failure(() => s.fetch('http://x/'))]"
        ".join('\\n')",
        "Other");
  EXPECT_EQ(call(),
            "TypeError: The entrypoint name Other was not found in this worker. Ensure the worker "
            "exports an entrypoint with that name.\n"
            "TypeError: The entrypoint name Other was not found in this worker. Ensure the worker "
            "exports an entrypoint with that name.");
}

TEST_F(RpcTest, handlers_of_a_plain_object) {
  start(
      "export default { hello(name, env, ctx) { return `${name} ${typeof env} ${typeof "
      "ctx.waitUntil}`; } }",
      "async (s) => [await s.hello('a'), await failure(() => s.hello()), await failure(() => "
      "s.hello(1, 2))].join('\\n')");
  EXPECT_EQ(call().substr(0, 20), "a object function\nTy");
}

TEST_F(RpcTest, fetch_hands_over_requests_and_responses) {
  start(
      "export default { async fetch(request) { return new Response(request.method + ' ' + "
      "request.url + ' ' + request.headers.get('x-a') + ' ' + await request.text(), { status: 201, "
      "statusText: 'Made', headers: { 'x-b': 'c' } }); } }",
      "async (s) => { const r = await s.fetch('http://a.b/c?d', { method: 'POST', body: 'body', "
      "headers: { 'x-a': '1' } }); return [r.status, r.statusText, r.headers.get('x-b'), await "
      "r.text()]; }");
  EXPECT_EQ(call(), R"([201,"Made","c","POST http://a.b/c?d 1 body"])");
}

TEST_F(RpcTest, fetch_passes_exceptions) {
  start(
      "export default { async fetch(request) { throw new TypeError('inside'); } }",
      "async (s) => { try { await s.fetch('http://a.b/'); } catch (e) { return [e.name, e.message, "
      "e.remote]; } }");
  EXPECT_EQ(call(), R"(["TypeError","inside",true])");
}

TEST_F(RpcTest, fetch_streams_with_back_pressure) {
  start(
      "let made = 0; export default { async fetch(request) { "
      "const { searchParams } = new URL(request.url);"
      "if (searchParams.has('made')) return new Response(String(made));"
      "return new Response(new ReadableStream({ pull(c) { made++; c.enqueue(new "
      "Uint8Array(65536)); if (made === 200) c.close(); } })); } }",
      "async (s) => { const r = await s.fetch('http://a.b/'); const reader = r.body.getReader();"
      " const first = await reader.read(); await new Promise((f) => setTimeout(f, 20));"
      " const early = Number(await (await s.fetch('http://a.b/?made')).text());"
      " let n = first.value.length; for (;;) { const { done, value } = await reader.read(); if "
      "(done) break; n "
      "+= value.length; } return [early < 20, n >= 13000000]; }");
  EXPECT_EQ(call(), "[true,true]");
}

TEST_F(RpcTest, passes_requests_responses_and_headers) {
  EXPECT_EQ(
      run("async take(r) { return new Response(r.method + await r.text(), { status: 202, "
          "headers: [['a', r.headers.get('x')]] }); } heads(h) { h.append('b', '2'); return h; }",
          "const r = await s.take(new Request('http://x/', { method: 'PUT', body: 'up', headers: "
          "{ x: 'y' } })); return [r.status, r.headers.get('a'), await r.text(), [...await "
          "s.heads(new Headers({ a: '1' }))]];"),
      R"([202,"y","PUTup",[["a","1"],["b","2"]]])");
}

TEST_F(RpcTest, passes_streams) {
  EXPECT_EQ(run("async read(stream) { return await new Response(stream).text(); }"
                "make() { return new Blob(['from the callee']).stream(); }"
                "async fill(w) { const x = w.getWriter(); await x.write(new "
                "TextEncoder().encode('filled')); await x.close(); }",
                "const t = new IdentityTransformStream(); const filled = s.fill(t.writable);"
                "const text = await new Response(t.readable).text(); await filled;"
                "return [await s.read(new Blob(['from the caller']).stream()), await new "
                "Response(await s.make()).text(), text];"),
            R"(["from the caller","from the callee","filled"])");
}

TEST_F(RpcTest, passes_signals) {
  EXPECT_EQ(run("wait(signal) { return new Promise((r) => signal.addEventListener('abort', () => "
                "r(signal.reason.message))); }",
                "const c = new AbortController(); const p = s.wait(c.signal); setTimeout(() => "
                "c.abort(new Error('stop')), 5); return await p;"),
            "stop");
}

TEST_F(RpcTest, forwards_stubs) {
  EXPECT_EQ(run("async call(f) { return await f(); } echo(f) { return f; }",
                "const f = await s.echo(() => 'mine'); return [await s.call(f), await f()];"),
            R"(["mine","mine"])");
}

TEST_F(RpcTest, ctx_exports) {
  Worker worker;
  ASSERT_EQ(
      worker.load(R"(import { WorkerEntrypoint, exports, withExports } from "cloudflare:workers";
    export class Greeter extends WorkerEntrypoint {
      hello(name) { return `hello ${name} ${JSON.stringify(this.ctx.props)}`; }
    }
    export const notAnEntrypoint = 5;
    export default { async fetch(request, env, ctx) { return Response.json([
      Object.keys(ctx.exports), await ctx.exports.Greeter.hello("a"),
      await ctx.exports.Greeter({ props: { b: [1] } }).hello("c"), await exports.Greeter.hello("d"),
      withExports({ Greeter: "other" }, () => exports.Greeter)]); } };)"),
      "");
  EXPECT_EQ(worker.get(),
            R"([["Greeter","default"],"hello a {}","hello c {\"b\":[1]}","hello d {}","other"])");
}

TEST_F(RpcTest, exports_may_be_called_for_ever) {
  WorkerSetup setup;
  setup.subrequests = 20'000;
  Worker worker(setup);
  ASSERT_EQ(worker.load(R"(import { WorkerEntrypoint, exports } from "cloudflare:workers";
    export class Adder extends WorkerEntrypoint { add(n) { return n + 1; } }
    export default { async fetch() {
      let n = 0;
      while (n < 6000) n = await exports.Adder.add(n);
      return new Response(n); } };)"),
            "");
  EXPECT_EQ(worker.get(), "6000");
}

TEST_F(RpcTest, stubs_in_arguments_are_moved_where_the_date_is_old) {
  const std::string members = "call(f) { return f(); } give() { return () => 1; }";
  const std::string expression =
      "const f = await s.give(); return [await s.call(f), await failure(() => f())];";
  EXPECT_EQ(run(members, expression), R"([1,"no error"])");
  caller_setup.compatibility_date = "2025-12-01";
  EXPECT_EQ(run(members, expression), R"([1,"Error: RPC stub used after being disposed."])");
}

TEST_F(RpcTest, bindings_of_before_rpc_have_fetch_alone) {
  caller_setup.compatibility_date = "2024-03-01";
  EXPECT_EQ(run("m() {} fetch() { return new Response('text'); }",
                "return [typeof s.m, typeof s.fetch, await (await s.fetch('http://x/')).text()];"),
            R"(["undefined","function","text"])");
}

TEST_F(RpcTest, ctx_abort_ends_the_invocation) {
  EXPECT_EQ(run("stop() { this.ctx.abort(new TypeError('enough')); return 1; }",
                "return await failure(() => s.stop());"),
            "TypeError: enough");
  ASSERT_FALSE(callee_->exceptions.empty());
  EXPECT_EQ(callee_->exceptions[0].report.message, "TypeError: enough");
}

TEST_F(RpcTest, nested_calls_have_a_limit) {
  Worker worker;
  ASSERT_EQ(worker.load(R"(import { WorkerEntrypoint, exports } from "cloudflare:workers";
    export class Down extends WorkerEntrypoint {
      go(n) { return exports.Down.go(n + 1); }
    }
    export default { async fetch() {
      try { return new Response(await exports.Down.go(1)); }
      catch (e) { return new Response(e.message.slice(0, 32)); } } };)"),
            "");
  EXPECT_EQ(worker.get(), "Subrequest depth limit exceeded.");
}

TEST_F(RpcTest, calls_are_subrequests) {
  caller_setup.subrequests = 7;
  EXPECT_EQ(run("m() {}",
                "let n = 0; try { for (;; n++) await s.m(); } catch (e) { return [n, "
                "e.message]; }"),
            R"([7,"Too many subrequests."])");
}

TEST_F(RpcTest, stubs_have_a_limit) {
  EXPECT_EQ(
      run("async take(f) { } ",
          "const keep = []; return await failure(async () => { for (let i = 0; i < 5000; i++) "
          "keep.push(new RpcStub(() => i)); });"),
      "Error: Too many RPC stubs are in use at once. Dispose those that are not needed any "
      "more.");
}

TEST_F(RpcTest, local_stubs) {
  EXPECT_EQ(run("m() {}",
                "const t = new (class extends RpcTarget { m(x) { return { x }; } })();"
                "const stub = new RpcStub(t); return await stub.m(3).x;"),
            "3");
}

TEST_F(RpcTest, a_cycle_of_stubs_ends_with_the_caller) {
  EXPECT_EQ(run("keep(f) { const g = f.dup(); this.ctx.waitUntil(g()); return () => g.dup(); }",
                "const back = await s.keep(() => 1); return await (await back())();"),
            "1");
  EXPECT_TRUE(callee_->run_until([&] { return callee_->runtime().events_in_flight() == 0; }));
}

TEST_F(RpcTest, a_caller_that_leaves_cancels_its_calls) {
  start(
      "let aborted = 0; export default class extends WorkerEntrypoint { async slow() { await new "
      "Promise((r) => setTimeout(r, 60000)); } }",
      "async (s) => { await s.slow(); }");
  Exchange exchange;
  Event* event = caller_->start(exchange);
  ASSERT_NE(event, nullptr);
  ASSERT_TRUE(callee_->run_until([&] { return callee_->runtime().events_in_flight() == 1; }));
  caller_->runtime().client_gone(*event);
  EXPECT_TRUE(callee_->run_until([&] { return callee_->runtime().events_in_flight() == 0; }));
}

TEST_F(RpcTest, messages_have_a_limit) {
  EXPECT_EQ(
      run("take() {}", "return await failure(() => s.take(new ArrayBuffer(33 << 20)));"),
      "Error: Serialized RPC arguments or return values are limited to 32MiB, but the size of "
      "this value was: 34603020 bytes.");
}

TEST_F(RpcTest, an_event_that_hangs_fails_its_caller) {
  EXPECT_EQ(
      run("hang() { return new Promise(() => {}); }", "return await failure(() => s.hang());"),
      "Error: The execution context responding to this call was canceled.");
}

TEST_F(RpcTest, cpu_limits_are_of_the_callee) {
  callee_setup.cpu_ms = 20;
  EXPECT_EQ(run("spin() { for (;;); }", "return await failure(() => s.spin());"),
            "Error: Worker exceeded CPU time limit.");
}

}  // namespace
}  // namespace skep::api::testing
