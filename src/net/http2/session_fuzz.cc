// An HTTP/2 connection fed with arbitrary bytes after the preface. Byte 0 chooses how they are cut,
// bit 7 of byte 1 whether the client stops reading for a while. Every request that the handler
// heard of must come to its end, once.
#include <cstdint>
#include <cstdlib>

#include "base/assert.h"
#include "net/server.h"
#include "net/testing.h"

namespace skep::net {
namespace {

using testing::MemoryStream;
using testing::Site;
using testing::Wire;

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

void serve(loop::Loop& loop, std::string_view bytes, size_t piece_bytes, bool stall) {
  Site site;
  site.most_stream_bytes = 100'000;
  {
    Server server(loop, site, {.max_body_bytes = 4096});
    auto wire = std::make_shared<Wire>();
    server.add_stream(std::make_unique<MemoryStream>(wire), {"192.0.2.1", 1}, true);
    wire->deliver(kPreface);
    wire->stalled = stall;
    size_t pieces = 0;
    for (size_t at = 0; at < bytes.size() && !wire->closed; at += piece_bytes) {
      // On the heap and of exact size, so that a read beyond it is seen.
      const std::string_view cut = bytes.substr(at, piece_bytes);
      const std::vector<char> piece(cut.begin(), cut.end());
      wire->deliver({piece.data(), piece.size()});
      testing::run_turns(loop, *wire);
      if (stall && ++pieces == 8 && !wire->closed) wire->unstall();
    }
    for (int i = 0; i < 8; i++) testing::run_turns(loop, *wire);
    if (stall && !wire->closed) wire->unstall();
    if (!wire->closed) wire->end();
    testing::run_turns(loop, *wire);
  }
  SKEP_ASSERT(site.open.empty());
  SKEP_ASSERT(site.completed + site.broken == site.requests);
}

}  // namespace
}  // namespace skep::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::unique_ptr<skep::loop::Loop> loop = skep::net::testing::make_loop();
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  skep::net::serve(*loop, bytes, 1 + data[0] * 4, (data[1] & 0x80) != 0);
  return 0;
}
