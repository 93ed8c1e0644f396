#include "broker/options.h"

#include <fmt/format.h>
#include <limits.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

#include "config/wrangler.h"

namespace skep::broker {
namespace {

Result<std::string> absolute_path(const std::string& path) {
  char* real = realpath(path.c_str(), nullptr);
  if (real == nullptr) return fail_errno(path, errno);
  std::string text = real;
  free(real);
  return text;
}

// State lies beside the project's configuration.
std::string state_dir_of(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return path + "/.skep";
  return path.substr(0, path.rfind('/')) + "/.skep";
}

Result<BrokerOptions> project_options(const ProjectArguments& arguments, Mode mode) {
  BrokerOptions options;
  options.mode = mode;
  options.shards = 1;
  options.local_vars = true;
  options.development = true;
  options.outbound_local = true;
  options.make_state_dir = true;
  options.v8_flags = arguments.v8_flags;
  if (arguments.reduced_sandbox) options.sandbox = config::SandboxLevel::reduced;
  std::vector<std::string> paths = arguments.paths;
  paths.insert(paths.end(), arguments.configs.begin(), arguments.configs.end());
  if (paths.empty()) paths.emplace_back(".");
  for (const std::string& given : paths) {
    SKEP_TRY_ASSIGN(std::string path, absolute_path(given));
    WorkerOptions worker;
    worker.name = config::worker_name(path, arguments.environment);
    worker.environment = arguments.environment;
    worker.path = std::move(path);
    options.workers.push_back(std::move(worker));
  }
  options.state_dir = state_dir_of(options.workers.front().path);
  return options;
}

}  // namespace

BrokerOptions options_from(const config::ServeConfig& config, const std::string& config_path) {
  BrokerOptions options;
  options.mode = Mode::serve;
  options.config_path = config_path;
  options.state_dir = config.data_dir;
  options.make_state_dir = true;
  options.listeners = config.listeners;
  options.certificates = config.certificates;
  for (const config::ServedWorker& worker : config.workers) {
    options.workers.push_back({worker.path, worker.name, worker.environment, worker.routes,
                               worker.reach, worker.compress, worker.secrets});
    // The table has that route of itself where there is no other.
    if (worker.workers_dev && !worker.routes.empty())
      options.workers.back().routes.push_back(worker.name + ".workers.localhost/*");
  }
  options.limits = config.limits;
  options.outbound = config.outbound;
  options.edge = config.edge;
  options.shards = config.shards;
  options.sandbox = config.sandbox;
  options.change_user = true;
  options.user = config.user;
  options.group = config.group;
  return options;
}

Result<BrokerOptions> dev_options(const ProjectArguments& arguments, uint16_t port, bool https) {
  SKEP_TRY_ASSIGN(BrokerOptions options, project_options(arguments, Mode::dev));
  SKEP_TRY_ASSIGN(config::ListenAddress address,
                  config::parse_listen_address(fmt::format("127.0.0.1:{}", port)));
  address.tls = https;
  address.http2 = https;
  options.development_https = https;
  options.listeners.push_back(std::move(address));
  options.workers.front().routes = {"*/*"};
  return options;
}

Result<BrokerOptions> once_options(const ProjectArguments& arguments, uint32_t arena_size) {
  SKEP_TRY_ASSIGN(BrokerOptions options, project_options(arguments, Mode::once));
  options.limits.cpu_ms = 0;
  options.arena_size = arena_size;
  return options;
}

}  // namespace skep::broker
