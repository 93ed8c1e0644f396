// The walls around a shard. The single-threaded zygote calls spawn() for each shard; the new
// process walks through the steps of its Sandbox before it reads the first byte of a stranger. All
// of it, as the shard's start does it:
//
//   auto child = sandbox::spawn({.level = level, .uid = uid, .gid = gid, .keep_fds = handed_over},
//                               [&](sandbox::Sandbox& walls) -> int {
//     auto entered = [&]() -> Result<> {
//       SKEP_TRY(walls.enter_filesystem());            // an empty read-only root, nothing else
//       SKEP_TRY(walls.apply_limits({.threads = 4}));
//       SKEP_TRY_ASSIGN(loop, loop::Loop::create({… .restricted = true}));
//       SKEP_TRY(walls.note(Piece::ring, loop->restrict_and_enable()));
//       SKEP_TRY(walls.drop_privileges());             // capabilities, new privileges, name
//       engine.start_threads();
//       return walls.apply_seccomp({});                // last: what follows opens nothing
//     }();
//     …
//   });
//
// With Level::full a step that fails is an error that names the missing piece; with Level::reduced
// it is written down in missing() and the step succeeds. tests/sandbox attempts every forbidden
// act.
#pragma once

#include <sys/types.h>

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace skep::sandbox {

// full: every piece or none. reduced: what can be had (`--sandbox=reduced`).
enum class Level { full, reduced };

// What the sandbox is made of. Each can be missing on some machine.
enum class Piece {
  user_namespace,
  mount_namespace,
  pid_namespace,
  net_namespace,
  ipc_namespace,
  uts_namespace,
  empty_root,     // pivot_root to an empty read-only file system
  limits,         // rlimits
  ring,           // io_uring that takes only the shard's operations
  capabilities,   // none left, none to be had
  no_privileges,  // no_new_privs, not dumpable
  seccomp,
};
inline constexpr int kPieces = 12;

// As it stands in messages: "user namespace", "empty root"…
std::string_view piece_name(Piece piece);

struct Missing {
  Piece piece;
  std::string reason;  // a sentence, with the setting to change where it is known
};

// Resource limits of the process; they can't be raised again.
struct Limits {
  unsigned threads = 4;         // of the whole process: loop, watchdog, V8's helpers
  unsigned open_files = 65536;  // plain descriptors, not the ring's registered ones
};

struct SeccompProfile {
  // A forbidden call prints its number to stderr and ends the process with status 159 instead of
  // the kernel's SIGSYS: for finding out what a change needs, not for service.
  bool report_violations = false;
};

// The steps inside the new process. Each may be called once, in the order of the example.
class Sandbox {
 public:
  explicit Sandbox(Level level, std::vector<Missing> missing = {})
      : level_(level), missing_(std::move(missing)) {}

  // Replaces the root by an empty, read-only, unexecutable tmpfs and detaches the old one. No
  // /proc, no /dev. Whatever the process wants to open by name, it must have opened before.
  Result<> enter_filesystem();
  Result<> apply_limits(const Limits& limits);
  // Empties all capability sets for good, locks the securebits, forbids new privileges, makes the
  // process undumpable (nobody but root may trace it, it leaves no core) and its host name "skep".
  // Without a user namespace this is also where root becomes `uid` and `gid`.
  Result<> drop_privileges();
  // Installs the allow-list (call_filter.h) on every thread. The last step.
  Result<> apply_seccomp(const SeccompProfile& profile);

  // Books the outcome of a step done elsewhere: passes a success on; turns a failure into an entry
  // of missing() (reduced) or into an error that names the piece (full).
  Result<> note(Piece piece, Result<> outcome);

  Level level() const { return level_; }
  bool lacks(Piece piece) const;
  const std::vector<Missing>& missing() const { return missing_; }

 private:
  friend class Spawner;
  Level level_;
  std::vector<Missing> missing_;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
  bool identity_pending_ =
      false;  // root without a user namespace: drop_privileges() changes the ids
};

struct SpawnOptions {
  Level level = Level::full;
  // Who the shard is outside its user namespace. Only root may choose: an ordinary user's shards
  // run as that user, whatever stands here. Root's never run as root: 0 is refused.
  uid_t uid = 65534;
  gid_t gid = 65534;
  // Descriptors that the child keeps, beside 0, 1 and 2. All others are closed in it.
  std::span<const int> keep_fds;
};

struct Child {
  pid_t pid = -1;  // as the caller sees it
  UniqueFd pidfd;
  std::vector<Missing> missing;  // namespaces that could not be had (reduced only)
};

// Forks the caller, which must be single-threaded and dumpable, into new user, mount, pid, net, ipc
// and uts namespaces. `child_main` runs in the child; what it returns is the exit status (no atexit
// handlers run, no buffers are flushed). The child dies with the caller, is its own session, pid 1
// of its namespace, and takes no signal but SIGKILL from outside; abort() ends it with status 134,
// as pid 1 can't die of SIGABRT. The caller reaps it.
Result<Child> spawn(const SpawnOptions& options, const std::function<int(Sandbox&)>& child_main);

// Tries all pieces in a throw-away child and says which can't be had here; empty: the full sandbox
// works. An error only where not even a process can be made. The caller must be single-threaded.
Result<std::vector<Missing>> probe(uid_t uid, gid_t gid);

// "user namespace: REASON", one a line.
std::string describe(const std::vector<Missing>& missing);
// The error of Level::full where these are missing: what they are, and the way past it.
std::string incomplete(const std::vector<Missing>& missing);

}  // namespace skep::sandbox
