// Why a piece of the sandbox can't be had: the setting behind a refusal, where one can be found.
// Of use in the zygote, and in a shard until the empty root takes /proc away.
#pragma once

#include <string>
#include <string_view>

#include "sandbox/sandbox.h"

namespace skep::sandbox {

// `what`, and in brackets the setting that took the piece away: "Operation not permitted
// (user.max_user_namespaces is 0: raise it with sysctl)".
std::string explain(Piece piece, std::string_view what);

}  // namespace skep::sandbox
