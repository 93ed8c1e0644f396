// The clock of cron triggers: once a minute it looks which expressions are due, writes down that
// they run, and has a shard run them. UTC. What a restart misses is skipped; a restart within the
// minute of a run loses nothing, and nothing runs twice (docs/decisions/cron.md). Owned by the
// broker, on its loop; what is time and who runs is given, so that a test can say.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bindings/cron/broker/cron_runs.h"
#include "config/cron.h"
#include "loop/loop.h"

namespace skep::broker {

class CronClock {
 public:
  struct Hooks {
    std::function<int64_t()> now_ms;  // since the epoch
    std::function<void(uint32_t worker, const std::string& cron, double time_ms,
                       std::function<void(Result<std::string> outcome)> done)>
        run;
  };
  CronClock(loop::Loop& loop, bindings::CronRuns& runs, Hooks hooks);

  // The expressions of a worker, as they are now.
  void set(uint32_t worker, const std::string& name, const std::vector<std::string>& crons);
  // After set() of all workers: reads what has run, and begins.
  Result<> start();

 private:
  struct Trigger {
    uint32_t worker = 0;
    config::CronSchedule schedule;
    int64_t seen = -1;  // the minute up to which it was looked at; -1: not known yet
  };

  void tick();
  void look(int64_t minute);
  void run(const bindings::CronKey& key, uint32_t worker, int64_t minute);

  bindings::CronRuns& runs_;
  const Hooks hooks_;
  std::map<bindings::CronKey, Trigger> triggers_;
  std::map<bindings::CronKey, int64_t> known_;  // of the disk
  loop::Timer timer_;
  size_t running_ = 0;
  bool started_ = false;
};

}  // namespace skep::broker
