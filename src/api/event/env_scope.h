// The scopes of withEnv(), for who asks which event is running. In the shard, on a job's stack.
#pragma once

#include <v8.h>

#include <cstdint>

namespace skep::api {

// The event of the scope that the running code is in; 0: of none, or there is no scope.
uint32_t scoped_event_id(v8::Isolate* isolate);

}  // namespace skep::api
