#include "broker/broker.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/limits.h"
#include "base/log.h"
#include "broker/privileges.h"

namespace skep::broker {
namespace {

// Whom root's shards become where the broker stays root (dev).
constexpr uid_t kNobody = 65534;
// Between the first module asked for and a look at what there is to watch now.
constexpr int64_t kRewatchMs = 20;

// How many processors this process may use.
uint32_t usable_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<uint32_t>(std::max(1, CPU_COUNT(&set)));
}

// A code cache is of use to the very same program with the same flags only.
std::string build_identity(const std::vector<std::string>& v8_flags) {
  struct stat status = {};
  stat("/proc/self/exe", &status);
  return fmt::format("{} {} {}.{} {}", SKEP_VERSION, status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec, fmt::join(v8_flags, " "));
}

std::string relative_to(const std::string& base, const std::string& path) {
  const std::string prefix = base.ends_with('/') ? base : base + "/";
  return path.starts_with(prefix) ? path.substr(prefix.size()) : path;
}

std::string folder_of_worker(const Deployment& deployment) {
  const std::string& path = deployment.options().path;
  struct stat status;
  if (stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return path;
  return path.substr(0, path.rfind('/'));
}

}  // namespace

Broker::Broker(BrokerOptions options)
    : options_(std::move(options)),
      shards_(std::clamp(options_.shards == 0 ? usable_cores() : options_.shards, 1u,
                         limits::kShards)) {}

Broker::~Broker() noexcept = default;

Result<> Broker::open_what_needs_rights() {
  raise_descriptor_limit();
  const bool root = geteuid() == 0;
  std::optional<Identity> identity;
  if (root && options_.change_user) {
    SKEP_TRY_ASSIGN(identity, find_identity(options_.user, options_.group));
  }
  SKEP_TRY_ASSIGN(listeners_, Listeners::open(options_.listeners, shards_));
  if (!options_.state_dir.empty())
    SKEP_TRY(prepare_state_dir(options_.state_dir, options_.make_state_dir,
                               identity ? &*identity : nullptr));
  SKEP_TRY(open_tls());
  SKEP_TRY(open_edge(identity && identity->uid != 0 ? &*identity : nullptr));
  if (identity && identity->uid != 0) {
    SKEP_TRY(become(*identity));
    shard_uid_ = identity->uid;
    shard_gid_ = identity->gid;
  } else {
    shard_uid_ = root ? kNobody : geteuid();
    shard_gid_ = root ? kNobody : getegid();
  }
  if (!options_.state_dir.empty() && access(options_.state_dir.c_str(), W_OK | X_OK) != 0)
    return fail_errno(fmt::format("cannot write to {}", options_.state_dir), errno);
  return {};
}

// While root still is: keys are seldom readable by anybody else.
Result<> Broker::open_tls() {
  if (options_.development_https) {
    SKEP_TRY_ASSIGN(auto own, development_certificate(options_.state_dir + "/tls"));
    options_.certificates = {std::move(own)};
  }
  SKEP_TRY_ASSIGN(tls_, TlsStore::load(options_.certificates));
  if (auto roots = read_trusted_roots()) trusted_roots_ = std::move(*roots);
  for (const std::string& path : options_.outbound.trust) {
    SKEP_TRY_ASSIGN(const std::string more, read_certificates(path));
    trusted_roots_.append("\n").append(more);
  }
  return {};
}

// The admin socket and the access log, which lie in folders that root may write to.
Result<> Broker::open_edge(const Identity* identity) {
  const config::EdgeConfig& edge = options_.edge;
  if (!edge.admin_path.empty()) {
    config::ListenAddress address;
    address.kind = config::ListenAddress::Kind::unix_socket;
    address.address = "unix:" + edge.admin_path;
    address.path = edge.admin_path;
    address.owner_only = true;
    SKEP_TRY_ASSIGN(admin_socket_, Listeners::open({address}, 1));
  }
  if (edge.access_log.format != config::AccessFormat::off) {
    SKEP_TRY_ASSIGN(access_, AccessLog::open(edge.access_log));
    if (identity != nullptr) SKEP_TRY(access_->give_to(identity->uid, identity->gid));
  }
  return {};
}

Result<> Broker::start_admin() {
  if (!admin_socket_) return {};
  SKEP_TRY_ASSIGN(auto sockets, admin_socket_->of_shard(0));
  std::vector<std::string> names;
  for (const WorkerOptions& worker : options_.workers) names.push_back(worker.name);
  admin_.emplace(*loop_, std::move(sockets.front()), *supervisor_, std::move(names), access_.get());
  return {};
}

Result<ZygoteOptions> Broker::zygote_options() const {
  ZygoteOptions zygote;
  zygote.program = options_.program;
  zygote.arguments.reduced_sandbox = options_.sandbox == config::SandboxLevel::reduced;
  zygote.arguments.uid = shard_uid_;
  zygote.arguments.gid = shard_gid_;
  zygote.arguments.v8_flags = options_.v8_flags;
  return zygote;
}

Result<> Broker::start() {
  SKEP_TRY(open_what_needs_rights());
  // What a zygote leaves behind when it dies is the broker's to wait for.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const bool has_sockets = admin_socket_ || !tls_->empty();
  SKEP_TRY_ASSIGN(loop_, loop::Loop::create({.entries = 256,
                                             .fixed_files = 0,
                                             .recv_buffer_bytes = 4096,
                                             .recv_buffer_count = has_sockets ? 16u : 0u}));
  if (access_) access_->start(*loop_);
  kj_.emplace(*loop_);
  SKEP_TRY_ASSIGN(
      signals_,
      Signals::create(
          *loop_, {[this](int signal) { on_stop_signal(signal); }, [this] { on_reload_signal(); },
                   [this](pid_t pid, int status) { supervisor_->child_ended(pid, status); }}));
  cache_.emplace(options_.state_dir.empty() ? "" : options_.state_dir + "/cache",
                 build_identity(options_.v8_flags));
  deployments_.emplace(options_, *cache_);
  switch (options_.mode) {
    case Mode::serve:
      log_.emplace(LogForm::service, STDERR_FILENO);
      break;
    case Mode::dev:
      log_.emplace(LogForm::person, STDOUT_FILENO);
      break;
    case Mode::once:
      log_.emplace(LogForm::person, STDERR_FILENO);
      break;
  }
  SKEP_TRY_ASSIGN(const auto own_sockets, listeners_->of_shard(0));
  SKEP_TRY_ASSIGN(auto outbound, make_outbound_service(*loop_, options_, own_sockets));
  bindings_.emplace(*loop_, bindings::StorePlace{options_.state_dir, options_.mode == Mode::once});
  std::vector<std::string> names;
  for (const WorkerOptions& worker : options_.workers) names.push_back(worker.name);
  bindings_->set_workers(std::move(names));
  services_.emplace(*loop_, options_, *deployments_, *log_, *tls_, trusted_roots_,
                    std::move(outbound), access_.get(), &*bindings_);
  SKEP_TRY_ASSIGN(ZygoteOptions zygote, zygote_options());
  supervisor_.emplace(*services_, *listeners_, std::move(zygote), shards_,
                      options_.mode != Mode::once,
                      Supervisor::Callbacks{[this] {
                                              start_cron();
                                              if (on_ready_) on_ready_();
                                            },
                                            [this](const std::string& why) { on_fatal(why); },
                                            [this] { loop_->stop(); }});
  deployments_->on_new_version([this](uint32_t index, uint64_t version) {
    supervisor_->reload(index, version);
    if (cron_) read_crons(index);
  });
  if (options_.mode == Mode::dev) SKEP_TRY(start_watching());
  SKEP_TRY(tls_->start(*loop_, [this] { supervisor_->update_tls(); }));
  SKEP_TRY(start_admin());
  return supervisor_->start();
}

Result<> Broker::start_watching() {
  SKEP_TRY_ASSIGN(watcher_, Watcher::create(*loop_, [this](const std::vector<std::string>& paths) {
                    on_files_changed(paths);
                  }));
  rewatch_.emplace(*loop_, [this] { watch_what_was_read(); });
  deployments_->on_used([this] {
    if (!rewatch_->armed()) rewatch_->set_ms(kRewatchMs);
  });
  // Whoever develops wants to know at once what is wrong.
  for (size_t i = 0; i < deployments_->size(); ++i) {
    if (auto loaded = deployments_->at(i).load(); !loaded) log_error("{}", loaded.error().message);
    deployments_->used(i);
  }
  watch_what_was_read();
  return {};
}

void Broker::watch_what_was_read() {
  std::vector<std::string> paths;
  for (size_t i = 0; i < deployments_->size(); ++i)
    for (std::string& path : deployments_->at(i).watch_paths()) paths.push_back(std::move(path));
  watcher_->watch(paths);
}

int Broker::run() {
  if (auto result = loop_->run(); !result) {
    log_error("{}", result.error().message);
    return 1;
  }
  return status_;
}

void Broker::finish(int status) {
  status_ = status;
  supervisor_->stop();
}

void Broker::on_fatal(const std::string& why) {
  log_error("{}", why);
  status_ = 1;
  supervisor_->kill_all();
}

void Broker::on_stop_signal(int signal) {
  if (++stop_signals_ > 1) {
    log_warn("ending at once");
    status_ = 128 + signal;
    return supervisor_->kill_all();
  }
  if (options_.mode == Mode::once) {
    status_ = 128 + signal;
    return supervisor_->kill_all();
  }
  if (options_.mode == Mode::serve) log_info("ending: requests in flight are finished first");
  supervisor_->stop();
}

void Broker::on_reload_signal() {
  log_info("reloading the workers whose files have changed");
  tls_->reload();
  if (access_) access_->reopen();
  if (!options_.config_path.empty())
    log_info("changes of {} itself need a restart", options_.config_path);
  for (size_t i = 0; i < deployments_->size(); ++i) {
    deployments_->reload(i, false, "");
    // Also of a worker that nobody has asked for: it has no version that could be new.
    if (cron_) read_crons(i);
  }
}

void Broker::on_files_changed(const std::vector<std::string>& paths) {
  for (size_t i = 0; i < deployments_->size(); ++i) {
    const std::vector<std::string> watched = deployments_->at(i).watch_paths();
    const auto changed = std::find_if(paths.begin(), paths.end(), [&](const std::string& path) {
      // Or of a folder that matters as a whole: it stands there with its "/".
      return std::binary_search(watched.begin(), watched.end(), path) ||
             std::binary_search(watched.begin(), watched.end(),
                                path.substr(0, path.rfind('/') + 1));
    });
    if (changed == paths.end()) continue;
    deployments_->reload(i, true, relative_to(folder_of_worker(deployments_->at(i)), *changed));
  }
}

}  // namespace skep::broker
