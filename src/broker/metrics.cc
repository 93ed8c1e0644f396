#include "broker/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace skep::broker {
namespace {

constexpr std::string_view kOutcomeNames[kOutcomes] = {
    "ok", "exception", "exceededCpu", "exceededMemory", "canceled", "scriptNotFound"};

template <typename Values>
void read_list(capnp::List<uint64_t>::Reader list, Values& to) {
  for (unsigned i = 0; i < list.size() && i < to.size(); i++) to[i] = list[i];
}

template <typename Values>
void add_list(Values& to, const Values& from) {
  for (size_t i = 0; i < to.size(); i++) to[i] += from[i];
}

WorkerCounts read_worker(rpc::WorkerStats::Reader from) {
  WorkerCounts out{.requests = from.getRequests(),
                   .shed = from.getShed(),
                   .cold_starts = from.getColdStarts(),
                   .cpu_ns = from.getCpuNs(),
                   .duration_ns = from.getDurationNs(),
                   .isolates = from.getIsolates()};
  read_list(from.getOutcomes(), out.outcomes);
  read_list(from.getStatuses(), out.statuses);
  read_list(from.getDurations(), out.durations);
  return out;
}

double seconds(uint64_t ns) {
  return static_cast<double>(ns) / 1e9;
}

// Writes families. A sample's labels are given as text; the values of labels are names that
// skep.toml allows, so nothing in them needs an escape.
class Writer {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help,
              std::string_view unit = {}) {
    name_ = name;
    put("# TYPE {} {}\n", name, type);
    if (!unit.empty()) put("# UNIT {} {}\n", name, unit);
    put("# HELP {} {}\n", name, help);
  }
  template <typename Value>
  void sample(std::string_view suffix, std::string_view labels, Value value) {
    if (labels.empty()) {
      put("{}{} {}\n", name_, suffix, value);
    } else {
      put("{}{}{{{}}} {}\n", name_, suffix, labels, value);
    }
  }
  std::string take() {
    out_ += "# EOF\n";
    return std::move(out_);
  }

 private:
  template <typename... Values>
  void put(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Values>(values)...);
  }

  std::string out_, name_;
};

struct Named {
  std::string label;  // worker="x"
  WorkerCounts counts;
};

void write_workers(Writer& out, const std::vector<Named>& workers) {
  out.family("skep_requests", "counter", "Requests that reached a worker, by how they ended.");
  for (const Named& one : workers)
    for (size_t i = 0; i < kOutcomes; i++)
      if (one.counts.outcomes[i] != 0 || i == 0)
        out.sample("_total", fmt::format("{},outcome=\"{}\"", one.label, kOutcomeNames[i]),
                   one.counts.outcomes[i]);
  out.family("skep_responses", "counter", "Responses by the class of their status.");
  for (const Named& one : workers)
    for (size_t i = 0; i < kStatusClasses; i++)
      out.sample("_total", fmt::format("{},code=\"{}xx\"", one.label, i + 1),
                 one.counts.statuses[i]);
  out.family("skep_request_duration_seconds", "histogram",
             "From a request's head to the end of its response.", "seconds");
  for (const Named& one : workers) {
    uint64_t below = 0;
    for (size_t i = 0; i < one.counts.durations.size(); i++) {
      below += one.counts.durations[i];
      const bool last = i + 1 == one.counts.durations.size();
      const std::string bound = last ? "+Inf" : fmt::format("{}", limits::kLatencySeconds[i]);
      out.sample("_bucket", fmt::format("{},le=\"{}\"", one.label, bound), below);
    }
    out.sample("_count", one.label, below);
    out.sample("_sum", one.label, seconds(one.counts.duration_ns));
  }
  out.family("skep_worker_cpu_seconds", "counter", "CPU time of a worker's events.", "seconds");
  for (const Named& one : workers) out.sample("_total", one.label, seconds(one.counts.cpu_ns));
  out.family("skep_worker_isolates", "gauge", "Isolates alive.");
  for (const Named& one : workers) out.sample("", one.label, one.counts.isolates);
  out.family("skep_cold_starts", "counter", "Isolates that were started for a request.");
  for (const Named& one : workers) out.sample("_total", one.label, one.counts.cold_starts);
  out.family("skep_shed_requests", "counter", "Requests answered 503: too much at once.");
  for (const Named& one : workers) out.sample("_total", one.label, one.counts.shed);
}

