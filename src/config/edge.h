// What skep.toml says of the edge: which proxies are believed, the access log, the admin socket.
// Read by the broker.
#pragma once

#include <string>
#include <vector>

#include "config/table_reader.h"

namespace skep::config {

enum class AccessFormat { off, common, combined, json };

struct AccessLogConfig {
  AccessFormat format = AccessFormat::off;
  std::string path;  // absolute
};

struct EdgeConfig {
  // trusted_proxies: networks, and "unix". What they say of their client is believed.
  std::vector<std::string> trusted_proxies;
  bool forwarded = false;  // they say it with Forwarded (RFC 7239), not X-Forwarded-*
  std::string colo;        // request.cf.colo; empty: none
  std::string admin_path;  // absolute; empty: no admin socket
  AccessLogConfig access_log;
};

// The keys at the top of the file. `folder`: where relative paths start.
EdgeConfig read_edge(TableReader& top, const std::string& folder, Diagnostics& diagnostics);
// `proxy_protocol` of a [[listen]] table.
bool read_proxy_protocol(TableReader& table, const EdgeConfig& edge, Diagnostics& diagnostics);

}  // namespace skep::config
