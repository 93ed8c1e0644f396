#include "api/base/ops.h"

#include <array>

namespace skep::api {

std::span<const std::span<const Op>> all_ops() {
  // A folder joins with its first op.
  static const std::array tables = {
      event_ops(),  env_scope_ops(),  fetch_ops(),    outbound_ops(),   url_ops(),
      timers_ops(), crypto_ops(),     encoding_ops(), console_ops(),    structured_clone_ops(),
      blob_ops(),   web_socket_ops(), parts_ops(),    env_binding_ops()};
  return tables;
}

}  // namespace skep::api
