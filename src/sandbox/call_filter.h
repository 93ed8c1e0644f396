// The system calls that a shard may make: an allow-list by intent, each entry with its reason. What
// is not on it ends the process (SIGSYS): code that asks for execve or socket in here is no longer
// ours. The few calls that libraries make as a matter of course and that can take no for an answer
// (opening a file, say a time zone's) are refused with an errno instead, so that no tenant can end
// a shard by a call to Intl. Installed by Sandbox::apply_seccomp() on all threads of the shard.
#pragma once

#include "base/result.h"
#include "sandbox/sandbox.h"

namespace skep::sandbox {

// Needs no_new_privs, which drop_privileges() has set.
Result<> install_seccomp(const SeccompProfile& profile);

}  // namespace skep::sandbox
