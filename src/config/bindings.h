// What a worker's `env` holds besides plain values, as its wrangler file asks for it: one struct a
// kind of binding. bindings.cc reads the keys. Of the broker.
#pragma once

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

struct Binding {
  std::string name;  // in env
  std::variant<KvBinding> kind;
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
