// What the broker is told to do: made from skep.toml (serve) or from the command line (dev, test,
// check, bench), then the same for all.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/project.h"
#include "config/skep_toml.h"

namespace skep::broker {

struct WorkerOptions {
  std::string path;  // absolute: a folder, a wrangler file or a module
  std::string name;
  std::string environment;  // [env.NAME] of its wrangler file; empty: none
  std::vector<std::string> routes;
  config::Reach reach = config::Reach::workspace;
  bool compress = true;
  std::string secrets;  // a file, or "credential:NAME"; empty: none
};

// serve: a service with logs of one line. dev: for a person at a terminal; reloads what changes.
// once: one shard without listeners, for test, check and bench.
enum class Mode { serve, dev, once };

struct BrokerOptions {
  Mode mode = Mode::serve;
  std::string program;          // what runs as the zygote; empty: this program (/proc/self/exe)
  std::string config_path;      // skep.toml; empty: none
  std::string state_dir;        // caches are kept below it; empty: in memory only
  bool make_state_dir = false;  // else it must exist
  std::vector<config::ListenAddress> listeners;
  std::vector<config::CertificateFiles> certificates;
  bool development_https = false;  // a certificate of the project's own, made where there is none
  std::vector<WorkerOptions> workers;
  bool development = false;   // process.env.NODE_ENV is "development", not "production"
  bool local_vars = false;    // .dev.vars and .env are read
  bool config_known = false;  // the workers' configurations were looked at, their warnings printed
  config::ServeLimits limits;
  config::OutboundRules outbound;
  config::EdgeConfig edge;
  bool outbound_local = false;  // workers may connect to addresses that are not public
  uint32_t shards = 0;          // 0: one a core
  uint32_t arena_size = 16;
  config::SandboxLevel sandbox = config::SandboxLevel::full;
  bool change_user = false;  // root becomes `user` once everything is open
  std::string user, group;   // empty: skep, or nobody where there is no such user
  std::vector<std::string> v8_flags;
};

BrokerOptions options_from(const config::ServeConfig& config, const std::string& config_path);

// What `skep dev`, `test`, `check` and `bench` take: the first path is the project, further ones
// are other workers. An empty list stands for the working directory.
struct ProjectArguments {
  std::vector<std::string> paths;
  std::vector<std::string> configs;  // of --config: they come after the paths
  std::string environment;
  std::vector<std::string> v8_flags;
  bool reduced_sandbox = false;
};

// dev: listens at 127.0.0.1:port, and the project answers whatever the host.
// https: over TLS, with a certificate made for it.
Result<BrokerOptions> dev_options(const ProjectArguments& arguments, uint16_t port, bool https);
// One shard, no listener, no CPU limit. arena_size: isolates made before they are needed.
Result<BrokerOptions> once_options(const ProjectArguments& arguments, uint32_t arena_size);

}  // namespace skep::broker
