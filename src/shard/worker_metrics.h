// What a shard counts of each worker's requests: plain numbers that only grow, asked for by the
// broker. Part of a Worker; on the loop's thread.
#pragma once

#include <array>
#include <cstdint>

#include "api/runtime.h"
#include "base/limits_edge.h"

namespace skep::shard {

struct WorkerMetrics {
  uint64_t requests = 0;               // whose event has ended, or which never got one
  std::array<uint64_t, 6> outcomes{};  // by api::Outcome
  std::array<uint64_t, 5> statuses{};  // 1xx to 5xx
  std::array<uint64_t, limits::kLatencyBuckets> durations{};
  uint64_t duration_ns = 0, cpu_ns = 0;

  void note(api::Outcome outcome, int status, int64_t took_ns, int64_t used_ns) {
    requests++;
    outcomes[static_cast<size_t>(outcome)]++;
    if (status >= 100 && status < 600) statuses[static_cast<size_t>(status / 100 - 1)]++;
    duration_ns += static_cast<uint64_t>(took_ns);
    cpu_ns += static_cast<uint64_t>(used_ns);
    size_t bucket = 0;
    while (bucket + 1 < durations.size() &&
           static_cast<double>(took_ns) > limits::kLatencySeconds[bucket] * 1e9)
      bucket++;
    durations[bucket]++;
  }
};

// Of compression, by the whole shard.
struct CompressionStats {
  uint64_t bytes_in = 0, bytes_out = 0, cpu_ns = 0;
  size_t open = 0;  // encoders alive
};

}  // namespace skep::shard
