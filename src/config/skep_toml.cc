#include "config/skep_toml.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/un.h>

#include <charconv>
#include <map>

#include "base/limits_tls.h"
#include "base/route_table.h"
#include "config/files.h"
#include "config/routes.h"
#include "config/table_reader.h"
#include "config/toml.h"
#include "config/wrangler.h"

namespace skep::config {
namespace {

constexpr int64_t kDayMs = 24ll * 3600 * 1000;
constexpr int64_t kMostBytes = 1ll << 40;

Result<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(fmt::format("\"{}\" is no port: 0 to 65535", text));
  }
  return port;
}

class Reader {
 public:
  Reader(const Value& file, const std::string& path, Diagnostics& diagnostics)
      : file_(file), folder_(folder_name(path)), diagnostics_(diagnostics) {}

  ServeConfig run() {
    TableReader top(file_, "", diagnostics_);
    if (auto data_dir = top.text("data_dir")) config_.data_dir = absolute(*data_dir);
    if (auto shards = top.integer("shards", 1, limits::kShards))
      config_.shards = static_cast<uint32_t>(*shards);
    config_.user = top.text("user").value_or("");
    config_.group = top.text("group").value_or("");
    if (config_.user.empty() && !config_.group.empty()) {
      diagnostics_.error(file_.find("group")->at, "\"group\" needs a \"user\" beside it");
    }
    read_sandbox(top);
    read_limits(top.table("limits"));
    if (const Value* table = top.table("outbound")) {
      config_.outbound = read_outbound(*table, folder_, diagnostics_);
    }
    config_.edge = read_edge(top, folder_, diagnostics_);
    read_tables(top.array("listen"), "listen", limits::kListeners,
                [this](TableReader& table) { read_listener(table); });
    read_tables(top.array("certificate"), "certificate", limits::kCertificates,
                [this](TableReader& table) {
                  auto files = read_certificate(table, folder_);
                  if (files) config_.certificates.push_back(std::move(*files));
                });
    read_tables(top.array("worker"), "worker", limits::kServedWorkers,
                [this](TableReader& table) { read_worker(table); });
    top.finish();
    if (first_tls_ && config_.certificates.empty() && !diagnostics_.has_errors()) {
      diagnostics_.error(*first_tls_, "\"tls\" needs a certificate",
                         "a [[certificate]] table with cert = \"x.pem\" and key = \"x.key\"");
    }
    if (config_.listeners.empty() && !diagnostics_.has_errors()) {
      diagnostics_.error({}, "nothing to listen on",
                         "a [[listen]] table with address = \"127.0.0.1:8080\"");
    }
    return std::move(config_);
  }

 private:
  std::string absolute(std::string_view path) const {
    return normal_path(join_path(folder_, path));
  }

  void read_sandbox(TableReader& top) {
    const Value* value = top.any("sandbox");
    if (value == nullptr || (value->is(Value::Type::string) && value->string == "full")) return;
    if (value->is(Value::Type::string) && value->string == "reduced") {
      config_.sandbox = SandboxLevel::reduced;
      return;
    }
    diagnostics_.error(value->at, "\"sandbox\" must be \"full\" or \"reduced\"");
  }

  void read_limits(const Value* table) {
    if (table == nullptr) return;
    TableReader reader(*table, "limits", diagnostics_);
    ServeLimits& to = config_.limits;
    const auto read = [&](std::string_view key, int64_t least, int64_t most, auto& field,
                          int64_t unit = 1) {
      if (const auto value = reader.integer(key, least, most)) {
        field = static_cast<std::remove_reference_t<decltype(field)>>(*value * unit);
      }
    };
    read("cpu_ms", 1, kDayMs, to.cpu_ms);
    read("subrequests", 1, 1'000'000, to.subrequests);
    read("startup_cpu_ms", 1, kDayMs, to.startup_cpu_ms);
    read("memory_mb", 8, 2048, to.memory_bytes, 1 << 20);
    read("script_bytes", 1, 1ll << 30, to.script_bytes);
    read("request_body_bytes", 0, kMostBytes, to.request_body_bytes);
    read("max_connections", 1, limits::kRingFixedFiles - 1024, to.max_connections);
    read("idle_evict_ms", 1, 365 * kDayMs, to.idle_evict_ms);
    reader.finish();
  }

