// Micro-benchmarks of the loop and of fibers: what one operation costs, without a kernel's part
// where that can be. `micro --benchmark_filter=Fiber` runs some of them.
#include <benchmark/benchmark.h>
#include <liburing.h>
#include <sys/socket.h>

#include <memory>
#include <vector>

#include "base/assert.h"
#include "base/limits.h"
#include "base/time.h"
#include "loop/fiber.h"
#include "loop/loop.h"
#include "loop/socket.h"

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

std::unique_ptr<Loop> make_loop() {
  auto loop = Loop::create({.fixed_files = 64, .recv_buffer_count = 64});
  SKEP_ASSERT(loop.has_value());
  return std::move(*loop);
}

void empty_turn(benchmark::State& state) {
  auto loop = make_loop();
  for (auto _ : state) SKEP_ASSERT(loop->turn(false).has_value());
}
BENCHMARK(empty_turn)->Name("Loop/a turn with nothing to do");

void no_operation(benchmark::State& state) {
  struct Nothing final : Completion {
    void complete(int32_t, uint32_t, bool) override {}
  } nothing;
  auto loop = make_loop();
  for (auto _ : state) {
    for (int i = 0; i < 64; ++i) io_uring_prep_nop(loop->prepare(&nothing));
    SKEP_ASSERT(loop->turn(false).has_value());
  }
  state.SetItemsProcessed(state.iterations() * 64);
}
BENCHMARK(no_operation)->Name("Loop/64 operations a turn");

// As connections do: each request moves the time-out of its connection.
void move_timers(benchmark::State& state) {
  auto loop = make_loop();
  std::vector<std::unique_ptr<Timer>> timers;
  for (int i = 0; i < 10'000; ++i) timers.push_back(std::make_unique<Timer>(*loop, [] {}));
  const int64_t now_ns = monotonic_ns() + 60'000'000'000;
  int64_t step_ns = 0;
  size_t next = 0;
  for (auto _ : state) {
    timers[next]->set_at_ns(now_ns + ++step_ns);
    next = next + 1 == timers.size() ? 0 : next + 1;
  }
}
BENCHMARK(move_timers)->Name("Timer/move one of 10,000 forward");

void fire_timers(benchmark::State& state) {
  auto loop = make_loop();
  std::vector<std::unique_ptr<Timer>> timers;
  for (int i = 0; i < 10'000; ++i) timers.push_back(std::make_unique<Timer>(*loop, [] {}));
  for (auto _ : state) {
    const int64_t now_ns = monotonic_ns() - 1'000'000;
    for (size_t i = 0; i < timers.size(); ++i)
      timers[i * 7919 % timers.size()]->set_at_ns(now_ns + static_cast<int64_t>(i));
    SKEP_ASSERT(loop->turn(false).has_value());
  }
  state.SetItemsProcessed(state.iterations() * 10'000);
}
BENCHMARK(fire_timers)->Name("Timer/set and fire 10,000");

void defer(benchmark::State& state) {
  auto loop = make_loop();
  std::vector<std::unique_ptr<Deferred>> calls;
  for (int i = 0; i < 1000; ++i) calls.push_back(std::make_unique<Deferred>([] {}));
  for (auto _ : state) {
    for (auto& call : calls) loop->defer(*call);
    SKEP_ASSERT(loop->turn(false).has_value());
  }
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(defer)->Name("Deferred/queue and run 1,000");

// Two sockets of one loop throw a message to and fro: everything but TCP itself.
void echo(benchmark::State& state) {
  struct End final : SocketEvents {
    End(Loop& loop, int fd) : socket(loop, UniqueFd(fd), *this) { socket.receive(); }
    void on_data(std::span<const char> data) override {
      ++received;
      if (other != nullptr) socket.send({data.data(), data.size()});
    }
    void on_end() override {}
    void on_error(int) override {}
    void on_sent() override {}
    End* other = nullptr;
    uint64_t received = 0;
    Socket socket;
  };
  auto loop = make_loop();
  int fds[2];
  SKEP_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  End client(*loop, fds[0]), server(*loop, fds[1]);
  server.other = &client;
  const std::string message(100, 'x');
  for (auto _ : state) {
    client.socket.send(message);
    for (const uint64_t seen = client.received; client.received == seen;)
      SKEP_ASSERT(loop->turn(true).has_value());
  }
}
BENCHMARK(echo)->Name("Socket/echo of 100 bytes on one loop");

}  // namespace
}  // namespace skep::loop
