// The natives of Node's modules: each table belongs to one part (parts/tables.cc). In the shard.
#pragma once

#include <span>

#include "api/base/ops.h"

namespace skep::api {

std::span<const Op> node_buffer_ops();
std::span<const Op> node_crypto_ops();
std::span<const Op> node_util_ops();
std::span<const Op> node_zlib_ops();

}  // namespace skep::api
