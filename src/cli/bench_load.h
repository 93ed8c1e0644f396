// The load of `skep bench http`: connections over the loop that ask and wait. Closed loop: each
// asks again when it was answered. Open loop: requests are due at fixed times, whoever is free
// takes the next one, and a latency counts from the time a request was due, not from when it could
// be sent: a server that stops for a second is seen to delay all requests of that second (no
// coordinated omission).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/bench_histogram.h"
#include "cli/bench_options.h"
#include "loop/loop.h"

namespace skep::cli {

struct LoadResult {
  uint64_t requests = 0;                      // answered within the measured time
  uint64_t late = 0;                          // due within it, answered after it (open loop)
  std::array<uint64_t, 6> by_status_class{};  // [2]: 2xx…
  uint64_t body_bytes = 0;
  uint64_t reconnects = 0;  // after an answer that closed the connection
  // Requests without an answer, by reason.
  uint64_t connect_errors = 0, broken = 0, malformed = 0, timed_out = 0;
  double measured_s = 0;
  Histogram latency_ns;  // open loop: from when it was due
  Histogram service_ns;  // from when it was sent
  uint64_t unanswered() const { return connect_errors + broken + malformed + timed_out; }
  uint64_t refused() const { return by_status_class[0] + by_status_class[4] + by_status_class[5]; }
};

class LoadConnection;

class Load {
 public:
  Load(loop::Loop& loop, const BenchTarget& target, const BenchOptions& options);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Errors: no connection could be made.
  Result<> connect();
  // Runs for so long; what was recorded before is forgotten. Then run() may be called again.
  Result<> run(double seconds);
  // Open loop: waits for what is still due, up to the time-out; the rest counts as timed out.
  Result<> finish();
  LoadResult& result() { return result_; }

 private:
  friend class LoadConnection;
  void connection_ready(LoadConnection& connection);
  void connection_failed(LoadConnection& connection, int error);
  void connection_lost(LoadConnection& connection);
  void answered(LoadConnection& connection, int status, uint64_t body_bytes);
  void request_over();
  void send_due();
  uint64_t requests_out() const;
  bool backlog() const { return next_sent_ < next_due_; }
  int64_t due_ns(uint64_t index) const;

  loop::Loop& loop_;
  const BenchTarget& target_;
  const BenchOptions& options_;
  std::vector<std::unique_ptr<LoadConnection>> connections_;
  std::vector<LoadConnection*> idle_;
  LoadResult result_;
  size_t unconnected_;
  int connect_error_ = 0;
  bool connected_ = false;  // all of them, once
  bool running_ = false;
  // The measured time.
  int64_t start_ns_ = 0;
  int64_t end_ns_ = 0;
  // Open loop: requests are numbered from start_ns_; those in [next_sent_, next_due_) are late.
  uint64_t next_due_ = 0;
  uint64_t next_sent_ = 0;
  loop::Timer pace_;
  loop::Timer end_;
};

}  // namespace skep::cli
