// CPU time of a request in the runtime and V8 alone: no HTTP, no loop.
#include <benchmark/benchmark.h>

#include "api/testing/harness.h"

namespace skep::api::testing {
namespace {

// As little as a channel can do.
class NullChannel final : public FetchChannel, public EventObserver {
 public:
  void set_events(FetchChannelEvents*) override {}
  std::string_view method() const override { return "GET"; }
  std::string_view url() const override { return "http://127.0.0.1:8080/some/path?and=query"; }
  std::span<const net::Header> headers() const override { return headers_; }
  bool has_body() const override { return false; }
  std::optional<uint64_t> body_length() const override { return std::nullopt; }
  std::string cf_json() const override { return "{}"; }
  void pull_body() override {}
  void respond(const net::ResponseHead& head, std::string_view body, bool) override {
    bytes += body.size() + head.headers.size();
  }
  bool write(std::string_view data) override { return bytes += data.size(), true; }
  void finish() override {}
  void abort() override {}
  void on_failed(const EventResult& result, bool) override {
    ++failures;
    error = result.exception.message;
  }
  void on_end(const EventResult& result) override { ++ended; }

  size_t bytes = 0;
  size_t ended = 0;
  size_t failures = 0;
  std::string error;

 private:
  std::vector<net::Header> headers_ = {{"Host", "127.0.0.1:8080"},
                                       {"User-Agent", "bench/1.0"},
                                       {"Accept", "*/*"},
                                       {"Accept-Encoding", "gzip, br"}};
};

void run(benchmark::State& state, const char* source) {
  Worker worker;
  const std::string error = worker.load(source);
  if (!error.empty()) return state.SkipWithError(error.c_str());
  NullChannel channel;
  for (auto _ : state) {
    worker.runtime().fetch(channel, channel, "0123456789abcdef");
    // The watchdog may have suspended it in favour of others.
    if (worker.tenant().busy()) (void)worker.loop().turn(false);
  }
  worker.run_until([&] { return channel.ended == static_cast<size_t>(state.iterations()); });
  if (channel.failures > 0 || channel.ended != static_cast<size_t>(state.iterations())) {
    state.SkipWithError(channel.error.empty() ? "not every event ended" : channel.error.c_str());
  }
}

void hello(benchmark::State& state) {
  run(state, "export default { fetch() { return new Response('Hello World!'); } };");
}
BENCHMARK(hello);

void hello_async(benchmark::State& state) {
  run(state, "export default { async fetch() { return new Response('Hello World!'); } };");
}
BENCHMARK(hello_async);

void hello_awaits(benchmark::State& state) {
  run(state,
      "export default { async fetch() { await null; return new Response('Hello World!'); } };");
}
BENCHMARK(hello_awaits);

void routes_and_headers(benchmark::State& state) {
  run(state,
      "export default { fetch(request) { const url = new URL(request.url);"
      "  if (url.pathname !== '/some/path') return new Response('no', {status: 404});"
      "  return new Response(request.headers.get('user-agent') + url.searchParams.get('and'),"
      "    { headers: { 'Content-Type': 'text/html', 'Cache-Control': 'no-store' } }); } };");
}
BENCHMARK(routes_and_headers);

void json(benchmark::State& state) {
  run(state,
      "export default { fetch(request) { return Response.json({ a: 1, b: [1, 2, 3],"
      "  method: request.method }); } };");
}
BENCHMARK(json);

void stream(benchmark::State& state) {
  run(state,
      "const chunk = new Uint8Array(1000); export default { fetch(request) {"
      "  return new Response(new ReadableStream({ start(c) {"
      "    c.enqueue(chunk); c.enqueue(chunk); c.close(); } })); } };");
}
BENCHMARK(stream);

// An isolate made on the spot, a small worker loaded, its first request answered.
void cold_start(benchmark::State& state) {
  for (auto _ : state) {
    Worker worker;
    const std::string error =
        worker.load("export default { fetch() { return new Response('Hello World!'); } };");
    if (!error.empty()) return state.SkipWithError(error.c_str());
    NullChannel channel;
    worker.runtime().fetch(channel, channel, "0123456789abcdef");
    worker.run_until([&] { return channel.ended == 1; });
  }
}
BENCHMARK(cold_start)->Unit(benchmark::kMillisecond);

// As above without the making of the isolate: what a tenant from the pool costs.
void load_and_first_request(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    auto worker = std::make_unique<Worker>();
    state.ResumeTiming();
    const std::string error =
        worker->load("export default { fetch() { return new Response('Hello World!'); } };");
    if (!error.empty()) return state.SkipWithError(error.c_str());
    NullChannel channel;
    worker->runtime().fetch(channel, channel, "0123456789abcdef");
    worker->run_until([&] { return channel.ended == 1; });
    state.PauseTiming();
    worker.reset();
    state.ResumeTiming();
  }
}
BENCHMARK(load_and_first_request)->Unit(benchmark::kMillisecond)->Iterations(200);

}  // namespace
}  // namespace skep::api::testing
