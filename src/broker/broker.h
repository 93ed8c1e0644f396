// The trusted process put together: it opens what needs authority, starts the zygote, supervises
// the shards and answers what they ask. run.h has the entry points of the command line.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "bindings/broker/bindings.h"
#include "broker/access_log.h"
#include "broker/admin.h"
#include "broker/code_cache.h"
#include "broker/cron_clock.h"
#include "broker/deployments.h"
#include "broker/host_server.h"
#include "broker/listeners.h"
#include "broker/log_output.h"
#include "broker/options.h"
#include "broker/privileges.h"
#include "broker/signals.h"
#include "broker/supervisor.h"
#include "broker/tls_store.h"
#include "broker/watcher.h"
#include "loop/loop.h"
#include "rpc/kj_loop.h"

namespace skep::broker {

class Broker {
 public:
  explicit Broker(BrokerOptions options);
  ~Broker() noexcept;
  KJ_DISALLOW_COPY_AND_MOVE(Broker);

  // Opens what is to be opened, gives up root where told to, and starts the zygote. Errors are for
  // the person who typed the command.
  Result<> start();
  // When all shards are there for the first time.
  void on_ready(std::function<void()> callback) { on_ready_ = std::move(callback); }
  // Serves until told to end. Returns the exit status of the program.
  int run();
  // Ends the shards, then run() returns `status`.
  void finish(int status);

  const BrokerOptions& options() const { return options_; }
  const Listeners& listeners() const { return *listeners_; }
  Deployments& deployments() { return *deployments_; }
  rpc::Shard::Client shard(unsigned index) { return supervisor_->shard(index); }
  Result<uint64_t> resident_bytes(unsigned index) const {
    return supervisor_->resident_bytes(index);
  }
  unsigned attached() const { return supervisor_->attached(); }

 private:
  Result<> open_what_needs_rights();
  Result<> open_tls();
  Result<> open_edge(const Identity* identity);
  Result<> start_admin();
  Result<> start_watching();
  void watch_what_was_read();
  Result<ZygoteOptions> zygote_options() const;
  void on_stop_signal(int signal);
  void on_reload_signal();
  void on_files_changed(const std::vector<std::string>& paths);
  void on_fatal(const std::string& why);
  // Cron triggers (broker_cron.cc).
  void start_cron();
  void read_crons(size_t index);
  void run_cron(uint32_t worker, const std::string& cron, double time_ms,
                std::function<void(Result<std::string>)> done);

  BrokerOptions options_;
  uint32_t shards_;
  uid_t shard_uid_ = 0;
  gid_t shard_gid_ = 0;
  std::function<void()> on_ready_;
  int status_ = 0;
  unsigned stop_signals_ = 0;

  // In the order of their making.
  std::unique_ptr<loop::Loop> loop_;
  std::optional<rpc::KjLoop> kj_;
  std::unique_ptr<Listeners> listeners_;
  std::unique_ptr<Listeners> admin_socket_;  // null: none
  std::unique_ptr<AccessLog> access_;        // null: none
  std::unique_ptr<TlsStore> tls_;
  std::string trusted_roots_;
  std::unique_ptr<Signals> signals_;
  std::optional<CodeCache> cache_;
  std::optional<Deployments> deployments_;
  std::optional<LogOutput> log_;
  std::optional<bindings::BrokerBindings> bindings_;
  std::optional<HostServices> services_;
  std::unique_ptr<Watcher> watcher_;
  std::optional<loop::Timer> rewatch_;
  std::optional<Supervisor> supervisor_;
  std::optional<AdminServer> admin_;
  std::optional<CronClock> cron_;
  uint32_t cron_turn_ = 0;  // which shard runs the next
  struct CronErrors final : kj::TaskSet::ErrorHandler {
    void taskFailed(kj::Exception&&) override {}  // when_done tells of every failure
  } cron_errors_;
  std::unique_ptr<kj::TaskSet> cron_tasks_;  // runs that go on
};

}  // namespace skep::broker
