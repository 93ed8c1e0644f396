// Which cron triggers have run, on the disk: the minute up to which each was looked at. What makes
// that no run happens twice, whatever ends the broker. One a broker; the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "bindings/broker/store_holder.h"

namespace skep::bindings {

// A worker's name and one of its expressions.
struct CronKey {
  std::string worker, cron;
  auto operator<=>(const CronKey&) const = default;
};

class CronRuns {
 public:
  static std::vector<std::string> tables() { return {"cron"}; }
  CronRuns(StoreHolder& store, storage::Table table) : store_(store), table_(table) {}

  // The minute (since the epoch) of each key that is known.
  Result<std::map<CronKey, int64_t>> load();
  // Answered when it is on the disk.
  void record(std::vector<CronKey> keys, int64_t minute, std::function<void(Result<>)> done);
  void forget(std::vector<CronKey> keys);

 private:
  StoreHolder& store_;
  const storage::Table table_;
};

}  // namespace skep::bindings
