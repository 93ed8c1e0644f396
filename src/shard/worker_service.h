// A worker of the shard as others call it (api/rpc/service.h): its isolate is made at the first
// call, as for a request. Lives as long as the bindings that hold it; the worker outlives every
// call.
#pragma once

#include <memory>

#include "api/rpc/service.h"
#include "shard/worker.h"

namespace skep::shard {

// worker null: calls fail.
std::shared_ptr<api::Service> make_worker_service(Worker* worker);

}  // namespace skep::shard
