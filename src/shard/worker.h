// A worker on this shard: its files (asked of the broker at the first request), its isolate (from
// the arena), and the requests that wait for either. Owned by the shard, one for each row of the
// config. A reload makes a new version: the old isolate finishes what it began and goes.
#pragma once

#include <deque>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/runtime.h"
#include "isolate/arena.h"
#include "net/client/pool.h"
#include "shard/host_link.h"
#include "shard/outbound_connector.h"
#include "shard/worker_metrics.h"

namespace skep::shard {

class Typescript;
class Worker;

// Shared by all workers of a shard.
struct WorkerContext {
  loop::Loop& loop;
  isolate::Arena& arena;
  HostLink& host;
  Typescript& typescript;
  const ShardConfig& config;
  OutboundTls& outbound_tls;
  // Called when the arena has no room: gives back the isolate that was idle longest, if any.
  std::function<bool()> evict_one;
};

// The modules of one version. isolate::Bundle for all isolates made of it.
class WorkerVersion final : public isolate::Bundle,
                            public std::enable_shared_from_this<WorkerVersion> {
 public:
  WorkerVersion(WorkerContext& context, uint32_t index, WorkerFiles files);

  // Turns TypeScript modules that came with load() into JavaScript; then the version is ready.
  void prepare(std::function<void(std::expected<void, api::ExceptionReport>)> done);

  isolate::ModuleSource& main() override { return *main_; }
  std::optional<isolate::Resolved> resolve(std::string_view referrer, std::string_view specifier,
                                           isolate::ImportKind kind,
                                           std::function<void(isolate::Resolved)> later) override;
  void cache_made(isolate::ModuleSource& module) override;

  const WorkerFiles& files() const { return files_; }
  uint64_t number() const { return files_.version; }

 private:
  using ResolutionKey = std::string;
  static ResolutionKey key(std::string_view referrer, std::string_view specifier,
                           isolate::ImportKind kind);
  // Adds a module; `done` is called with it, at once unless it has to be transformed first.
  void add(ModuleFile file,
           std::function<void(std::expected<isolate::ModuleSource*, api::ExceptionReport>)> done);
  isolate::ModuleSource* insert(ModuleFile file);
  void prepare_next(size_t index,
                    std::function<void(std::expected<void, api::ExceptionReport>)> done);
  void answer(ResolutionKey key, Result<ResolveAnswer> result,
              std::function<void(isolate::Resolved)> later);

  WorkerContext& context_;
  uint32_t index_;
  WorkerFiles files_;
  isolate::ModuleSource* main_ = nullptr;
  std::unordered_map<std::string, std::unique_ptr<isolate::ModuleSource>> modules_;
  std::unordered_map<ResolutionKey, isolate::Resolved> resolutions_;
  uint64_t bytes_ = 0;
};

// One isolate that runs one version of a worker.
class Instance final : public api::RuntimeHost {
 public:
  Instance(Worker& worker, std::shared_ptr<WorkerVersion> version,
           std::unique_ptr<isolate::Tenant> tenant);
  ~Instance();

  loop::Loop& loop() override;
  const api::Parts& parts() override;
  net::HttpClient* http_client() override;
  net::Connector* connector() override;
  void on_console(std::string_view request_id, api::ConsoleLevel level,
                  std::string message) override;
  void on_exception(std::string_view request_id, std::string_view where,
                    const api::ExceptionReport& report) override;

  bool idle() const;
  bool condemned() const { return tenant_->condemned(); }

  Worker& worker;
  std::shared_ptr<WorkerVersion> version;
  api::Runtime* runtime = nullptr;
  int64_t last_used_ns = 0;
  bool retired = false;       // takes no new requests; goes when idle
  bool sockets_told = false;  // that it is retired
  std::unique_ptr<isolate::Tenant> take_tenant() { return std::move(tenant_); }
  isolate::Tenant& tenant() { return *tenant_; }

 private:
  std::unique_ptr<isolate::Tenant> tenant_;
};

// Somebody who waits for an instance that can take an event.
class InstanceWaiter {
 public:
  virtual void on_instance(Instance& instance) = 0;
  virtual void on_load_failed(const api::ExceptionReport& report) = 0;
  // The shard has no room for another isolate.
  virtual void on_no_room() = 0;
  // The version is known and has assets; before an instance is made. True: no instance is needed,
  // and nothing more will be said.
  virtual bool on_assets(const std::shared_ptr<bindings::AssetSite>& assets) { return false; }

 protected:
  ~InstanceWaiter() = default;
};

class Worker {
 public:
  Worker(WorkerContext& context, uint32_t index, std::string name);
  ~Worker();

  const std::string& name() const { return name_; }
  uint32_t index() const { return index_; }
  WorkerContext& context() { return context_; }
  api::WorkerOptions options() const;  // of the current version

  // The instance that takes new requests; null when one must be made first (then: wait()).
  Instance* ready();
  // Calls the waiter, at once or when an instance has been made. A waiter may be withdrawn.
  void wait(InstanceWaiter& waiter);
  void withdraw(InstanceWaiter& waiter);
  // Loads the files if need be, without making an instance.
  void with_version(
      std::function<void(std::expected<std::shared_ptr<WorkerVersion>, api::ExceptionReport>)>
          done);

  // A new version: the next request loads it.
  void reload(uint64_t version);
  // Gives back what is idle: retired instances, and the current one where it was not
  // used since `idle_before_ns` or is condemned.
  // Returns how many isolates went.
  size_t sweep(int64_t idle_before_ns);
  // Says on all its WebSockets that the shard ends.
  void close_web_sockets(uint16_t code, std::string_view reason);
  bool idle() const;  // the current instance has nothing to do
  size_t isolates() const { return retired_.size() + (current_ ? 1 : 0) + (starting_ ? 1 : 0); }
  int64_t last_used_ns() const;
  bool crowded() const;  // its isolate stands in a group whose heap is too large
  // After an event: an instance that is retired or condemned goes when it is idle.
  void event_ended(Instance& instance);

  // Its requests to the outside, of all its isolates.
  // Made when a worker first fetches: most never do, and there may be many thousands.
  net::HttpClient& http_client();
  net::Connector& connector() { return connector_; }

  uint64_t cold_starts = 0;
  WorkerMetrics metrics;
  uint64_t shed = 0;  // requests refused because others waited too long
  // What all its isolates have used, and how much of a burden it has lately been.
  const isolate::Account& account() const { return *account_; }

 private:
  void start_instance();
  void made(std::unique_ptr<Instance> instance, std::expected<void, api::ExceptionReport> result);
  void fail_waiters(const api::ExceptionReport& report);
  // Who can be answered by the assets is; the others go on waiting.
  void serve_assets();
  const std::shared_ptr<bindings::AssetSite>* assets() const;
  void retire(std::unique_ptr<Instance> instance);

  WorkerContext& context_;
  uint32_t index_;
  std::string name_;
  OutboundConnector connector_;
  std::unique_ptr<net::Pool> http_client_;
  const std::shared_ptr<isolate::Account> account_ = std::make_shared<isolate::Account>();
  uint64_t wanted_version_ = 0;
  std::shared_ptr<WorkerVersion> version_;
  std::unique_ptr<Instance> current_;
  std::unique_ptr<Instance> starting_;
  std::vector<std::unique_ptr<Instance>> retired_;
  std::list<InstanceWaiter*> waiters_;
  bool loading_ = false;
};

}  // namespace skep::shard
