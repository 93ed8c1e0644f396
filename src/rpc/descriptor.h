// File descriptors as capabilities: the broker wraps what it opened in an object of the schema, and
// the shard takes the descriptor out of the capability that arrived.
#pragma once

#include <capnp/capability.h>
#include <kj/async.h>

#include "base/unique_fd.h"

namespace skep::rpc {

// Serves an interface without methods whose descriptor rides along, for example
// kj::heap<DescriptorServer<Listener>>(std::move(fd)).
template <typename Interface>
class DescriptorServer final : public Interface::Server {
 public:
  explicit DescriptorServer(UniqueFd fd) : fd_(std::move(fd)) {}
  kj::Maybe<int> getFd() override { return fd_.get(); }

 private:
  UniqueFd fd_;
};

// The descriptor of a capability, a duplicate (F_DUPFD_CLOEXEC) that belongs to the caller. Fails
// when the peer sent none.
kj::Promise<UniqueFd> take_descriptor(capnp::Capability::Client capability);

}  // namespace skep::rpc
