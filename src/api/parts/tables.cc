// The natives that only parts call, folder by folder. A folder joins with its first.
#include <array>

#include "api/parts/parts.h"

namespace skep::api {

std::span<const PartOps> part_op_tables() {
  static const std::array tables = {
      PartOps{"compression", compression_ops()},
      PartOps{"html_rewriter", html_rewriter_ops()},
      PartOps{"sockets", socket_ops()},
  };
  return tables;
}

}  // namespace skep::api