using ByShard = std::map<unsigned, ShardCounts>;

void write_gauge(Writer& out, const ByShard& shards, std::string_view name, std::string_view help,
                 uint64_t ShardCounts::* field) {
  out.family(name, "gauge", help);
  for (const auto& [index, counts] : shards)
    out.sample("", fmt::format("shard=\"{}\"", index), counts.*field);
}

void write_shards(Writer& out, const ByShard& shards, const ByShard& all) {
  write_gauge(out, shards, "skep_connections", "Open connections.", &ShardCounts::connections);
  write_gauge(out, shards, "skep_requests_in_flight", "Requests under way.",
              &ShardCounts::requests_in_flight);
  write_gauge(out, shards, "skep_isolates", "Isolates alive, of all workers.",
              &ShardCounts::isolates);
  write_gauge(out, shards, "skep_isolate_groups", "Groups of isolates (cages of V8).",
              &ShardCounts::isolate_groups);
  write_gauge(out, shards, "skep_arena_ready", "Isolates made before they are needed.",
              &ShardCounts::arena_ready);
  write_gauge(out, shards, "skep_ring_operations", "Operations in the io_uring.",
              &ShardCounts::ring_depth);
  write_gauge(out, shards, "skep_buffered_bytes", "Bytes that connections hold.",
              &ShardCounts::buffered_bytes);
  write_gauge(out, shards, "skep_isolates_left_behind", "Isolates that could not be stopped.",
              &ShardCounts::left_behind);
  out.family("skep_shard_cpu_seconds", "counter", "CPU time of the shard's processes.", "seconds");
  for (const auto& [index, counts] : all)
    out.sample("_total", fmt::format("shard=\"{}\"", index), seconds(counts.cpu_ns));
  ShardCounts sum;
  for (const auto& [index, counts] : all) sum.add_counters(counts);
  out.family("skep_evictions", "counter", "Isolates given back: idle too long, or in the way.");
  out.sample("_total", "", sum.evictions);
  out.family("skep_tls_handshakes", "counter", "TLS handshakes that ended.");
  out.sample("_total", "result=\"ok\"", sum.handshakes);
  out.sample("_total", "result=\"failed\"", sum.handshakes_failed);
  out.family("skep_rejected", "counter", "Requests and connections that no worker saw.");
  out.sample("_total", "reason=\"http\"", sum.refused);
  out.sample("_total", "reason=\"no_route\"", sum.unrouted);
  out.sample("_total", "reason=\"proxy_header\"", sum.proxy_headers_failed);
  out.family("skep_compression_bytes", "counter", "Bodies before and after compression.", "bytes");
  out.sample("_total", "side=\"before\"", sum.compressed_in);
  out.sample("_total", "side=\"after\"", sum.compressed_out);
  out.family("skep_compression_cpu_seconds", "counter", "CPU time of compression.", "seconds");
  out.sample("_total", "", seconds(sum.compress_ns));
}

}  // namespace

void WorkerCounts::add(const WorkerCounts& other) {
  requests += other.requests;
  shed += other.shed;
  cold_starts += other.cold_starts;
  cpu_ns += other.cpu_ns;
  duration_ns += other.duration_ns;
  add_list(outcomes, other.outcomes);
  add_list(statuses, other.statuses);
  add_list(durations, other.durations);
}

