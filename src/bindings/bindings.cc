#include "bindings/bindings.h"

#include <array>

#include "bindings/kv/kv_binding.h"

namespace skep::bindings {

// The list of kinds: what the broker's half (broker/bindings.cc) sends.
std::shared_ptr<api::Binding> make_binding(BindingContext& context, rpc::Binding::Reader from) {
  switch (from.which()) {
    case rpc::Binding::TEXT:
    case rpc::Binding::JSON:
      return nullptr;
    case rpc::Binding::KV:
      return std::make_shared<KvBinding>(context, from.getKv());
  }
  return nullptr;
}

// The natives of the bindings' parts, by folder.
const api::Parts& parts() {
  static const api::Parts parts = [] {
    const std::array tables = {
        api::PartOps{"kv", kv_ops()},
    };
    return api::make_embedded_parts(tables);
  }();
  return parts;
}

}  // namespace skep::bindings
