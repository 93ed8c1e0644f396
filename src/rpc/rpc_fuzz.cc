// Bytes of a hostile shard into the broker's end of a connection.
#include <sys/socket.h>

#include <algorithm>
#include <memory>

#include "base/assert.h"
#include "rpc/connection.h"
#include "rpc/kj_loop.h"
#include "rpc/skep.capnp.h"

namespace {

using namespace skep;

class EmptyHost final : public rpc::Host::Server {
  kj::Promise<void> attach(AttachContext context) override {
    context.getResults().initConfig().setIndex(1);
    return kj::READY_NOW;
  }
  kj::Promise<void> log(LogContext) override { return kj::READY_NOW; }
};

// Made once: a ring an input would be most of the time spent.
struct Machine {
  std::unique_ptr<loop::Loop> loop = *loop::Loop::create(
      {.entries = 64, .fixed_files = 0, .recv_buffer_bytes = 0, .recv_buffer_count = 0});
  rpc::KjLoop kj{*loop};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Machine machine;
  int fds[2];
  SKEP_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
  UniqueFd peer(fds[1]);
  const unsigned depth = machine.loop->stats().in_flight;
  {
    rpc::Connection connection(*machine.loop, UniqueFd(fds[0]), rpc::Role::broker,
                               rpc::Host::Client(kj::heap<EmptyHost>()));
    const ssize_t written = write(peer.get(), data, std::min<size_t>(size, 64 * 1024));
    SKEP_ASSERT(written >= 0 || size == 0);
    shutdown(peer.get(), SHUT_WR);
    for (int i = 0; i < 8; ++i) SKEP_ASSERT(machine.loop->turn(false));
  }
  // The kernel shuts a socket down on a thread of its own: what the connection left in flight is
  // waited for, or it would count as lost.
  while (machine.loop->stats().in_flight > depth) SKEP_ASSERT(machine.loop->turn(true));
  return 0;
}
