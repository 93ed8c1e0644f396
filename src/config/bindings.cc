#include "config/bindings.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/limits.h"
#include "config/table_reader.h"

namespace skep::config {
namespace {

constexpr size_t kIdBytes = 128;

bool is_identifier(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
  };
  return !name.empty() && name.size() <= 128 && letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

class Reader {
 public:
  Reader(const PickKey& pick, const std::vector<std::string>& taken, Diagnostics& diagnostics)
      : pick_(pick), diagnostics_(diagnostics) {
    for (const std::string& name : taken) names_.emplace(name, 0);
  }

  std::vector<Binding> run() {
    each("kv_namespaces", [this](TableReader& table) { read_kv(table); });
    return std::move(bindings_);
  }

 private:
  // Each table of the array `key`.
  void each(std::string_view key, const std::function<void(TableReader&)>& read) {
    const PickedKey picked = pick_(key);
    if (picked.value == nullptr) return;
    for (size_t i = 0; i < picked.value->items.size(); i++) {
      const Value& item = picked.value->items[i];
      const std::string path = fmt::format("{}[{}]", picked.path, i);
      if (!item.is(Value::Type::object)) {
        report_type(diagnostics_, item, path, "a table");
        continue;
      }
      TableReader table(item, path, diagnostics_);
      // What concerns wrangler alone: whether `wrangler dev` uses the hosted service.
      table.any("remote");
      table.any("experimental_remote");
      read(table);
      table.finish();
    }
  }

  // Adds a binding called what the key `binding` says. `key`: another one, of older kinds.
  void add(TableReader& table, decltype(Binding::kind) kind, std::string_view key = "binding") {
    const Value* name = table.any(key);
    if (name == nullptr || !name->is(Value::Type::string)) {
      diagnostics_.error(
          name != nullptr ? name->at : table.at(),
          fmt::format("\"{}\" must be the binding's name in env", table.full_name(key)));
      return;
    }
    if (!is_identifier(name->string)) {
      diagnostics_.error(name->at, fmt::format("\"{}\" cannot be the name of a binding: letters, "
                                               "digits, \"_\" and \"$\", no digit first",
                                               name->string));
      return;
    }
    if (bindings_.size() >= limits::kVarsPerWorker) {
      diagnostics_.error(name->at, fmt::format("more than {} bindings", limits::kVarsPerWorker));
      return;
    }
    const auto [first, added] = names_.emplace(name->string, name->at.line);
    if (!added) {
      diagnostics_.error(name->at,
                         first->second == 0
                             ? fmt::format("\"{}\" is the name of a variable already", name->string)
                             : fmt::format("\"{}\" is the name of a binding already, in line {}",
                                           name->string, first->second));
      return;
    }
    bindings_.push_back({name->string, std::move(kind)});
  }

  // An identity that workers may share: short, printable.
  std::string read_id(TableReader& table, std::string_view key) {
    const Value* id = table.any(key);
    if (id == nullptr) return {};
    const bool good = id->is(Value::Type::string) && !id->string.empty() &&
                      id->string.size() <= kIdBytes &&
                      std::ranges::all_of(id->string, [](char c) { return c > ' ' && c <= '~'; });
    if (good) return id->string;
    diagnostics_.error(id->at, fmt::format("\"{}\" must be a text of 1 to {} characters without "
                                           "spaces",
                                           table.full_name(key), kIdBytes));
    return {};
  }

  void read_kv(TableReader& table) {
    KvBinding kv{read_id(table, "id")};
    // Of `wrangler dev --remote`.
    table.any("preview_id");
    add(table, std::move(kv));
  }

  const PickKey& pick_;
  Diagnostics& diagnostics_;
  std::vector<Binding> bindings_;
  std::map<std::string, uint32_t> names_;  // the line of the first; 0: a variable
};

struct Describe {
  std::string operator()(const KvBinding& kv) const { return fmt::format("kv {}", kv.id); }
};

}  // namespace

std::string describe(const Binding& binding) {
  return fmt::format("{} {}", binding.name, std::visit(Describe{}, binding.kind));
}

std::vector<Binding> read_bindings(const PickKey& pick, const std::vector<std::string>& taken,
                                   Diagnostics& diagnostics) {
  return Reader(pick, taken, diagnostics).run();
}

}  // namespace skep::config
