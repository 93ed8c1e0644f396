#include "config/edge.h"

#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <optional>

#include "base/limits_edge.h"
#include "base/network.h"
#include "config/files.h"

namespace skep::config {
namespace {

constexpr size_t kColoBytes = 8;

std::string absolute(const std::string& folder, std::string_view path) {
  return normal_path(join_path(folder, path));
}

void read_trusted(TableReader& top, EdgeConfig& to, Diagnostics& diagnostics) {
  const Value* list = top.array("trusted_proxies");
  const auto texts = top.texts("trusted_proxies");
  if (list == nullptr || !texts) return;
  if (texts->size() > limits::kTrustedProxies) {
    diagnostics.error(list->at, fmt::format("\"trusted_proxies\" has more than {} entries",
                                            limits::kTrustedProxies));
    return;
  }
  TrustedPeers peers;
  for (size_t i = 0; i < texts->size(); i++) {
    if (auto added = peers.add((*texts)[i]); !added) {
      diagnostics.error(list->items[i].at, added.error().message,
                        "\"10.0.0.0/8\", \"192.0.2.1\", \"fd00::/8\", or \"unix\" for whoever "
                        "comes over a UNIX socket");
    }
  }
  to.trusted_proxies = *texts;
}

void read_forwarded(TableReader& top, EdgeConfig& to, Diagnostics& diagnostics) {
  const Value* value = top.any("forwarded_header");
  if (value == nullptr) return;
  to.forwarded = value->is(Value::Type::string) && value->string == "forwarded";
  if (!to.forwarded && !(value->is(Value::Type::string) && value->string == "x-forwarded")) {
    diagnostics.error(value->at,
                      "\"forwarded_header\" must be \"x-forwarded\" (X-Forwarded-For and -Proto) "
                      "or \"forwarded\" (RFC 7239)");
  }
}

void read_colo(TableReader& top, EdgeConfig& to, Diagnostics& diagnostics) {
  const Value* value = top.any("colo");
  if (value == nullptr) return;
  const auto plain = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  if (!value->is(Value::Type::string) || value->string.empty() ||
      value->string.size() > kColoBytes ||
      !std::all_of(value->string.begin(), value->string.end(), plain)) {
    diagnostics.error(
        value->at, fmt::format("\"colo\" must be 1 to {} capital letters and digits", kColoBytes));
    return;
  }
  to.colo = value->string;
}

void read_admin(TableReader& top, const std::string& folder, EdgeConfig& to,
                Diagnostics& diagnostics) {
  const Value* value = top.any("admin");
  if (value == nullptr) return;
  if (!value->is(Value::Type::string) || !value->string.starts_with("unix:") ||
      value->string.size() <= 5) {
    diagnostics.error(value->at, "\"admin\" must be the path of a UNIX socket",
                      "as in \"unix:/run/skep/admin.sock\"");
    return;
  }
  to.admin_path = absolute(folder, std::string_view(value->string).substr(5));
  if (to.admin_path.size() >= sizeof(sockaddr_un::sun_path)) {
    diagnostics.error(value->at, fmt::format("the path of a socket has at most {} bytes",
                                             sizeof(sockaddr_un::sun_path) - 1));
  }
}

std::optional<AccessFormat> format_named(std::string_view name) {
  if (name == "off") return AccessFormat::off;
  if (name == "common") return AccessFormat::common;
  if (name == "combined") return AccessFormat::combined;
  if (name == "json") return AccessFormat::json;
  return std::nullopt;
}

void read_access_log(TableReader& top, const std::string& folder, EdgeConfig& to,
                     Diagnostics& diagnostics) {
  const Value* table = top.table("access_log");
  if (table == nullptr) return;
  TableReader reader(*table, "access_log", diagnostics);
  const Value* format = reader.any("format");
  const auto path = reader.text("path");
  reader.finish();
  const auto named = format != nullptr && format->is(Value::Type::string)
                         ? format_named(format->string)
                         : std::nullopt;
  if (!named) {
    diagnostics.error(
        format != nullptr ? format->at : table->at,
        "\"access_log.format\" must be \"off\", \"common\", \"combined\" or \"json\"");
    return;
  }
  if (*named != AccessFormat::off && (!path || path->empty())) {
    diagnostics.error(table->at, "\"access_log\" needs a \"path\": the file to append to");
    return;
  }
  to.access_log.format = *named;
  if (path) to.access_log.path = absolute(folder, *path);
}

}  // namespace

EdgeConfig read_edge(TableReader& top, const std::string& folder, Diagnostics& diagnostics) {
  EdgeConfig out;
  read_trusted(top, out, diagnostics);
  read_forwarded(top, out, diagnostics);
  read_colo(top, out, diagnostics);
  read_admin(top, folder, out, diagnostics);
  read_access_log(top, folder, out, diagnostics);
  return out;
}

bool read_proxy_protocol(TableReader& table, const EdgeConfig& edge, Diagnostics& diagnostics) {
  const Value* value = table.any("proxy_protocol");
  const bool on = table.boolean("proxy_protocol").value_or(false);
  if (on && edge.trusted_proxies.empty()) {
    diagnostics.error(value->at, "\"proxy_protocol\" needs trusted_proxies: whose headers count",
                      "trusted_proxies = [\"10.0.0.0/8\"] at the top of the file");
  }
  return on;
}

}  // namespace skep::config
