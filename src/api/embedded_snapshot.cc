#include "api/snapshot.h"

extern "C" {
extern const char skep_runtime_snapshot[] __attribute__((visibility("hidden")));
extern const char skep_runtime_snapshot_end[] __attribute__((visibility("hidden")));
}

namespace skep::api {

std::span<const char> embedded_snapshot() {
  return {skep_runtime_snapshot, skep_runtime_snapshot_end};
}

}  // namespace skep::api
