// A rate limit in the shard: the capability, and the native of the part that Workers see. The
// counting is the broker's. On the loop's thread.
#pragma once

#include <span>

#include "api/base/ops.h"
#include "api/binding.h"
#include "bindings/bindings.h"
#include "rpc/skep.capnp.h"

namespace skep::bindings {

std::span<const api::Op> ratelimit_ops();

class RateLimitBinding final : public api::Binding {
 public:
  static constexpr char kKind = 0;
  RateLimitBinding(BindingContext& context_in, rpc::RateLimiter::Client client_in)
      : context(context_in), client(kj::mv(client_in)) {}
  ~RateLimitBinding() noexcept override = default;
  std::string_view part() const override { return "ratelimit/ratelimit"; }
  const void* kind() const override { return &kKind; }

  BindingContext& context;
  rpc::RateLimiter::Client client;
};

}  // namespace skep::bindings
