#include "shard/shard.h"

#include <fmt/format.h>
#include <sys/random.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/limits_fairness.h"
#include "base/time.h"
#include "shard/worker_service.h"

namespace skep::shard {
namespace {

constexpr int64_t kHousekeepingMs = 1000;
constexpr size_t kRequestPool = 1024;
constexpr int64_t kTypescriptIdleNs = 30'000'000'000;

uint64_t random_u64() {
  uint64_t value = 0;
  SKEP_ASSERT(getrandom(&value, sizeof value, 0) == sizeof value);
  return value;
}

}  // namespace

Shard::Shard(loop::Loop& loop, isolate::Engine& engine, UniqueFd broker_socket)
    : loop_(loop),
      engine_(engine),
      housekeeping_(loop, [this] { on_housekeeping(); }),
      drain_timer_(loop, [this] { drain_overdue(); }),
      request_seed_(random_u64()) {
  host_ = std::make_unique<HostLink>(loop, std::move(broker_socket), *this);
}

Shard::~Shard() {
  ports_.reset();
  server_.reset();
  pool_.clear();
  kept_.clear();
  workers_.clear();
  typescript_.reset();
  arena_.reset();
}

int Shard::run() {
  host_->attach([this](Result<ShardConfig> config) { attached(std::move(config)); });
  loop_.add_turn_hook([this](bool idle) { return on_turn(idle); });
  if (auto result = loop_.run(); !result) {
    // Nowhere to say it but here: the link to the broker runs on this loop.
    std::fprintf(stderr, "skep: shard: %s\n", result.error().message.c_str());
    return 1;
  }
  return exit_status_;
}

void Shard::attached(Result<ShardConfig> config) {
  if (!config) {
    std::fprintf(stderr, "skep: shard: cannot attach to the broker: %s\n",
                 config.error().message.c_str());
    exit_status_ = 1;
    return loop_.stop();
  }
  config_ = std::move(*config);
  config_.edge.random_state = random_u64();
  isolate::ArenaOptions arena;
  arena.ready = config_.arena_size;
  arena.heap_bytes = config_.limits.memory_bytes;
  arena_ = std::make_unique<isolate::Arena>(loop_, engine_, arena);
  typescript_ = std::make_unique<Typescript>(loop_, *arena_);
  outbound_tls_ = std::make_unique<OutboundTls>(*host_);
  worker_context_ = std::make_unique<WorkerContext>(
      WorkerContext{loop_, *arena_, *host_, *typescript_, config_, *outbound_tls_,
                    [this] { return evict_one(); }});
  for (size_t i = 0; i < config_.workers.size(); i++) {
    workers_.push_back(
        std::make_unique<Worker>(*worker_context_, static_cast<uint32_t>(i), config_.workers[i]));
    routes_.add_name(config_.workers[i], static_cast<uint32_t>(i));
  }
  for (const RouteRow& row : config_.routes) {
    if (auto added = routes_.add(row.pattern, row.worker); !added) {
      log(api::ConsoleLevel::error,
          fmt::format("route {}: {}", row.pattern, added.error().message));
    }
  }
  net::ServerOptions options;
  options.max_body_bytes = config_.limits.request_body_bytes;
  options.max_connections = config_.limits.max_connections;
  server_ = std::make_unique<net::Server>(loop_, *this, options);
  open_ports();
  housekeeping_.set_ms(kHousekeepingMs);
}

void Shard::open_ports() {
  ports_ = std::make_unique<Ports>(
      loop_, *host_,
      Ports::Callbacks{
          [this](std::unique_ptr<net::Stream> stream, loop::PeerAddress peer, bool http2) {
            server_->add_stream(std::move(stream), std::move(peer), http2);
          },
          [this](int error) {
            log(api::ConsoleLevel::error,
                fmt::format("cannot accept connections: {}", std::strerror(error)));
          }});
  ports_->set_trusted(config_.edge.trusted);
  update_tls(early_tls_ ? *std::exchange(early_tls_, std::nullopt) : config_.tls);
  for (size_t i = 0; i < config_.listeners.size(); i++) {
    const PortOptions port = i < config_.ports.size() ? config_.ports[i] : PortOptions();
    ports_->listen(std::move(config_.listeners[i]), port);
  }
}

void Shard::update_tls(const net::tls::ServerConfig& config) {
  if (!ports_) {
    early_tls_ = config;
    return;
  }
  if (auto set = ports_->set_tls(config); !set) {
    log(api::ConsoleLevel::error, fmt::format("TLS: {}", set.error().message));
  }
}

bool Shard::misdirected(const net::HttpExchange& exchange) const {
  const net::TlsFacts* tls = exchange.tls();
  return tls != nullptr && ports_->misdirected(*tls, exchange.head().host);
}

// At the end of each turn: one isolate more for the arena, but only while nothing else is to be
// done.
bool Shard::on_turn(bool idle) {
  if (!arena_) return false;
  if (arena_->take_pressure()) relieve_pressure();
  return idle ? arena_->refill_step() : arena_->wants_refill();
}

void Shard::log(api::ConsoleLevel level, std::string message) {
  LogRecord record;
  record.kind = LogRecord::Kind::shard;
  record.level = level;
  record.message = std::move(message);
  record.time_ms = wall_clock_ms();
  host_->log(std::move(record));
}

// ---- requests
// --------------------------------------------------------------------------------------

Worker* Shard::find_worker(uint32_t index) {
  return index < workers_.size() ? workers_[index].get() : nullptr;
}

Worker* Shard::route(std::string_view host, std::string_view path) {
  const auto found = routes_.match(host, path);
  if (!found) unrouted_++;
  return found ? find_worker(*found) : nullptr;
}

std::string Shard::new_request_id() {
  // 16 hexadecimal digits as CF-Ray has them: unique on this shard, not to be guessed from outside.
  uint64_t number = request_seed_ ^ (++request_count_ * 0x9e3779b97f4a7c15ull);
  std::string id(16, '0');
  for (size_t i = id.size(); i-- > 0; number >>= 4) id[i] = "0123456789abcdef"[number & 15];
  return id;
}

HttpRequest& Shard::take_request() {
  HttpRequest* request = nullptr;
  if (pool_.empty()) {
    request = new HttpRequest(*this);
  } else {
    request = pool_.back().release();
    pool_.pop_back();
  }
  link(*request);
  return *request;
}

void Shard::link(HttpRequest& request) {
  request.previous = nullptr;
  request.next = in_flight_;
  if (in_flight_ != nullptr) in_flight_->previous = &request;
  in_flight_ = &request;
  in_flight_count_++;
}

void Shard::unlink(HttpRequest& request) {
  (request.previous != nullptr ? request.previous->next : in_flight_) = request.next;
  if (request.next != nullptr) request.next->previous = request.previous;
  in_flight_count_--;
}

void Shard::on_request(net::HttpExchange& exchange) {
  take_request().begin(exchange);
}

// What the HTTP server refused by itself got no further than a status.
void Shard::on_refused(const loop::PeerAddress& peer, int status) {
  if (!config_.edge.access_log) return;
  AccessRecord record;
  record.client = peer.address;
  record.status = static_cast<uint16_t>(status);
  record.started_ms = wall_clock_ms();
  host_->access(std::move(record));
}

void Shard::release(HttpRequest& request) {
  unlink(request);
  // Kept alive even beyond the pool's size until the turn ends: its own member functions are on the
  // stack below.
  std::unique_ptr<HttpRequest> owned(&request);
  if (pool_.size() < kRequestPool) {
    pool_.push_back(std::move(owned));
  } else {
    loop_.post([late = std::shared_ptr<HttpRequest>(std::move(owned))] {});
  }
  if (drained_) finish_drain();
}

// ---- isolates
// --------------------------------------------------------------------------------------

void Shard::on_housekeeping() {
  const int64_t now = loop_.now_ns();
  const int64_t idle_ns = static_cast<int64_t>(config_.limits.idle_evict_ms) * 1'000'000;
  for (auto& worker : workers_) evictions_ += worker->sweep(now - idle_ns);
  typescript_->sweep(now - kTypescriptIdleNs);
  housekeeping_.set_ms(kHousekeepingMs);
}

// A group's cage that fills up would end the process: of its isolates those idle longest go.
void Shard::relieve_pressure() {
  for (unsigned i = 0; i < limits::kEvictionsPerTurn; i++) {
    Worker* oldest = nullptr;
    for (auto& worker : workers_) {
      if (!worker->crowded() || !worker->idle()) continue;
      if (oldest == nullptr || worker->last_used_ns() < oldest->last_used_ns()) {
        oldest = worker.get();
      }
    }
    if (oldest == nullptr) return;
    evictions_ += oldest->sweep(INT64_MAX);
  }
}

bool Shard::evict_one() {
  Worker* oldest = nullptr;
  for (auto& worker : workers_) {
    const int64_t used = worker->last_used_ns();
    if (used != 0 && worker->idle() && (oldest == nullptr || used < oldest->last_used_ns())) {
      oldest = worker.get();
    }
  }
  if (oldest == nullptr) return false;
  const size_t gone = oldest->sweep(INT64_MAX);
  evictions_ += gone;
  return gone > 0;
}

std::shared_ptr<api::Service> Shard::service(uint32_t worker) {
  return make_worker_service(find_worker(worker));
}

// ---- what the broker asks
// --------------------------------------------------------------------------

void Shard::drain(std::function<void()> done) {
  drained_ = std::move(done);
  if (ports_) ports_->stop();
  drain_timer_.set_ms(limits::kDrainMs);
  for (auto& worker : workers_) worker->close_web_sockets(1001, "The server is going away.");
  if (!server_) {
    server_drained_ = true;
    return finish_drain();
  }
  server_->drain([this] {
    server_drained_ = true;
    finish_drain();
  });
}

void Shard::finish_drain() {
  if (!drained_ || !server_drained_ || in_flight_count_ > 0) return;
  std::exchange(drained_, nullptr)();
}

void Shard::drain_overdue() {
  log(api::ConsoleLevel::warn,
      fmt::format("{} requests were cut off: they had not ended {} s after the order to stop",
                  in_flight_count_, limits::kDrainMs / 1000));
  if (drained_) std::exchange(drained_, nullptr)();
}

void Shard::reload(uint32_t index, uint64_t version) {
  if (Worker* worker = find_worker(index)) worker->reload(version);
}

void Shard::disconnected() {
  loop_.stop();
}

ShardFacts Shard::facts(bool details) {
  ShardFacts facts{};
  if (!arena_) return facts;
  const auto arena = arena_->stats();
  const auto server = server_->stats();
  facts.connections = server.connections;
  facts.requests = server.requests;
  facts.rejected = server.refused;
  for (auto& worker : workers_) facts.rejected += worker->shed;
  facts.left_behind = engine_.abandoned_isolates();
  facts.isolates = arena.live;
  facts.isolate_groups = arena.groups;
  facts.arena_ready = arena.ready;
  facts.evictions = evictions_;
  facts.requests_in_flight = in_flight_count_;
  for (auto& worker : workers_) facts.cold_starts += worker->cold_starts;
  facts.cpu_ns = static_cast<uint64_t>(process_cpu_ns());
  const Ports::Stats ports = ports_->stats();
  facts.handshakes = ports.handshakes;
  facts.handshakes_failed = ports.handshakes_failed;
  facts.proxy_headers_failed = ports.proxy_headers_failed;
  facts.refused = server.refused;
  facts.unrouted = unrouted_;
  facts.ring_depth = loop_.stats().in_flight;
  facts.buffered_bytes = server.buffered_bytes;
  facts.compression = compression_;
  for (size_t i = 0; details && i < workers_.size(); i++) {
    const Worker& worker = *workers_[i];
    if (worker.metrics.requests == 0 && worker.shed == 0 && worker.cold_starts == 0) continue;
    facts.workers.push_back({static_cast<uint32_t>(i), worker.metrics, worker.shed,
                             worker.cold_starts, worker.isolates()});
  }
  return facts;
}

}  // namespace skep::shard
