// Keeps a process alive when a mapped file turns out to be unreadable or nonsense: a disk that
// fails shows itself as SIGBUS in whoever reads the mapping, and LMDB trusts the pages that it
// finds. What ran is abandoned where it stood (nothing of it is destroyed), so only code without
// anything to tidy up belongs inside, and what it worked on must not be used again. Of the broker's
// storage; any thread.
#pragma once

#include <csetjmp>

namespace skep::storage {

// The place that a fault on this thread returns to; null: faults are as deadly as ever.
extern thread_local sigjmp_buf* fault_target;

// Installs the handlers of SIGBUS and SIGSEGV; further calls do nothing.
void install_fault_handlers();
// For LMDB's assertions. Does not return where there is a target.
void abandon();

// Runs `run`. False: it faulted.
template <typename Run>
[[gnu::noinline]] bool guarded(Run&& run) {
  sigjmp_buf target;
  sigjmp_buf* const outer = fault_target;
  if (sigsetjmp(target, 0) != 0) {
    fault_target = outer;
    return false;
  }
  fault_target = &target;
  run();
  fault_target = outer;
  return true;
}

}  // namespace skep::storage
