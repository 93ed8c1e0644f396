// A shard: one process, one core, one loop. It accepts from the sockets that it was handed, speaks
// HTTP, routes, and runs workers in its arena. Everything here is inside the sandbox: it opens
// nothing. start.h puts the process together; this class is what runs in it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/route_table.h"
#include "isolate/arena.h"
#include "loop/loop.h"
#include "loop/socket.h"
#include "net/server.h"
#include "shard/host_link.h"
#include "shard/http_request.h"
#include "shard/ports.h"
#include "shard/typescript.h"
#include "shard/worker.h"

namespace skep::shard {

class Shard final : public ShardControl, public net::HttpHandler, public RequestOwner {
 public:
  Shard(loop::Loop& loop, isolate::Engine& engine, UniqueFd broker_socket);
  ~Shard();

  // Attaches to the broker and serves until told to end. Returns the process's exit status.
  int run();

  // ShardControl
  void drain(std::function<void()> done) override;
  void reload(uint32_t worker, uint64_t version) override;
  ShardFacts facts(bool details) override;
  void check(uint32_t worker, std::function<void(std::vector<api::ExceptionReport>)> done) override;
  void test(uint32_t worker, std::function<void(const api::TestResult&)> each,
            std::function<void(uint32_t, uint32_t)> done) override;
  void cold(uint32_t worker, const ColdRun& run,
            std::function<void(Result<std::vector<uint64_t>>)> done) override;
  void disconnected() override;
  void update_tls(const net::tls::ServerConfig& config) override;
  void scheduled(uint32_t worker, std::string_view cron, double time_ms,
                 std::function<void(std::string_view outcome)> done) override;
  std::shared_ptr<api::Service> service(uint32_t worker) override;

  // net::HttpHandler
  void on_request(net::HttpExchange& exchange) override;
  void on_refused(const loop::PeerAddress& peer, int status) override;

  // RequestOwner
  Worker* route(std::string_view host, std::string_view path) override;
  HostLink& host() override { return *host_; }
  loop::Loop& loop() override { return loop_; }
  const ShardConfig& config() const override { return config_; }
  bool misdirected(const net::HttpExchange& exchange) const override;
  std::string new_request_id() override;
  EdgeSettings& edge() override { return config_.edge; }
  CompressionStats& compression() override { return compression_; }
  void release(HttpRequest& request) override;

 private:
  void attached(Result<ShardConfig> config);
  void open_ports();
  void log(api::ConsoleLevel level, std::string message);
  Worker* find_worker(uint32_t index);
  HttpRequest& take_request();
  void link(HttpRequest& request);
  void unlink(HttpRequest& request);
  void on_housekeeping();
  bool evict_one();
  void relieve_pressure();
  bool on_turn(bool idle);
  void drain_overdue();
  void finish_drain();

  loop::Loop& loop_;
  isolate::Engine& engine_;
  std::unique_ptr<HostLink> host_;
  ShardConfig config_;
  std::unique_ptr<isolate::Arena> arena_;
  std::unique_ptr<Typescript> typescript_;
  std::unique_ptr<OutboundTls> outbound_tls_;
  std::unique_ptr<WorkerContext> worker_context_;
  std::vector<std::unique_ptr<Worker>> workers_;
  RouteTable routes_;
  std::unique_ptr<net::Server> server_;
  std::unique_ptr<Ports> ports_;
  std::optional<net::tls::ServerConfig> early_tls_;  // came before the answer to attach
  loop::Timer housekeeping_;
  loop::Timer drain_timer_;
  std::vector<std::unique_ptr<HttpRequest>> pool_;
  HttpRequest* in_flight_ = nullptr;  // list of requests under way
  size_t in_flight_count_ = 0;
  std::function<void()> drained_;
  bool server_drained_ = false;
  uint64_t request_seed_ = 0;
  uint64_t request_count_ = 0;
  uint64_t evictions_ = 0;
  uint64_t unrouted_ = 0;
  CompressionStats compression_;
  int exit_status_ = 0;
  // Benchmarks keep their isolates here (cold with keep).
  std::vector<std::unique_ptr<Worker>> kept_;
};

}  // namespace skep::shard
