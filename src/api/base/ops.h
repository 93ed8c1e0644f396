// Ops: the native functions that the runtime's JavaScript calls. Each folder has one table; this
// header and ops.cc list the folders, and both the ops object and the snapshot's external
// references are made from that list. Used by the snapshot maker and by every shard.
#pragma once

#include <v8.h>

#include <span>

namespace skep::api {

struct Op {
  const char* name;
  v8::FunctionCallback callback;
};

std::span<const Op> event_ops();
std::span<const Op> env_scope_ops();
std::span<const Op> env_binding_ops();
std::span<const Op> url_ops();
std::span<const Op> timers_ops();
std::span<const Op> crypto_ops();
std::span<const Op> subtle_ops();
std::span<const Op> fetch_ops();
std::span<const Op> outbound_ops();
std::span<const Op> compression_ops();
std::span<const Op> inspect_ops();
std::span<const Op> html_rewriter_ops();
std::span<const Op> socket_ops();
std::span<const Op> rpc_ops();
std::span<const Op> encoding_ops();
std::span<const Op> structured_clone_ops();
std::span<const Op> console_ops();
std::span<const Op> streams_ops();
std::span<const Op> blob_ops();
std::span<const Op> web_socket_ops();
std::span<const Op> parts_ops();

// All tables, in a fixed order.
std::span<const std::span<const Op>> all_ops();

}  // namespace skep::api
