// skep.toml: what `skep serve` serves. Read once, by the broker (or by `skep check`), before it
// gives up its rights. The workers' own folders are not touched: a thousand [[worker]] tables are
// rows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/limits_fetch.h"
#include "base/result.h"
#include "config/certificates.h"
#include "config/diagnostic.h"
#include "config/edge.h"
#include "config/outbound.h"
#include "config/project.h"

namespace skep::config {

enum class SandboxLevel { full, reduced };

struct ListenAddress {
  enum class Kind { tcp4, tcp6, unix_socket };
  Kind kind = Kind::tcp4;
  std::string address;  // as written
  std::string host;     // numeric, without brackets; tcp only
  uint16_t port = 0;
  std::string path;  // unix_socket only, absolute
  bool tls = false;
  bool http2 = false;  // with TLS by ALPN, without by prior knowledge
  bool proxy_protocol = false;
  bool owner_only = false;  // unix_socket: nobody else may connect
};

struct ServedWorker {
  std::string path;  // absolute: a folder, a wrangler file or a module
  std::string name;
  std::string environment;          // `env`: which [env.NAME] of its wrangler file; empty: none
  std::vector<std::string> routes;  // valid for RouteTable
  bool workers_dev = true;          // answers at NAME.workers.localhost; always without routes
  Reach reach = Reach::project;     // what its imports may read
  bool compress = true;             // responses, by Accept-Encoding
  std::string secrets;              // absolute, or "credential:NAME"; empty: none
};

struct ServeLimits {
  uint32_t cpu_ms = limits::kRequestCpuMs;
  uint32_t subrequests = limits::kSubrequestsPerEvent;
  uint32_t startup_cpu_ms = limits::kStartupCpuMs;
  uint64_t memory_bytes = limits::kIsolateHeapBytes;  // memory_mb
  uint64_t script_bytes = limits::kScriptBytes;
  uint64_t request_body_bytes = limits::kRequestBodyBytes;
  uint32_t max_connections = limits::kConnectionsPerShard;
  uint64_t idle_evict_ms = limits::kIdleEvictMs;
};

struct ServeConfig {
  std::string data_dir = "/var/lib/skep";
  uint32_t shards = 0;  // 0: one a core
  std::string user;     // whom root becomes; empty: skep, or nobody where there is no such user
  std::string group;    // empty: the user's
  SandboxLevel sandbox = SandboxLevel::full;
  std::vector<ListenAddress> listeners;
  std::vector<CertificateFiles> certificates;  // the first is the default
  std::vector<ServedWorker> workers;
  ServeLimits limits;
  OutboundRules outbound;
  EdgeConfig edge;
};

struct LoadedServeConfig {
  ServeConfig config;  // of use only where diagnostics hold no error
  std::vector<Diagnostic> diagnostics;
};

// Reads and checks the file. Relative paths in it start at its folder.
LoadedServeConfig load_serve_config(const std::string& path);
// The same, of a text; `path` is for messages and for relative paths.
LoadedServeConfig parse_serve_config(std::string_view text, const std::string& path);

// "127.0.0.1:8080", "[::1]:80", "unix:/run/skep/http.sock". No names: what a socket is bound to
// must not depend on a resolver.
Result<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace skep::config
