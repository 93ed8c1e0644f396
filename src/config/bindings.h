// What a worker's `env` holds besides plain values, as its wrangler file asks for it: one struct a
// kind of binding. bindings.cc reads the keys. Of the broker.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/diagnostic.h"
#include "config/value.h"

namespace skep::config {

// kv_namespaces
struct KvBinding {
  std::string id;  // empty: the data is of this worker and binding alone
  bool operator==(const KvBinding&) const = default;
};

// ratelimits
struct RateLimitBinding {
  std::string namespace_id;  // who names the same one counts together
  uint32_t limit = 0;
  uint32_t period_seconds = 0;
  bool operator==(const RateLimitBinding&) const = default;
};

// secrets_store_secrets
struct StoreSecretBinding {
  std::string store_id, secret_name;
  bool operator==(const StoreSecretBinding&) const = default;
};

// version_metadata
struct VersionBinding {
  bool operator==(const VersionBinding&) const = default;
};

// assets.binding
struct AssetsBinding {
  bool operator==(const AssetsBinding&) const = default;
};

// services: an entrypoint of another worker of the appliance
struct ServiceBinding {
  std::string service;     // the worker's name
  std::string entrypoint;  // empty: its default export
  std::string props;       // JSON; empty: none
  bool operator==(const ServiceBinding&) const = default;
};

struct Binding {
  std::string name;  // in env
  std::variant<KvBinding, RateLimitBinding, StoreSecretBinding, VersionBinding, AssetsBinding,
               ServiceBinding>
      kind;
};

// All that a binding's configuration says, as text: equal texts are equal bindings.
std::string describe(const Binding& binding);

// A key of the file as it holds for the environment, and what messages call it. Null: absent.
struct PickedKey {
  const Value* value = nullptr;
  std::string path;
};
using PickKey = std::function<PickedKey(std::string_view)>;

// `taken`: names that env has already. Errors and unknown keys are diagnostics.
std::vector<Binding> read_bindings(const PickKey& pick, const std::vector<std::string>& taken,
                                   Diagnostics& diagnostics);

}  // namespace skep::config
