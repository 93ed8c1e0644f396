#include "config/bindings.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/limits.h"
#include "config/secret_names.h"
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
    each("services", [this](TableReader& table) { read_service(table); });
    each("ratelimits", [this](TableReader& table) { read_rate_limit(table); });
    each("secrets_store_secrets", [this](TableReader& table) { read_store_secret(table); });
    one("version_metadata", [this](TableReader& table) {
      add(table, VersionBinding{});
      table.finish();
    });
    // What else the table says is read with the worker's own keys (assets.cc).
    one("assets", [this](TableReader& table) {
      const Value* name = table.any("binding");
      if (name != nullptr && name->is(Value::Type::string) && !name->string.empty())
        add(table, AssetsBinding{});
    });
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

  // A key that is one table.
  void one(std::string_view key, const std::function<void(TableReader&)>& read) {
    const PickedKey picked = pick_(key);
    if (picked.value == nullptr || !picked.value->is(Value::Type::object)) return;
    TableReader table(*picked.value, picked.path, diagnostics_);
    read(table);
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

  void read_service(TableReader& table) {
    ServiceBinding service;
    const Value* name = table.any("service");
    if (name == nullptr || !name->is(Value::Type::string) || name->string.empty()) {
      diagnostics_.error(
          name != nullptr ? name->at : table.at(),
          fmt::format("\"{}\" must be the name of a worker", table.full_name("service")));
    } else {
      service.service = name->string;
    }
    service.entrypoint = table.text("entrypoint").value_or("");
    if (const Value* props = table.any("props")) {
      if (props->is(Value::Type::object)) {
        service.props = to_json(*props);
      } else {
        report_type(diagnostics_, *props, table.full_name("props"), "a table");
      }
    }
    table.any("environment");  // of the hosted service
    add(table, std::move(service));
  }

  void read_kv(TableReader& table) {
    KvBinding kv{read_id(table, "id")};
    // Of `wrangler dev --remote`.
    table.any("preview_id");
    add(table, std::move(kv));
  }

  void read_rate_limit(TableReader& table) {
    RateLimitBinding limit;
    const Value* id = table.any("namespace_id");
    // A whole number in quotes, as wrangler wants it.
    const bool good = id != nullptr && id->is(Value::Type::string) && !id->string.empty() &&
                      id->string.size() <= 10 &&
                      std::ranges::all_of(id->string, [](char c) { return c >= '0' && c <= '9'; });
    if (good) {
      limit.namespace_id = id->string;
    } else {
      diagnostics_.error(id != nullptr ? id->at : table.at(),
                         fmt::format("\"{}\" must be a whole number as a string: \"1001\"",
                                     table.full_name("namespace_id")));
    }
    if (const Value* simple = table.table("simple")) {
      TableReader reader(*simple, table.full_name("simple"), diagnostics_);
      const auto most = reader.integer("limit", 1, UINT32_MAX);
      limit.limit = static_cast<uint32_t>(most.value_or(1));
      const auto period = reader.integer("period", 1, 60);
      limit.period_seconds = static_cast<uint32_t>(period.value_or(60));
      for (const auto& [key, found] : {std::pair("limit", &most), std::pair("period", &period)}) {
        if (simple->find(key) == nullptr)
          diagnostics_.error(simple->at, fmt::format("\"{}\" is missing", reader.full_name(key)));
      }
      if (period && *period != 10 && *period != 60)
        diagnostics_.error(simple->find("period")->at,
                           fmt::format("\"{}\" must be 10 or 60", reader.full_name("period")));
      reader.finish();
    } else if (table.any("simple") == nullptr) {
      diagnostics_.error(table.at(), fmt::format("\"{}\" is missing: {{ limit, period }}",
                                                 table.full_name("simple")));
    }
    // Of before wrangler knew the key: unsafe bindings.
    table.any("type");
    add(table, std::move(limit), "name");
  }

  void read_store_secret(TableReader& table) {
    StoreSecretBinding secret;
    secret.store_id = read_path_name(table, "store_id");
    secret.secret_name = read_path_name(table, "secret_name");
    add(table, std::move(secret));
  }

  // What is a file's name in the Secrets Store.
  std::string read_path_name(TableReader& table, std::string_view key) {
    const Value* value = table.any(key);
    if (value != nullptr && value->is(Value::Type::string) && valid_secret_name(value->string))
      return value->string;
    diagnostics_.error(value != nullptr ? value->at : table.at(),
                       fmt::format("\"{}\" must be a name of 1 to 64 letters, digits, \"-\" and "
                                   "\"_\"",
                                   table.full_name(key)));
    return {};
  }

  const PickKey& pick_;
  Diagnostics& diagnostics_;
  std::vector<Binding> bindings_;
  std::map<std::string, uint32_t> names_;  // the line of the first; 0: a variable
};

struct Describe {
  std::string operator()(const KvBinding& kv) const { return fmt::format("kv {}", kv.id); }
  std::string operator()(const ServiceBinding& service) const {
    return fmt::format("service {} {} {}", service.service, service.entrypoint, service.props);
  }
  std::string operator()(const RateLimitBinding& limit) const {
    return fmt::format("ratelimit {} {} {}", limit.namespace_id, limit.limit, limit.period_seconds);
  }
  std::string operator()(const StoreSecretBinding& secret) const {
    return fmt::format("secret {} {}", secret.store_id, secret.secret_name);
  }
  std::string operator()(const VersionBinding&) const { return "version"; }
  std::string operator()(const AssetsBinding&) const { return "assets"; }
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
