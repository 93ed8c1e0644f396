// One run of a worker's scheduled() handler: waits for an isolate, runs the event under its bound
// of time, tells how it ended. Makes itself and deletes itself; on the loop's thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "shard/worker.h"

namespace skep::shard {

// outcome: as of a request ("ok", "exception", …).
void run_scheduled(Worker& worker, std::string request_id, std::string_view cron, double time_ms,
                   std::function<void(std::string_view outcome)> done);

}  // namespace skep::shard
