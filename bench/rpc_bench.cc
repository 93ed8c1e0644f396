// What a call between two workers of one shard costs, in CPU time of the loop's thread: one event
// of the caller makes them one after another. No HTTP.
#include <benchmark/benchmark.h>

#include "api/testing/harness.h"

namespace skep::api::testing {
namespace {

constexpr const char* kCallee = R"(
import { WorkerEntrypoint } from "cloudflare:workers";
export default class extends WorkerEntrypoint {
  add(a, b) { return a + b; }
  echo(value) { return value; }
  counter() { let n = 0; return () => ++n; }
  fetch() { return new Response("text"); }
})";

// `body`: an async function of (service, count).
void run(benchmark::State& state, const std::string& body) {
  Worker callee;
  std::string error = callee.load(kCallee);
  WorkerSetup setup;
  setup.subrequests = UINT32_MAX;
  setup.services = {{.name = "SERVICE", .worker = &callee, .entrypoint = {}, .props_json = {}}};
  Worker caller(setup);
  if (error.empty()) {
    error =
        caller.load("const run = " + body +
                    "; export default { async fetch(request, env) { const count = "
                    "Number(new URL(request.url).searchParams.get('n')); await run(env.SERVICE, "
                    "count); return new Response('done'); } };");
  }
  if (!error.empty()) return state.SkipWithError(error.c_str());
  constexpr int kCalls = 1000;
  const std::string url = "http://bench.test/?n=" + std::to_string(kCalls);
  if (caller.get(url) != "done") return state.SkipWithError("the caller failed");
  for (auto _ : state) benchmark::DoNotOptimize(caller.get(url));
  state.SetItemsProcessed(state.iterations() * kCalls);
  state.counters["us_a_call"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * kCalls / 1e6,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void method(benchmark::State& state) {
  run(state, "async (s, n) => { for (let i = 0; i < n; i++) await s.add(i, 1); }");
}
BENCHMARK(method)->Unit(benchmark::kMicrosecond);

void method_concurrent(benchmark::State& state) {
  run(state,
      "async (s, n) => { const all = []; for (let i = 0; i < n; i++) all.push(s.add(i, 1)); "
      "for (const one of all) await one; }");
}
BENCHMARK(method_concurrent)->Unit(benchmark::kMicrosecond);

void object_of_1kb(benchmark::State& state) {
  run(state,
      "async (s, n) => { const value = { name: 'x'.repeat(900), list: [1, 2, 3], at: new "
      "Date(0) }; for (let i = 0; i < n; i++) await s.echo(value); }");
}
BENCHMARK(object_of_1kb)->Unit(benchmark::kMicrosecond);

void stub(benchmark::State& state) {
  run(state,
      "async (s, n) => { const next = await s.counter(); for (let i = 0; i < n; i++) await "
      "next(); }");
}
BENCHMARK(stub)->Unit(benchmark::kMicrosecond);

void fetch(benchmark::State& state) {
  run(state,
      "async (s, n) => { for (let i = 0; i < n; i++) await (await "
      "s.fetch('http://x/')).text(); }");
}
BENCHMARK(fetch)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace skep::api::testing