  template <typename Read>
  void read_tables(const Value* array, std::string_view name, size_t most, Read read) {
    if (array == nullptr) return;
    if (array->items.size() > most) {
      diagnostics_.error(array->at, fmt::format("more than {} [[{}]] tables", most, name));
      return;
    }
    for (size_t i = 0; i < array->items.size(); i++) {
      const Value& item = array->items[i];
      if (!item.is(Value::Type::object)) {
        report_type(diagnostics_, item, fmt::format("{}[{}]", name, i), "a table");
        continue;
      }
      TableReader reader(item, fmt::format("{}[{}]", name, i), diagnostics_);
      read(reader);
      reader.finish();
    }
  }

  // Reports what is there already. `what`: "listener", "worker".
  bool is_new(std::map<std::string, uint32_t>& seen, const std::string& key, Position at,
              std::string_view what) {
    const auto [first, added] = seen.emplace(key, at.line);
    if (added) return true;
    diagnostics_.error(
        at, fmt::format("the {} \"{}\" is there already, in line {}", what, key, first->second));
    return false;
  }

  void read_listener(TableReader& table) {
    const Value* address = table.any("address");
    if (address == nullptr || !address->is(Value::Type::string)) {
      diagnostics_.error(
          address != nullptr ? address->at : table.at(),
          fmt::format("\"{}\" must be an address to listen on", table.full_name("address")),
          "as in \"127.0.0.1:8080\", \"[::1]:8080\" or \"unix:/run/skep/http.sock\"");
      return;
    }
    auto parsed = parse_listen_address(address->string);
    if (!parsed) {
      diagnostics_.error(address->at, parsed.error().message);
      return;
    }
    if (parsed->kind == ListenAddress::Kind::unix_socket) parsed->path = absolute(parsed->path);
    if (const auto tls = table.boolean("tls")) parsed->tls = *tls;
    if (const auto http2 = table.boolean("http2")) parsed->http2 = *http2;
    parsed->proxy_protocol = read_proxy_protocol(table, config_.edge, diagnostics_);
    if (parsed->tls && !first_tls_) first_tls_ = address->at;
    const std::string key = parsed->kind == ListenAddress::Kind::unix_socket
                                ? "unix:" + parsed->path
                                : fmt::format("{}:{}", parsed->host, parsed->port);
    if (is_new(listeners_, key, address->at, "listener"))
      config_.listeners.push_back(std::move(*parsed));
  }

  void read_worker(TableReader& table) {
    ServedWorker worker;
    const auto path = table.text("path");
    const Value* name = table.any("name");
    const Value* environment = table.any("env");
    const Value* routes = table.array("routes");
    if (!path) {
      if (table.any("path") == nullptr) {
        diagnostics_.error(table.at(),
                           fmt::format("\"{}\" is missing: the Worker's folder or module",
                                       table.full_name("path")));
      }
      return;
    }
    worker.path = absolute(*path);
    if (environment != nullptr && !environment->is(Value::Type::string)) {
      report_type(diagnostics_, *environment, table.full_name("env"),
                  "the name of an environment of the Worker's wrangler file");
    } else if (environment != nullptr) {
      worker.environment = environment->string;
    }
    if (!read_name(table, name, worker)) return;
    if (routes != nullptr) read_routes(table, *routes, worker);
    read_workers_dev(table, worker);
    read_reach(table, worker);
    worker.compress = table.boolean("compress").value_or(true);
    if (const auto secrets = table.text("secrets")) {
      worker.secrets = secrets->starts_with("credential:") ? *secrets : absolute(*secrets);
    }
    config_.workers.push_back(std::move(worker));
  }

  void read_workers_dev(TableReader& table, ServedWorker& worker) {
    worker.workers_dev = table.boolean("workers_dev").value_or(worker.routes.empty());
    if (!worker.workers_dev && worker.routes.empty()) {
      diagnostics_.error(table.at(),
                         fmt::format("the worker \"{}\" would answer nothing", worker.name),
                         "it needs \"routes\" or \"workers_dev\"");
    }
  }

  void read_reach(TableReader& table, ServedWorker& worker) {
    const Value* reach = table.any("reach");
    if (reach == nullptr) return;
    if (reach->is(Value::Type::string) && reach->string == "workspace") {
      worker.reach = Reach::workspace;
    } else if (!reach->is(Value::Type::string) || reach->string != "project") {
      diagnostics_.error(reach->at, fmt::format("\"{}\" must be \"project\" or \"workspace\"",
                                                table.full_name("reach")));
    }
  }

