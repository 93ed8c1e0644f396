// What an isolate costs: a run through the tenant's machinery against a plain call, taking one from
// the arena dry and ready, memory with many alive. Uses V8's own snapshot, so the figures are the
// engine's floor, without the runtime's JavaScript. usage: isolate_bench [ISOLATES=500]
#include <unistd.h>
#include <v8.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/assert.h"
#include "base/time.h"
#include "isolate/arena.h"
#include "isolate/engine.h"
#include "isolate/tenant.h"
#include "loop/loop.h"

namespace {

using namespace skep;

// Calls the global function `handler`.
class CallJob final : public isolate::Job {
 public:
  void run(v8::Isolate* isolate, v8::Local<v8::Context> context) override {
    for (int i = 0; i < calls; ++i) {
      v8::HandleScope scope(isolate);
      v8::Local<v8::Value> argument = v8::Integer::New(isolate, 7);
      SKEP_ASSERT(
          !handler.Get(isolate)->Call(context, v8::Undefined(isolate), 1, &argument).IsEmpty());
    }
  }
  void done(isolate::StopReason reason) override {
    SKEP_ASSERT(reason == isolate::StopReason::none);
  }
  isolate::CpuMeter* meter() override { return &cpu; }

  v8::Global<v8::Function> handler;
  int calls = 1;
  isolate::CpuMeter cpu;
};

class SetUpJob final : public isolate::Job {
 public:
  explicit SetUpJob(CallJob& call) : call_(call) {}
  void run(v8::Isolate* isolate, v8::Local<v8::Context> context) override {
    v8::Local<v8::Script> script =
        v8::Script::Compile(context, v8::String::NewFromUtf8Literal(
                                         isolate, "(n => { let o = {n}; return o.n + 1 })"))
            .ToLocalChecked();
    call_.handler.Reset(isolate, script->Run(context).ToLocalChecked().As<v8::Function>());
  }
  void done(isolate::StopReason) override {}
  isolate::CpuMeter* meter() override { return nullptr; }

 private:
  CallJob& call_;
};

long resident_kb() {
  long pages = 0, resident = 0;
  FILE* file = std::fopen("/proc/self/statm", "r");
  SKEP_ASSERT(file != nullptr);
  SKEP_ASSERT(std::fscanf(file, "%ld %ld", &pages, &resident) == 2);
  std::fclose(file);
  return resident * sysconf(_SC_PAGESIZE) / 1024;
}

// Runs the job `rounds` times, `calls` calls each; CPU ns a call. Short jobs: none is preempted
// unless the machine is busy, and then the loop brings it to its end.
double ns_a_call(loop::Loop& loop, isolate::Tenant& tenant, CallJob& job, int rounds, int calls) {
  job.calls = calls;
  int64_t best_ns = INT64_MAX;
  for (int repeat = 0; repeat < 7; ++repeat) {
    const int64_t began_ns = thread_cpu_ns();
    for (int i = 0; i < rounds; ++i) {
      SKEP_ASSERT(tenant.run(job));
      while (tenant.busy()) SKEP_ASSERT(loop.turn(false));
    }
    best_ns = std::min(best_ns, thread_cpu_ns() - began_ns);
  }
  return static_cast<double>(best_ns) / rounds / calls;
}

void bench_run(loop::Loop& loop, isolate::Tenant& tenant) {
  CallJob job;
  SetUpJob set_up(job);
  SKEP_ASSERT(tenant.run(set_up));
  const double run_ns = ns_a_call(loop, tenant, job, 200'000, 1);
  const double call_ns = ns_a_call(loop, tenant, job, 100, 2'000);
  std::printf("run of a small handler: %.0f ns; a plain call inside: %.0f ns; overhead %.0f ns\n",
              run_ns, call_ns, run_ns - call_ns);
  job.handler.Reset();
}

void print_times(const char* what, std::vector<int64_t> times_ns) {
  std::sort(times_ns.begin(), times_ns.end());
  std::printf("%s: p50 %.3f ms, p99 %.3f ms, most %.3f ms\n", what,
              static_cast<double>(times_ns[times_ns.size() / 2]) * 1e-6,
              static_cast<double>(times_ns[times_ns.size() * 99 / 100]) * 1e-6,
              static_cast<double>(times_ns.back()) * 1e-6);
}

void bench_many(isolate::Arena& arena, size_t count) {
  std::vector<std::unique_ptr<isolate::Tenant>> tenants;
  std::vector<int64_t> times_ns;
  const long before_kb = resident_kb();
  for (size_t i = 0; i < count; ++i) {
    const int64_t began_ns = monotonic_ns();
    auto tenant = arena.take();
    SKEP_ASSERT(tenant);
    CallJob job;
    SetUpJob set_up(job);
    (*tenant)->run(set_up);
    (*tenant)->run(job);
    times_ns.push_back(monotonic_ns() - began_ns);
    job.handler.Reset();
    tenants.push_back(std::move(*tenant));
  }
  print_times("taken dry, first call", times_ns);
  std::printf("resident: %.0f KB an isolate, %zu alive in %zu groups\n",
              static_cast<double>(resident_kb() - before_kb) / static_cast<double>(count), count,
              arena.stats().groups);
  times_ns.clear();
  for (auto& tenant : tenants) {
    const int64_t began_ns = monotonic_ns();
    tenant.reset();
    times_ns.push_back(monotonic_ns() - began_ns);
  }
  print_times("disposed of", times_ns);
}

}  // namespace

int main(int argc, char** argv) {
  const size_t count = argc > 1 ? static_cast<size_t>(std::atoi(argv[1])) : 500;
  auto engine = isolate::Engine::create({});
  SKEP_ASSERT(engine);
  SKEP_ASSERT((*engine)->start_threads(1));
  auto loop = loop::Loop::create(
      {.entries = 64, .fixed_files = 0, .recv_buffer_bytes = 0, .recv_buffer_count = 0});
  SKEP_ASSERT(loop);
  isolate::Arena arena(**loop, **engine, {.ready = 0});
  auto tenant = arena.take();
  SKEP_ASSERT(tenant);
  bench_run(**loop, **tenant);
  tenant->reset();
  bench_many(arena, count);
  return 0;
}
