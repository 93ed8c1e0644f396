// The shard's end of the socket to the broker, without Cap'n Proto in its types: what the shard
// asks (HostLink) and what the broker may ask of it (ShardControl). host_link.cc is the only file
// of this folder that speaks RPC. On the loop's thread; callbacks come on the loop's stack.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/rpc/service.h"
#include "api/runtime.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "bindings/assets/site_fwd.h"
#include "isolate/bundle.h"
#include "loop/loop.h"
#include "net/tls/tls_server.h"
#include "shard/access_record.h"
#include "shard/ports.h"
#include "shard/request_facts.h"
#include "shard/worker_metrics.h"

namespace skep::shard {

struct ShardLimits {
  int64_t cpu_ms = 0;
  int64_t startup_cpu_ms = 0;
  uint64_t memory_bytes = 0;
  uint64_t script_bytes = 0;
  uint64_t request_body_bytes = 0;
  uint32_t max_connections = 0;
  uint64_t idle_evict_ms = 0;
  uint32_t subrequests = 0;
};

struct RouteRow {
  std::string pattern;
  uint32_t worker;
};

// What a shard is told when it attaches.
struct ShardConfig {
  uint32_t index = 0;
  bool dev = false;
  ShardLimits limits;
  std::vector<RouteRow> routes;
  std::vector<std::string> workers;  // names; a worker is known by its index
  uint32_t arena_size = 16;
  std::vector<UniqueFd> listeners;
  std::vector<PortOptions> ports;     // by listener
  std::vector<bool> worker_compress;  // by worker
  EdgeSettings edge;
  net::tls::ServerConfig tls;  // no certificates: none
};

// A module as the broker sends it. TypeScript arrives as it was written, with what an earlier
// transformation made of it where one is kept.
struct ModuleFile {
  std::string name;
  isolate::ModuleType type = isolate::ModuleType::esm;
  bool typescript = false;
  std::string content;
  std::string source_map;
  std::string code_cache;
  std::string transformed;
};

struct ResolutionRow {
  std::string referrer, specifier;
  isolate::ImportKind kind;
  std::string name;  // "" : builtin
};

struct WorkerFiles {
  uint64_t version = 0;
  std::vector<ModuleFile> modules;  // the first is the main module
  std::vector<ResolutionRow> resolutions;
  std::string compatibility_date;
  std::vector<std::string> compatibility_flags;
  std::vector<api::EnvVar> env;
  std::vector<api::EnvBinding> bindings;
  std::shared_ptr<bindings::AssetSite> assets;  // null: none
  bool has_code = true;                         // false: there are only assets
  int64_t cpu_ms = 0;                           // 0: the shard's limit
  uint32_t subrequests = 0;                     // as above
};

struct ResolveAnswer {
  std::unique_ptr<ModuleFile> module;
  bool builtin = false;
  std::string missing;
};

enum class CacheKind { v8_code_cache, transformed };

struct LogRecord {
  enum class Kind { console, exception, limit, request, shard };
  std::string worker;
  std::string request_id;
  api::ConsoleLevel level = api::ConsoleLevel::log;
  Kind kind = Kind::console;
  std::string message;
  std::string stack;
  double time_ms = 0;
  // kind request only
  std::string method, url, outcome;
  uint16_t status = 0;
  uint64_t duration_us = 0, cpu_us = 0;
};

struct ShardFacts {
  uint64_t connections, requests, isolates, isolate_groups, cold_starts, evictions, cpu_ns,
      arena_ready, requests_in_flight, rejected, left_behind;
  uint64_t handshakes, handshakes_failed, refused, proxy_headers_failed, unrouted, ring_depth,
      buffered_bytes;
  CompressionStats compression;
  struct OfWorker {
    uint32_t index;
    WorkerMetrics metrics;
    uint64_t shed, cold_starts, isolates;
  };
  std::vector<OfWorker> workers;  // where details were asked for
};

// rpc::Shard::cold: how often to start a worker, and how.
struct ColdRun {
  uint32_t count = 0;
  bool keep = false;  // the isolates stay alive
  bool dry = false;   // each start finds no isolate ready
};

// What the broker may ask of a shard. The shard implements it.
class ShardControl {
 public:
  virtual void drain(std::function<void()> done) = 0;
  virtual void reload(uint32_t worker, uint64_t version) = 0;
  virtual ShardFacts facts(bool details) = 0;
  virtual void check(uint32_t worker,
                     std::function<void(std::vector<api::ExceptionReport>)> done) = 0;
  virtual void test(uint32_t worker, std::function<void(const api::TestResult&)> each,
                    std::function<void(uint32_t passed, uint32_t failed)> done) = 0;
  virtual void cold(uint32_t worker, const ColdRun& run,
                    std::function<void(Result<std::vector<uint64_t>>)> done) = 0;
  // The broker is gone: the shard ends.
  virtual void disconnected() = 0;
  virtual void update_tls(const net::tls::ServerConfig& config) = 0;
  virtual void scheduled(uint32_t worker, std::string_view cron, double time_ms,
                         std::function<void(std::string_view outcome)> done) = 0;
  // A worker of the shard, for service bindings of others.
  virtual std::shared_ptr<api::Service> service(uint32_t worker) = 0;

 protected:
  ~ShardControl() = default;
};

// A connected socket to the outside, and the address that it is connected to.
struct OutboundSocket {
  UniqueFd fd;
  std::string address;
};

class HostLink final : public net::tls::Signer {
 public:
  // Takes the connected socket; `control` outlives the link.
  HostLink(loop::Loop& loop, UniqueFd socket, ShardControl& control);
  ~HostLink();

  void attach(std::function<void(Result<ShardConfig>)> done);
  void load(uint32_t worker, std::function<void(Result<WorkerFiles>)> done);
  void resolve(uint32_t worker, uint64_t version, std::string_view referrer,
               std::string_view specifier, isolate::ImportKind kind,
               std::function<void(Result<ResolveAnswer>)> done);
  void store_cache(uint32_t worker, uint64_t version, std::string_view module, CacheKind kind,
                   std::string_view data);
  // Asks for a connection to the outside, for the worker whose files came before it. An error's
  // code is an errno, as net::Connector has it.
  void connect(uint32_t worker, std::string_view host, uint16_t port,
               std::function<void(Result<OutboundSocket>)> done);
  // The certificates that outbound TLS trusts, PEM.
  void trusted_roots(std::function<void(Result<std::string>)> done);
  // net::tls::Signer: `key` as in the ServerConfig that came from here.
  void sign(uint32_t key, uint16_t algorithm, std::span<const uint8_t> input,
            std::function<void(Result<std::string>)> done) override;
  // Sent in batches, in order; over limits::kLogQueueEntries the newest are counted and dropped.
  void log(LogRecord record);
  // The same for lines of the access log; those that there is no room for are counted there.
  void access(AccessRecord record);
  uint64_t access_dropped() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skep::shard
