#include "storage/fault_guard.h"

#include <csignal>
#include <mutex>

namespace skep::storage {

// A signal handler finds its thread's target by no other way.
thread_local sigjmp_buf* fault_target = nullptr;

namespace {

void on_fault(int signal, siginfo_t*, void*) {
  abandon();
  // Not ours: as without a handler, at the instruction that is run again.
  std::signal(signal, SIG_DFL);
}

}  // namespace

void abandon() {
  if (fault_target != nullptr) siglongjmp(*fault_target, 1);
}

void install_fault_handlers() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action{};
    action.sa_sigaction = on_fault;
    // The mask is not restored by the jump, so nothing is masked.
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGBUS, &action, nullptr);
    sigaction(SIGSEGV, &action, nullptr);
  });
}

}  // namespace skep::storage
