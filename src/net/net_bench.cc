// What HTTP/1.1 itself costs a request: connections over memory, a handler that answers at once. No
// system call is in it.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "base/assert.h"
#include "net/server.h"
#include "net/testing.h"

namespace skep::net {
namespace {

constexpr std::string_view kSmall = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8787\r\n\r\n";
constexpr std::string_view kBrowser =
    "GET /assets/app.js?v=1 HTTP/1.1\r\nHost: www.example.com\r\nConnection: keep-alive\r\n"
    "sec-ch-ua: \"Chromium\";v=\"130\", \"Not?A_Brand\";v=\"99\"\r\nsec-ch-ua-mobile: ?0\r\n"
    "sec-ch-ua-platform: \"Linux\"\r\nUpgrade-Insecure-Requests: 1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Safari/537.36\r\n"
    "Accept: "
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\n"
    "Sec-Fetch-Dest: document\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-US,en;q=0.9\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=yes\r\n\r\n";

void serve(benchmark::State& state, std::string_view request) {
  auto loop = loop::Loop::create(
      {.entries = 64, .fixed_files = 0, .recv_buffer_bytes = 0, .recv_buffer_count = 0});
  SKEP_ASSERT(loop);
  SKEP_ASSERT((*loop)->turn(false));
  testing::Hello hello;
  Server server(**loop, hello, {});
  auto wire = std::make_shared<testing::Wire>();
  server.add_stream(std::make_unique<testing::MemoryStream>(wire), {"192.0.2.1", 1});
  for (auto _ : state) {
    wire->events->on_data(request);
    wire->sent.clear();
    wire->events->on_sent();
  }
  SKEP_ASSERT(server.stats().requests == static_cast<uint64_t>(state.iterations()));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(request.size()));
}

void small_request(benchmark::State& state) {
  serve(state, kSmall);
}
void browser_request(benchmark::State& state) {
  serve(state, kBrowser);
}

BENCHMARK(small_request);
BENCHMARK(browser_request);

}  // namespace
}  // namespace skep::net
