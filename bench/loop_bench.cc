// Micro-benchmarks of the loop and of fibers: what one operation costs, without a kernel's part
// where that can be. `micro --benchmark_filter=Fiber` runs some of them.
#include <benchmark/benchmark.h>

#include "base/limits.h"
#include "loop/fiber.h"

namespace skep::loop {
namespace {

void fiber_round_trip(benchmark::State& state) {
  FiberPool pool(limits::kFiberStackBytes);
  auto fiber = pool.take();
  bool stop = false;
  fiber->start(
      [](void* argument) {
        auto* end = static_cast<volatile bool*>(argument);
        while (!*end) Fiber::current()->suspend();
      },
      &stop);
  for (auto _ : state) fiber->resume();
  stop = true;
  fiber->resume();
}
BENCHMARK(fiber_round_trip)->Name("Fiber/suspend and resume");

void fiber_run(benchmark::State& state) {
  FiberPool pool(limits::kFiberStackBytes);
  for (auto _ : state) {
    auto fiber = pool.take();
    int value = 0;
    fiber->start([](void* argument) { ++*static_cast<int*>(argument); }, &value);
    benchmark::DoNotOptimize(value);
    pool.give(std::move(fiber));
  }
}
BENCHMARK(fiber_run)->Name("Fiber/take, run a function, give");

}  // namespace
}  // namespace skep::loop
