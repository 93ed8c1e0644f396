// An origin that sends arbitrary bytes to a connection of the pool: byte 0 says how they are cut
// and what the client does meanwhile. Whatever comes, the exchange ends in one of its ways.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "net/client/pool.h"
#include "net/client/testing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skep;
  using namespace skep::net;
  static const auto loop = std::move(*loop::Loop::create({.recv_buffer_count = 16}));
  if (size < 2) return 0;
  const unsigned mode = data[0];
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  testing::MemoryConnector connector;
  Pool pool(*loop, connector);
  testing::Asker asker;
  ClientRequest request = testing::get();
  if (mode & 1) request.method = "HEAD";
  if (mode & 2) request.upgrade = "websocket";
  asker.pulls = (mode & 4) == 0;
  asker.drop_at_head = (mode & 24) == 8;
  asker.drop_at_body = (mode & 24) == 16;
  asker.exchange = pool.start(request, asker);
  (void)loop->turn(false);
  auto wire = connector.accept(0);
  const size_t piece_bytes = (mode & 32) != 0 ? 1 + mode / 64 * 7 : bytes.size();
  while (!bytes.empty() && !wire->closed) {
    wire->deliver(bytes.substr(0, piece_bytes));
    bytes.remove_prefix(std::min(piece_bytes, bytes.size()));
  }
  if (!wire->closed) wire->end();
  for (int i = 0; i < 4; i++) {
    if (!asker.pulls && asker.exchange && asker.status != 0) asker.exchange->pull_body();
    (void)loop->turn(false);
  }
  SKEP_ASSERT(!(asker.ended && asker.failed));
  SKEP_ASSERT(!asker.exchange || asker.status == 101 || asker.ended || asker.failed);
  if (asker.has_body && asker.length && asker.ended) {
    SKEP_ASSERT(asker.body.size() == *asker.length);
  }
  return 0;
}
