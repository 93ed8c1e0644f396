#include "api/base/ops.h"

#include <array>

namespace skep::api {

std::span<const std::span<const Op>> all_ops() {
  static const std::array tables = {event_ops(),  url_ops(), timers_ops(), crypto_ops(),
                                    fetch_ops(), encoding_ops(),  structured_clone_ops(),
                                    console_ops(), streams_ops(), blob_ops()};
  return tables;
}

}  // namespace skep::api
