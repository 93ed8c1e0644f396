#include "api/parts/parts.h"
#include "base/assert.h"

extern "C" {
extern const char skep_runtime_parts[] __attribute__((visibility("hidden")));
extern const char skep_runtime_parts_end[] __attribute__((visibility("hidden")));
}

namespace skep::api {

const Parts& embedded_parts() {
  static const Parts parts = [] {
    const auto tables = part_op_tables();
    auto read =
        Parts::read({skep_runtime_parts, skep_runtime_parts_end}, {tables.begin(), tables.end()});
    SKEP_ASSERT(read);
    return std::move(*read);
  }();
  return parts;
}

}  // namespace skep::api
