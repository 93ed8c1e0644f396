#include "bindings/broker/bindings.h"

#include <fmt/format.h>

#include <variant>

#include "bindings/kv/broker/kv_server.h"

namespace skep::bindings {
namespace {

// The tables of all bindings, kind after kind. New ones at the end.
enum FirstTable : storage::Table { kKv = storage::Store::kFirstTable };

std::vector<std::string> all_tables() {
  return KvStore::tables();
}

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

}  // namespace

BrokerBindings::BrokerBindings(loop::Loop& loop, StorePlace place)
    : store_(loop, std::move(place), all_tables()), kv_(loop, store_, kKv) {}

BrokerBindings::~BrokerBindings() = default;

// The list of kinds: each is made here, and by bindings.cc of the shard's half.
Result<> BrokerBindings::write(const config::Binding& binding, const BindingOwner& owner,
                               rpc::Binding::Builder out) {
  return std::visit(
      Overloaded{
          [&](const config::KvBinding& kv) -> Result<> {
            // Whoever names the same id shares the data; without one it is the worker's own.
            const std::string identity =
                kv.id.empty() ? fmt::format("worker:{}/{}", owner.worker, binding.name)
                              : "id:" + kv.id;
            SKEP_TRY_ASSIGN(auto data, kv_.open(identity));
            out.setKv(kj::heap<KvServer>(std::move(data), owner.share));
            return {};
          },
      },
      binding.kind);
}

}  // namespace skep::bindings
