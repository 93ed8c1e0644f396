// How a shard's process begins: in the zygote, a fork into new namespaces; in the child, the walls
// of the sandbox one after another, then the loop. The zygote's own main function stands here too.
// It runs before any stranger's byte is read and stays single-threaded, because whatever it holds
// every shard inherits.
#pragma once

#include <string>
#include <vector>

namespace skep::shard {

// `skep zygote …`, started by the broker only. Returns the process's exit status.
int zygote_main(const std::vector<std::string>& arguments);

}  // namespace skep::shard
