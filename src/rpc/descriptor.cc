#include "rpc/descriptor.h"

#include <fcntl.h>
#include <kj/debug.h>

namespace skep::rpc {

kj::Promise<UniqueFd> take_descriptor(capnp::Capability::Client capability) {
  auto descriptor = capability.getFd();
  return descriptor.then([capability = kj::mv(capability)](kj::Maybe<int> fd) mutable {
    const int original = KJ_REQUIRE_NONNULL(fd, "no descriptor came with the capability");
    int copy;
    KJ_SYSCALL(copy = fcntl(original, F_DUPFD_CLOEXEC, 3));
    return UniqueFd(copy);
  });
}

}  // namespace skep::rpc
