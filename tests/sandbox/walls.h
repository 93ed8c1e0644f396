// Processes behind a shard's walls, made by the steps that a shard's start takes.
#pragma once

#include <sys/types.h>

#include <functional>
#include <span>

#include "attempts.h"
#include "loop/loop.h"

namespace skep::attempts {

// Starts a process that runs `body` and ends with what it returns; ends this program when it can't.
// With Walls::none a plain fork. Status 99: the walls could not be raised.
pid_t start(Walls walls, std::span<const int> keep_fds, const std::function<int()>& body);
// The same with the loop that was made behind the walls (with Walls::none: an unrestricted one).
pid_t start_with_loop(Walls walls, std::span<const int> keep_fds,
                      const std::function<int(loop::Loop&)>& body);

}  // namespace skep::attempts
