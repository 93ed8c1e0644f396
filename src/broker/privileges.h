// What root does before it becomes somebody else: raises what can be raised, makes the state
// folder, hands it over, and goes.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace skep::broker {

struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;
};

// Whom root becomes: `user` and `group` where given, else "skep", else "nobody" with a warning in
// the log. Errors: no such user or group.
Result<Identity> find_identity(const std::string& user, const std::string& group);

// As many descriptors as the hard limit allows: shards inherit it.
void raise_descriptor_limit();

// Makes `path` if `make`, and checks that files can be made in it. As root, gives a folder that
// root owns to `owner`.
Result<> prepare_state_dir(const std::string& path, bool make, const Identity* owner);

// From root to `identity`, for good: supplementary groups go, all three ids change.
Result<> become(const Identity& identity);

}  // namespace skep::broker