  bool read_name(TableReader& table, const Value* name, ServedWorker& worker) {
    if (name == nullptr) {
      worker.name = worker_name(worker.path, worker.environment);
    } else if (!name->is(Value::Type::string)) {
      report_type(diagnostics_, *name, table.full_name("name"), "a string");
      return false;
    } else if (!valid_worker_name(name->string)) {
      diagnostics_.error(
          name->at,
          fmt::format("\"{}\" cannot be a worker's name: 1 to 63 lower case letters, "
                      "digits, \"-\" and \"_\"",
                      name->string),
          fmt::format("\"{}\" would do", make_worker_name(name->string)));
      return false;
    } else {
      worker.name = name->string;
    }
    return is_new(names_, worker.name, name != nullptr ? name->at : table.at(), "worker");
  }

  void read_routes(TableReader& table, const Value& routes, ServedWorker& worker) {
    if (routes.items.size() > limits::kRoutesPerWorker) {
      diagnostics_.error(routes.at, fmt::format("more than {} routes", limits::kRoutesPerWorker));
      return;
    }
    for (size_t i = 0; i < routes.items.size(); i++) {
      const Value& item = routes.items[i];
      auto pattern = read_route_pattern(item, fmt::format("{}[{}]", table.full_name("routes"), i),
                                        diagnostics_);
      if (pattern && is_new(routes_, *pattern, item.at, "route")) {
        worker.routes.push_back(std::move(*pattern));
      }
    }
  }

  const Value& file_;
  std::string folder_;
  Diagnostics& diagnostics_;
  ServeConfig config_;
  std::optional<Position> first_tls_;
  std::map<std::string, uint32_t> listeners_, names_, routes_;  // the line of the first
};

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  ListenAddress out;
  out.address = text;
  if (text.starts_with("unix:")) {
    out.kind = ListenAddress::Kind::unix_socket;
    out.path = text.substr(5);
    if (out.path.empty()) return fail("the path is missing after \"unix:\"");
    if (out.path.size() >= sizeof(sockaddr_un::sun_path)) {
      return fail(fmt::format("the path of a socket has at most {} bytes",
                              sizeof(sockaddr_un::sun_path) - 1));
    }
    return out;
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return fail(fmt::format("\"{}\" has no port, as in \"127.0.0.1:8080\"", text));
  }
  std::string_view host = text.substr(0, colon);
  SKEP_TRY_ASSIGN(out.port, parse_port(text.substr(colon + 1)));
  if (host.starts_with('[') && host.ends_with(']')) {
    out.kind = ListenAddress::Kind::tcp6;
    host = host.substr(1, host.size() - 2);
  }
  out.host = host;
  in6_addr binary{};
  const int family = out.kind == ListenAddress::Kind::tcp6 ? AF_INET6 : AF_INET;
  if (::inet_pton(family, out.host.c_str(), &binary) == 1) return out;
  if (host.find(':') != std::string_view::npos && family == AF_INET) {
    return fail(fmt::format("an IPv6 address stands in brackets: \"[{}]:{}\"", host, out.port));
  }
  return fail(
      fmt::format("\"{}\" is no numeric address: \"127.0.0.1\", \"0.0.0.0\" for all of IPv4, "
                  "\"[::]\" for all of IPv6",
                  host));
}

LoadedServeConfig parse_serve_config(std::string_view text, const std::string& path) {
  LoadedServeConfig loaded;
  Diagnostics diagnostics;
  diagnostics.begin_file(path, text);
  if (const auto parsed = parse_toml(text)) {
    loaded.config = Reader(*parsed, path, diagnostics).run();
  } else {
    diagnostics.error(parsed.error().at, parsed.error().message);
  }
  diagnostics.end_file();
  loaded.diagnostics = diagnostics.take();
  return loaded;
}

LoadedServeConfig load_serve_config(const std::string& path) {
  const auto real = real_path(path);
  const auto text = real ? read_text_file(*real, limits::kConfigFileBytes)
                         : Result<std::string>(std::unexpected(real.error()));
  if (text) return parse_serve_config(*text, *real);
  LoadedServeConfig loaded;
  loaded.diagnostics.push_back({Severity::error, "", {}, text.error().message, {}, {}});
  return loaded;
}

}  // namespace skep::config
