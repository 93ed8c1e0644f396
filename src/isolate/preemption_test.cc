// A hog holds nobody: what the watchdog and the CPU limit do to code that does not come back.
#include <algorithm>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/time.h"
#include "isolate/test_support.h"

namespace skep::isolate::testing {
namespace {

using PreemptionTest = IsolateTest;

// (module (func (export "spin") (loop br 0)))
constexpr const char* kWasmSpin = "new WebAssembly.Instance(spin).exports.spin()";
constexpr unsigned char kSpin[] = {0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04,
                                   0x01, 0x60, 0x00, 0x00, 0x03, 0x02, 0x01, 0x00, 0x07, 0x08,
                                   0x01, 0x04, 's',  'p',  'i',  'n',  0x00, 0x00, 0x0a, 0x09,
                                   0x01, 0x07, 0x00, 0x03, 0x40, 0x0c, 0x00, 0x0b, 0x0b};

// Gives the tenant a global `spin`, a module that never returns.
void give_wasm(Tenant& tenant) {
  FunctionJob job([&](v8::Isolate* isolate, v8::Local<v8::Context> context) {
    allow_wasm_code(tenant, true);
    v8::Local<v8::WasmModuleObject> module;
    ASSERT_TRUE(v8::WasmModuleObject::Compile(isolate, {kSpin, sizeof kSpin}).ToLocal(&module));
    allow_wasm_code(tenant, false);
    context->Global()
        ->Set(context, v8::String::NewFromUtf8Literal(isolate, "spin"), module)
        .Check();
  });
  ASSERT_TRUE(tenant.run(job));
}

TEST_F(PreemptionTest, the_cpu_limit_ends_every_kind_of_loop) {
  for (const char* script :
       {"for (;;) {}", kWasmSpin, "/(a*)*b/.test('a'.repeat(40))",
        "const f = () => Promise.resolve().then(f); f()",
        "try { for (;;) {} } finally { for (;;) {} }",
        "for (;;) { try { for (;;) {} } catch { continue } }",
        "let n = 0; for (;;) n += JSON.stringify({a: [1, 2, 3]}).length",
        "'x'.repeat(1e6).replace(/x/g, () => { for (;;) {} })",
        "[3, 1, 2].sort(() => { for (;;) {} })", "new Proxy({}, {get() { for (;;) {} }}).x",
        "JSON.parse('{\"a\": 1}', () => { for (;;) {} })", "for (;;) new Array(1000)"}) {
    SCOPED_TRACE(script);
    auto tenant = take();
    give_wasm(*tenant);
    ScriptJob job(script, 30);
    run(*tenant, job);
    EXPECT_EQ(job.reason(), StopReason::cpu_limit) << script << " -> " << job.result();
    EXPECT_TRUE(tenant->condemned());
    EXPECT_EQ(eval(*tenant, "1 + 1"), "2") << script;
  }
}

// A round of this loop is a stack overflow, and V8 looks for interrupts once in thousands of
// rounds: on a slow machine the watchdog loses patience first, and the isolate is left behind.
TEST_F(PreemptionTest, a_loop_of_stack_overflows_is_stopped_or_left_behind) {
  auto tenant = take();
  ScriptJob job("function g() { for (;;) { try { g() } catch {} } } g()", 30);
  run(*tenant, job);
  EXPECT_EQ(job.reason(), StopReason::cpu_limit) << job.result();
  EXPECT_TRUE(tenant->condemned());
  auto neighbour = take();
  EXPECT_EQ(eval(*neighbour, "1 + 1"), "2");
}

// In a loop that is not compiled yet V8 looks for interrupts once in some hundred rounds.
TEST_F(PreemptionTest, long_builtins_in_a_young_loop_let_others_in_at_collections) {
  auto tenant = take();
  ASSERT_EQ(eval(*tenant,
                 "var text = JSON.stringify(Array.from({length: 40000}, (_, i) => ({id: i, tags: "
                 "['a', 'b']}))); text.length > 1e6"),
            "true");
  ScriptJob hog("for (;;) JSON.parse(text)", 100);
  ASSERT_TRUE(tenant->run(hog));
  EXPECT_FALSE(hog.finished()) << "left while it ran";
  auto neighbour = take();
  EXPECT_EQ(eval(*neighbour, "1 + 1"), "2");
  EXPECT_FALSE(hog.finished());
  turn_until([&] { return hog.finished(); });
  EXPECT_EQ(hog.reason(), StopReason::cpu_limit);
  EXPECT_TRUE(tenant->condemned());
  EXPECT_EQ(eval(*neighbour, "1 + 1"), "2");
}

// What waits for a spinning tenant for too long is counted as overload, and is over when it is
// through.
TEST_F(PreemptionTest, a_queue_that_grows_old_is_overload) {
  auto tenant = take();
  // Long beyond the age that counts, however busy the machine is.
  ScriptJob spin("for (;;) {}", 2'000);
  ASSERT_TRUE(tenant->run(spin));
  std::vector<std::unique_ptr<ScriptJob>> jobs;
  while (jobs.size() < limits::kShedJobs) {
    EXPECT_FALSE(tenant->overloaded());
    jobs.push_back(std::make_unique<ScriptJob>("1"));
    ASSERT_TRUE(tenant->run(*jobs.back()));
  }
  EXPECT_FALSE(tenant->overloaded());
  turn_until([&] { return spin.finished() || tenant->overloaded(); });
  EXPECT_FALSE(spin.finished());
  turn_until([&] { return jobs.back()->finished(); });
  EXPECT_FALSE(tenant->overloaded());
}

// Jobs of an account that has kept the thread for long wait for the loop's turn.
TEST_F(PreemptionTest, a_heavy_account_waits_and_a_light_one_does_not) {
  auto account = std::make_shared<Account>();
  auto hog_tenant = take(), heavy = take(), light = take();
  hog_tenant->set_account(account);
  heavy->set_account(account);
  ScriptJob hog("for (;;) {}", 40);
  run(*hog_tenant, hog);
  EXPECT_GE(account->used_ns(), 40'000'000);
  ScriptJob late("1"), early("2");
  ASSERT_TRUE(heavy->run(late));
  EXPECT_FALSE(late.finished()) << "another isolate of the same account";
  ASSERT_TRUE(light->run(early));
  EXPECT_TRUE(early.finished());
  turn_until([&] { return late.finished(); });
  EXPECT_EQ(late.result(), "1");
}

TEST_F(PreemptionTest, hogs_take_turns) {
  constexpr size_t kHogs = 8;
  std::vector<std::unique_ptr<Tenant>> tenants;
  std::vector<std::unique_ptr<ScriptJob>> jobs;
  std::vector<size_t> order;
  for (size_t i = 0; i < kHogs; ++i) {
    tenants.push_back(take());
    give_wasm(*tenants.back());
    // They allocate as well, so that one is suspended in the middle of what another one collects.
    jobs.push_back(std::make_unique<ScriptJob>(
        i % 2 ? "let a = []; for (;;) { a.push([a.length]); if (a.length > 1e4) a = [] }"
              : kWasmSpin,
        60));
    jobs.back()->on_done = [&order, i] { order.push_back(i); };
  }
  for (size_t i = 0; i < kHogs; ++i) {
    ASSERT_TRUE(tenants[i]->run(*jobs[i]));
    EXPECT_FALSE(jobs[i]->finished());
  }
  auto neighbour = take();
  size_t least_ns = 0;
  while (order.size() < kHogs) {
    ASSERT_TRUE(loop_->turn(true));
    EXPECT_EQ(eval(*neighbour, "[1].concat([2]).length"), "2");
    if (order.empty()) {
      // Nobody runs ahead: at any time all have used about the same.
      auto [least, most] = std::minmax_element(
          jobs.begin(), jobs.end(), [](auto& a, auto& b) { return a->used_ns() < b->used_ns(); });
      least_ns = static_cast<size_t>((*least)->used_ns());
      if (!stressed()) EXPECT_LT((*most)->used_ns() - (*least)->used_ns(), 60'000'000);
    }
  }
  EXPECT_GT(least_ns, 0u);
  for (size_t i = 0; i < kHogs; ++i) {
    EXPECT_EQ(jobs[i]->reason(), StopReason::cpu_limit);
    EXPECT_EQ(jobs[i]->times_done(), 1);
    EXPECT_EQ(eval(*tenants[i], "2 + 2"), "4");
  }
}

TEST_F(PreemptionTest, a_long_job_without_a_limit_comes_to_its_end) {
  auto tenant = take();
  ScriptJob job(
      "let n = 0; const o = []; for (let i = 0; i < 3e7; i++) { n += i % 7;"
      "if (i % 1000 === 0) o.push({i}) } n + ':' + o.length");
  run(*tenant, job);
  EXPECT_EQ(job.reason(), StopReason::none);
  EXPECT_EQ(job.result(), "89999995:30000");
}

TEST_F(PreemptionTest, a_suspended_tenant_can_be_destroyed) {
  for (const char* script : {"for (;;) {}", "try { for (;;) {} } finally { for (;;) {} }"}) {
    auto tenant = take();
    ScriptJob job(script);
    ScriptJob queued("1");
    ASSERT_TRUE(tenant->run(job));
    ASSERT_TRUE(tenant->run(queued));
    ASSERT_FALSE(job.finished());
    arena_->give_back(std::move(tenant));
    EXPECT_EQ(job.reason(), StopReason::shutdown);
    EXPECT_EQ(queued.reason(), StopReason::shutdown);
    EXPECT_EQ(job.times_done(), 1);
    while (arena_->refill_step()) {
    }
  }
}

TEST_F(PreemptionTest, time_stands_still_in_a_job_and_moves_between) {
  auto tenant = take();
  ScriptJob job(
      "const begin = Date.now(); let different = 0;"
      "for (let i = 0; i < 5e6; i++) if (Date.now() !== begin || +new Date() !== begin) "
      "different++;"
      "different");
  run(*tenant, job);
  EXPECT_EQ(job.result(), "0");
  const std::string first = eval(*tenant, "Date.now()");
  const int64_t until_ns = monotonic_ns() + 5'000'000;
  while (monotonic_ns() < until_ns) {
  }
  EXPECT_LT(std::stoll(first), std::stoll(eval(*tenant, "Date.now()")));
  EXPECT_NEAR(wall_clock_ms(), std::stod(eval(*tenant, "Date.now()")), 10'000);
}

// Builtins that answer to nothing, and sizes that V8 would end the process for: the isolate is left
// behind.
TEST_F(PreemptionTest, what_cannot_be_stopped_is_left_behind) {
  auto neighbour = take();
  size_t left = engine().abandoned_isolates();
  for (const auto& [script, reason] : {
           std::pair("Array.prototype.forEach.call({length: 2 ** 53 - 1}, () => {})",
                     StopReason::cpu_limit),
           std::pair("Array.prototype.reverse.call({length: 2 ** 53 - 1})", StopReason::cpu_limit),
           std::pair("[].length = 2 ** 32 - 1; const a = []; a[2 ** 32 - 2] = 1; a.indexOf(5)",
                     StopReason::cpu_limit),
           std::pair("Array.prototype.sort.call({length: 2 ** 53 - 1})", StopReason::memory_limit),
           std::pair("'x'.padEnd(2 ** 28).split('').length", StopReason::memory_limit),
       }) {
    SCOPED_TRACE(script);
    auto tenant = take();
    ScriptJob job(script, 2'000);
    ScriptJob queued("1");
    job.on_done = [&] { EXPECT_FALSE(tenant->run(queued)); };
    run(*tenant, job);
    EXPECT_EQ(job.reason(), reason);
    EXPECT_EQ(job.times_done(), 1);
    EXPECT_TRUE(tenant->condemned());
    EXPECT_EQ(engine().abandoned_isolates(), ++left);
    EXPECT_EQ(eval(*neighbour, "[1, 2].map(x => x + 1).join()"), "2,3");
    struct Empty final : Tenant::Attachment {};
    tenant->attach(std::make_unique<Empty>());
    arena_->give_back(std::move(tenant));
    while (arena_->refill_step()) {
    }
    auto next = take();
    EXPECT_EQ(eval(*next, "let s = 0; for (let i = 0; i < 1e6; i++) s += i; s"), "499999500000");
  }
}

TEST_F(PreemptionTest, a_hold_is_known) {
  auto tenant = take();
  engine().take_longest_hold_ns();
  ScriptJob job("JSON.parse('[' + '[1,2,3],'.repeat(6e5) + '1]').length");
  run(*tenant, job);
  EXPECT_EQ(job.result(), "600001");
  EXPECT_GT(engine().take_longest_hold_ns(), 0);
  while (engine().held_ns() != 0) std::this_thread::yield();  // the next look sees that it is over
}

TEST_F(PreemptionTest, a_request_over_its_limit_gets_no_further_job) {
  auto tenant = take();
  ScriptJob job("'never'", 1);
  job.meter()->used_ns = 2'000'000;
  ASSERT_TRUE(tenant->run(job));
  EXPECT_EQ(job.reason(), StopReason::cpu_limit);
  EXPECT_EQ(job.result(), "");
}

TEST_F(PreemptionTest, the_queue_is_bounded) {
  auto tenant = take();
  ScriptJob spin("for (;;) {}", 20);
  ASSERT_TRUE(tenant->run(spin));
  std::vector<std::unique_ptr<ScriptJob>> jobs;
  while (jobs.size() <= limits::kJobsQueuedPerIsolate) {
    jobs.push_back(std::make_unique<ScriptJob>("1"));
    if (!tenant->run(*jobs.back())) break;
  }
  EXPECT_EQ(jobs.size(), limits::kJobsQueuedPerIsolate + 1);
  turn_until([&] { return jobs[jobs.size() - 2]->finished(); });
}

TEST_F(PreemptionTest, deep_recursion_is_a_range_error) {
  auto tenant = take();
  EXPECT_EQ(eval(*tenant, "function f() { return f() + 1 } f()"),
            "RangeError: Maximum call stack size exceeded");
  EXPECT_EQ(eval(*tenant, "/" + std::string(1e5, '(') + std::string(1e5, ')') + "/.test('')")
                .substr(0, 6),
            "Syntax");
}

TEST_F(PreemptionTest, what_is_not_there) {
  auto tenant = take();
  EXPECT_EQ(
      eval(*tenant, "typeof SharedArrayBuffer + typeof Atomics.wait + typeof Atomics.waitAsync"),
      "undefinedundefinedundefined");
  EXPECT_EQ(eval(*tenant, "eval('1')"),
            "EvalError: Code generation from strings disallowed for this context");
  EXPECT_EQ(eval(*tenant, "new Function('return 1')"),
            "EvalError: Code generation from strings disallowed for this context");
  EXPECT_EQ(eval(*tenant, "new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))"),
            "CompileError: WebAssembly.Module(): Wasm code generation disallowed by embedder");
  EXPECT_EQ(eval(*tenant, "new WebAssembly.Memory({initial: 1, maximum: 2, shared: true})"),
            "RangeError: WebAssembly.Memory(): shared memory is not supported");
}

TEST_F(PreemptionTest, wrapped_wasm_classes_behave) {
  auto tenant = take();
  give_wasm(*tenant);
  EXPECT_EQ(eval(*tenant, R"(
    class Sub extends WebAssembly.Memory { mine() { return this.buffer.byteLength } }
    const m = new WebAssembly.Memory({initial: 1}), s = new Sub({initial: 2});
    const i = new WebAssembly.Instance(spin);
    [m instanceof WebAssembly.Memory, m.constructor === WebAssembly.Memory, m.grow(1), s.mine(),
     s instanceof Sub, Object.prototype.toString.call(m), WebAssembly.Memory.name,
     WebAssembly.Memory.length, i instanceof WebAssembly.Instance, typeof i.exports.spin,
     Object.getOwnPropertyDescriptor(WebAssembly, 'Memory').enumerable].join())"),
            "true,true,1,131072,true,[object WebAssembly.Memory],Memory,1,true,function,false");
  EXPECT_EQ(
      eval(*tenant,
           "let caught; try { WebAssembly.Memory({initial: 1}) } catch (e) { caught = e.name }"
           "try { new WebAssembly.Memory() } catch (e) { caught += e.name } caught"),
      "TypeErrorTypeError");
  EXPECT_EQ(
      eval(*tenant,
           "let seen = ''; WebAssembly.instantiate(spin).then(i => seen += typeof i.exports.spin);"
           "WebAssembly.instantiate(new Uint8Array(8)).catch(e => seen += e.name); 1"),
      "1");
  turn_until([&] { return eval(*tenant, "seen").size() > 10; });
  EXPECT_EQ(eval(*tenant, "seen.includes('function') && seen.includes('CompileError')"), "true");
}

TEST_F(PreemptionTest, finalizers_run_between_jobs) {
  auto tenant = take();
  EXPECT_EQ(eval(*tenant,
                 "var freed = 0; var r = new FinalizationRegistry(() => freed++);"
                 "for (let i = 0; i < 100; i++) r.register({}, i); 1"),
            "1");
  arena_->notify_idle(*tenant);
  turn_until([&] { return eval(*tenant, "freed") == "100"; });
}

TEST_F(PreemptionTest, a_finalizer_that_spins_is_ended) {
  auto tenant = take();
  auto neighbour = take();
  eval(*tenant, "var r = new FinalizationRegistry(() => { for (;;) {} }); r.register({}, 1); 1");
  arena_->notify_idle(*tenant);
  turn_until([&] {
    EXPECT_EQ(eval(*neighbour, "1"), "1");
    return tenant->condemned();
  });
  EXPECT_EQ(tenant->stopped_by(), StopReason::cpu_limit);
}

TEST_F(PreemptionTest, jspi_suspends_and_resumes_across_fibers) {
  // (module (import "m" "f" (func $f (result i32))) (func (export "g") (result i32) call $f))
  auto tenant = take();
  constexpr unsigned char kModule[] = {
      0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7f,
      0x02, 0x07, 0x01, 0x01, 'm',  0x01, 'f',  0x00, 0x00, 0x03, 0x02, 0x01, 0x00, 0x07, 0x05,
      0x01, 0x01, 'g',  0x00, 0x01, 0x0a, 0x06, 0x01, 0x04, 0x00, 0x10, 0x00, 0x0b};
  FunctionJob job([&](v8::Isolate* isolate, v8::Local<v8::Context> context) {
    allow_wasm_code(*tenant, true);
    v8::Local<v8::WasmModuleObject> module;
    ASSERT_TRUE(v8::WasmModuleObject::Compile(isolate, {kModule, sizeof kModule}).ToLocal(&module));
    allow_wasm_code(*tenant, false);
    context->Global()
        ->Set(context, v8::String::NewFromUtf8Literal(isolate, "jspi"), module)
        .Check();
  });
  ASSERT_TRUE(tenant->run(job));
  EXPECT_EQ(eval(*tenant, R"(var go, result = [];
    const wait = new Promise(resolve => go = resolve);
    const f = new WebAssembly.Suspending(() => wait);
    const g = WebAssembly.promising(new WebAssembly.Instance(jspi, {m: {f}}).exports.g);
    for (let i = 0; i < 20; i++) g().then(v => result.push(v)); result.length)"),
            "0");
  // Other fibers in between: a hog keeps the one that was used first.
  auto hog = take();
  ScriptJob spin("for (;;) {}", 30);
  ASSERT_TRUE(hog->run(spin));
  arena_->notify_idle(*tenant);
  EXPECT_EQ(eval(*tenant, "go(7); 1"), "1");
  EXPECT_EQ(eval(*tenant, "result.join()"), "7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7");
  turn_until([&] { return spin.finished(); });
}

}  // namespace
}  // namespace skep::isolate::testing
