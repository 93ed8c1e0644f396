// A connection fed with arbitrary bytes. Bytes 0 and 1 of the input choose how the rest is cut; the
// same bytes in one piece must have the same effect, and what the server sends must be responses
// that a client can read.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstdio>
#include <cstdlib>

#include "base/assert.h"
#include "net/http1/response_parser.h"
#include "net/server.h"
#include "net/testing.h"

namespace skep::net {
namespace {

using testing::MemoryStream;
using testing::Site;
using testing::Wire;

struct Outcome {
  std::string log;
  std::string sent;
  std::vector<int> refusals;
  size_t requests = 0;
  size_t completed = 0;
};

Outcome serve(loop::Loop& loop, std::string_view bytes, size_t first_bytes, size_t piece_bytes) {
  Site site;
  site.most_stream_bytes = 100'000;  // the client of this test takes everything at once
  Outcome outcome;
  {
    Server server(loop, site, {.max_body_bytes = 4096});
    auto wire = std::make_shared<Wire>();
    server.add_stream(std::make_unique<MemoryStream>(wire), {"192.0.2.1", 1});
    size_t at = 0;
    size_t length = first_bytes;
    while (at < bytes.size() && !wire->closed) {
      // On the heap and of exact size, so that a read beyond it is seen.
      const std::vector<char> piece(
          bytes.begin() + static_cast<ptrdiff_t>(at),
          bytes.begin() + static_cast<ptrdiff_t>(std::min(bytes.size(), at + length)));
      wire->deliver({piece.data(), piece.size()});
      at += piece.size();
      length = piece_bytes;
      testing::run_turns(loop, *wire);
    }
    // Enough turns for whatever was pipelined.
    for (size_t i = 0; i <= bytes.size() / 400; i++) testing::run_turns(loop, *wire);
    outcome.completed = site.completed;
    if (!wire->closed) wire->end();
    testing::run_turns(loop, *wire);
    outcome.sent = wire->sent;
  }
  SKEP_ASSERT(site.open.empty());
  SKEP_ASSERT(site.completed + site.broken == site.requests);
  outcome.log = site.log;
  outcome.refusals = site.refusals;
  outcome.requests = site.requests;
  return outcome;
}

// Responses, one after another; the last may be cut.
void check_responses(std::string_view bytes) {
  http1::ResponseParser parser;
  while (!bytes.empty()) {
    // Whether a response answers a HEAD is the log's to know; a head alone reads as cut then, and
    // reading stops.
    parser.reset();
    bytes.remove_prefix(parser.feed(bytes));
    if (!parser.done()) return;
  }
}

}  // namespace
}  // namespace skep::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using skep::net::Outcome;
  static const std::unique_ptr<skep::loop::Loop> loop = skep::net::testing::make_loop();
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Outcome whole = skep::net::serve(*loop, bytes, bytes.size() + 1, bytes.size() + 1);
  const Outcome cut = skep::net::serve(*loop, bytes, 1 + data[0], 1 + data[1]);
  SKEP_ASSERT(whole.requests == cut.requests);
  SKEP_ASSERT(whole.refusals == cut.refusals);
  SKEP_ASSERT(whole.completed == cut.completed);
  SKEP_ASSERT(whole.log == cut.log);
  skep::net::check_responses(whole.sent);
  return 0;
}
