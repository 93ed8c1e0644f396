// A secret of the Secrets Store in the shard: the capability to read it, and the native of the part
// that Workers see. Nothing is kept here. On the loop's thread.
#pragma once

#include <span>

#include "api/base/ops.h"
#include "api/binding.h"
#include "bindings/bindings.h"
#include "rpc/skep.capnp.h"

namespace skep::bindings {

std::span<const api::Op> secrets_ops();

class StoreSecretBinding final : public api::Binding {
 public:
  static constexpr char kKind = 0;
  StoreSecretBinding(BindingContext& context_in, rpc::StoreSecret::Client client_in)
      : context(context_in), client(kj::mv(client_in)) {}
  ~StoreSecretBinding() noexcept override = default;
  std::string_view part() const override { return "secrets/secrets"; }
  const void* kind() const override { return &kKind; }

  BindingContext& context;
  rpc::StoreSecret::Client client;
};

}  // namespace skep::bindings
