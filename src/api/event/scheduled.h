// The scheduled() event of cron triggers: the handler of the default export, or the listeners of a
// service worker. In the shard; loop's stack.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "api/runtime.h"

namespace skep::api {

// Null when the tenant takes no more events: `done` is not called then. It is called when the
// handler and all that waitUntil holds are through, perhaps within this call.
Event* start_scheduled(Runtime& runtime, std::string_view cron, double time_ms,
                       std::string_view request_id, std::function<void(const EventResult&)> done);

}  // namespace skep::api