void ShardCounts::add_counters(const ShardCounts& other) {
  evictions += other.evictions;
  cpu_ns += other.cpu_ns;
  handshakes += other.handshakes;
  handshakes_failed += other.handshakes_failed;
  refused += other.refused;
  proxy_headers_failed += other.proxy_headers_failed;
  unrouted += other.unrouted;
  compressed_in += other.compressed_in;
  compressed_out += other.compressed_out;
  compress_ns += other.compress_ns;
  for (const auto& [index, counts] : other.workers) workers[index].add(counts);
}

void Metrics::take(unsigned index, uint32_t sequence, rpc::ShardStats::Reader stats) {
  Process& process = live_[sequence];
  process.index = index;
  process.counts = {.evictions = stats.getEvictions(),
                    .cpu_ns = stats.getCpuNs(),
                    .handshakes = stats.getHandshakes(),
                    .handshakes_failed = stats.getHandshakesFailed(),
                    .refused = stats.getRefused(),
                    .proxy_headers_failed = stats.getProxyHeadersFailed(),
                    .unrouted = stats.getUnrouted(),
                    .compressed_in = stats.getCompressedIn(),
                    .compressed_out = stats.getCompressedOut(),
                    .compress_ns = stats.getCompressNs(),
                    .connections = stats.getConnections(),
                    .requests_in_flight = stats.getRequestsInFlight(),
                    .isolates = stats.getIsolates(),
                    .isolate_groups = stats.getIsolateGroups(),
                    .arena_ready = stats.getArenaReady(),
                    .ring_depth = stats.getRingDepth(),
                    .buffered_bytes = stats.getBufferedBytes(),
                    .left_behind = stats.getLeftBehind()};
  for (const auto worker : stats.getWorkers()) {
    if (worker.getIndex() >= workers_.size()) continue;
    process.counts.workers[worker.getIndex()] = read_worker(worker);
  }
}

void Metrics::keep(const std::vector<uint32_t>& sequences) {
  std::erase_if(live_, [&](const auto& entry) {
    if (std::find(sequences.begin(), sequences.end(), entry.first) != sequences.end()) return false;
    gone_[entry.second.index].add_counters(entry.second.counts);
    return true;
  });
}

std::string Metrics::text(const BrokerCounts& own) const {
  ByShard shards, all = gone_;
  for (const auto& [sequence, process] : live_) {
    shards[process.index] = process.counts;  // the youngest is the one that serves
    all[process.index].add_counters(process.counts);
  }
  std::map<uint32_t, WorkerCounts> by_worker;
  for (const auto& [index, counts] : all)
    for (const auto& [worker, more] : counts.workers) by_worker[worker].add(more);
  for (const auto& [sequence, process] : live_)
    for (const auto& [worker, more] : process.counts.workers)
      by_worker[worker].isolates += more.isolates;
  std::vector<Named> workers;
  for (const auto& [worker, counts] : by_worker)
    workers.push_back({fmt::format("worker=\"{}\"", workers_[worker]), counts});

  Writer out;
  out.family("skep_build", "info", "The program.");
  out.sample("_info", fmt::format("version=\"{}\"", SKEP_VERSION), 1);
  write_workers(out, workers);
  write_shards(out, shards, all);
  out.family("skep_shards", "gauge", "Shards that serve.");
  out.sample("", "", own.shards);
  out.family("skep_shard_starts", "counter", "Shard processes that were started.");
  out.sample("_total", "", own.shard_starts);
  out.family("skep_access_log_lines", "counter", "Lines of the access log.");
  out.sample("_total", "result=\"written\"", own.access_written);
  out.sample("_total", "result=\"dropped\"", own.access_dropped);
  out.family("skep_broker_cpu_seconds", "counter", "CPU time of the broker.", "seconds");
  out.sample("_total", "", own.cpu_seconds);
  out.family("skep_broker_resident_bytes", "gauge", "Memory of the broker.", "bytes");
  out.sample("", "", own.resident_bytes);
  return out.take();
}

}  // namespace skep::broker
