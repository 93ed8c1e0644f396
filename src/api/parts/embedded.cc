#include "api/parts/parts.h"
#include "base/assert.h"

extern "C" {
extern const char skep_runtime_parts[] __attribute__((visibility("hidden")));
extern const char skep_runtime_parts_end[] __attribute__((visibility("hidden")));
}

namespace skep::api {

Parts make_embedded_parts(std::span<const PartOps> more) {
  const auto tables = part_op_tables();
  std::vector<PartOps> all(tables.begin(), tables.end());
  all.insert(all.end(), more.begin(), more.end());
  auto read = Parts::read({skep_runtime_parts, skep_runtime_parts_end}, std::move(all));
  SKEP_ASSERT(read);
  return std::move(*read);
}

const Parts& embedded_parts() {
  static const Parts parts = make_embedded_parts({});
  return parts;
}

}  // namespace skep::api
