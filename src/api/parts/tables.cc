// The natives that only parts call, folder by folder. A folder joins with its first.
#include <array>

#include "api/node/ops.h"
#include "api/parts/parts.h"

namespace skep::api {

std::span<const PartOps> part_op_tables() {
  static const std::array tables = {
      PartOps{"compression", compression_ops()},
      PartOps{"console", inspect_ops()},
      PartOps{"crypto", subtle_ops()},
      PartOps{"html_rewriter", html_rewriter_ops()},
      PartOps{"node/buffer", node_buffer_ops()},
      PartOps{"node/crypto", node_crypto_ops()},
      PartOps{"node/util_types", node_util_ops()},
      PartOps{"node/zlib", node_zlib_ops()},
      PartOps{"rpc", rpc_ops()},
      PartOps{"sockets", socket_ops()},
  };
  return tables;
}

}  // namespace skep::api
