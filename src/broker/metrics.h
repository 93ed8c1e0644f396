// What all shards count, added up over those that are gone, as OpenMetrics text. Owned by the admin
// server. Labels are bounded: the workers of skep.toml and the shards. A shard may tell lies about
// its own numbers; it cannot make up names.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/limits_edge.h"
#include "rpc/skep.capnp.h"

namespace skep::broker {

constexpr size_t kOutcomes = 6, kStatusClasses = 5;

struct WorkerCounts {
  uint64_t requests = 0, shed = 0, cold_starts = 0, cpu_ns = 0, duration_ns = 0;
  uint64_t isolates = 0;  // a gauge: not kept of a shard that is gone
  std::array<uint64_t, kOutcomes> outcomes{};
  std::array<uint64_t, kStatusClasses> statuses{};
  std::array<uint64_t, limits::kLatencyBuckets> durations{};

  void add(const WorkerCounts& other);
};

struct ShardCounts {
  // Counters.
  uint64_t evictions = 0, cpu_ns = 0, handshakes = 0, handshakes_failed = 0, refused = 0,
           proxy_headers_failed = 0, unrouted = 0, compressed_in = 0, compressed_out = 0,
           compress_ns = 0;
  // Gauges.
  uint64_t connections = 0, requests_in_flight = 0, isolates = 0, isolate_groups = 0,
           arena_ready = 0, ring_depth = 0, buffered_bytes = 0, left_behind = 0;
  std::map<uint32_t, WorkerCounts> workers;

  void add_counters(const ShardCounts& other);
};

// The broker's own.
struct BrokerCounts {
  uint64_t shard_starts = 0, shards = 0;
  uint64_t access_written = 0, access_dropped = 0;
  double cpu_seconds = 0;
  uint64_t resident_bytes = 0;
};

class Metrics {
 public:
  explicit Metrics(std::vector<std::string> workers) : workers_(std::move(workers)) {}

  // What the process `sequence`, which is shard `index` now, says.
  void take(unsigned index, uint32_t sequence, rpc::ShardStats::Reader stats);
  // These processes are alive; what others have counted stays.
  void keep(const std::vector<uint32_t>& sequences);
  std::string text(const BrokerCounts& own) const;

 private:
  struct Process {
    unsigned index = 0;
    ShardCounts counts;
  };

  const std::vector<std::string> workers_;
  std::map<uint32_t, Process> live_;
  std::map<unsigned, ShardCounts> gone_;  // by shard
};

}  // namespace skep::broker
