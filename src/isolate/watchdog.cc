#include "isolate/watchdog.h"

#include <ucontext.h>
#include <v8-isolate.h>

#include <chrono>

#include "base/assert.h"
#include "base/time.h"

namespace skep::isolate {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(2);
// With nothing to watch the thread sleeps until the next entry wakes it. The wake-up takes no
// fence, so one may be missed: then this bounds the delay.
constexpr unsigned kLooksUntilParked = 50;
constexpr auto kParkedFor = std::chrono::milliseconds(50);

// Ignored by default: one that comes late does no harm.
constexpr int kAbandonSignal = SIGURG;

// A signal handler has no other way to find it: a fact of the process, as the handler is.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic<Watchdog*> g_watchdog{nullptr};

}  // namespace

Watchdog::~Watchdog() {
  if (thread_.joinable()) {
    signal(kAbandonSignal, SIG_IGN);
    g_watchdog.store(nullptr);
  }
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Watchdog::start(v8::InterruptCallback callback, Abandon abandon) {
  callback_ = callback;
  abandon_ = abandon;
  loop_thread_ = pthread_self();
  SKEP_ASSERT(pthread_getcpuclockid(loop_thread_, &loop_clock_) == 0);
  g_watchdog.store(this);
  struct sigaction action = {};
  action.sa_sigaction = on_signal;
  // The handler may leave its stack for good, so the signal must not be blocked while it runs.
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART;
  SKEP_ASSERT(sigaction(kAbandonSignal, &action, nullptr) == 0);
  thread_ = std::thread([this] { run(); });
}

// On the loop's thread, anywhere.
void Watchdog::on_signal(int, siginfo_t*, void* context) {
  Watchdog* self = g_watchdog.load(std::memory_order_relaxed);
  if (!self || !pthread_equal(pthread_self(), self->loop_thread_)) return;
  const uint64_t sequence = self->sequence_.load(std::memory_order_relaxed);
  if (sequence % 2 == 0 || sequence != self->abandoned_sequence_.load()) return;
  Watched* watched = self->current_.load(std::memory_order_relaxed);
  const auto* machine = static_cast<const ucontext_t*>(context);
  if (!watched) return;
  self->abandon_(*watched, static_cast<uintptr_t>(machine->uc_mcontext.gregs[REG_RIP]),
                 self->abandoned_cpu_ns_.load());
}

int64_t Watchdog::loop_cpu_ns() const {
  timespec time{};
  clock_gettime(loop_clock_, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

// Asked before, no answer. What it has used is counted in CPU time: the machine may be busy
// elsewhere.
void Watchdog::insist(uint64_t sequence) {
  const int64_t used_ns = loop_cpu_ns() - since_cpu_ns_;
  if (used_ns < kAbandonCpuNs) return;
  abandoned_cpu_ns_.store(used_ns);
  abandoned_sequence_.store(sequence);
  pthread_kill(loop_thread_, kAbandonSignal);
}

void Watchdog::forget(Watched& watched) {
  std::lock_guard lock(mutex_);
  if (current_.load(std::memory_order_relaxed) == &watched) current_.store(nullptr);
}

void Watchdog::unpark() {
  parked_.store(false, std::memory_order_relaxed);
  wake_.notify_one();
}

void Watchdog::run() {
  pthread_setname_np(pthread_self(), "skep-watchdog");
  uint64_t last_sequence = 0;
  int64_t since_ns = 0;
  unsigned idle_looks = 0;
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (idle_looks >= kLooksUntilParked) {
      parked_.store(true, std::memory_order_seq_cst);
      if (sequence_.load(std::memory_order_seq_cst) == last_sequence)
        wake_.wait_for(lock, kParkedFor);
      parked_.store(false, std::memory_order_relaxed);
    }
    wake_.wait_for(lock, kLookEvery);
    look(last_sequence, since_ns, idle_looks);
  }
}

// The mutex is held.
void Watchdog::look(uint64_t& last_sequence, int64_t& since_ns, unsigned& idle_looks) {
  const uint64_t sequence = sequence_.load(std::memory_order_acquire);
  const bool same = sequence == last_sequence;
  last_sequence = sequence;
  if (!same || sequence % 2 == 0) {
    idle_looks = same ? idle_looks + 1 : 0;
    since_ns = monotonic_ns();
    if (sequence % 2 == 1) since_cpu_ns_ = loop_cpu_ns();
    held_ns_.store(0, std::memory_order_relaxed);
    return;
  }
  idle_looks = 0;
  const int64_t held_ns = monotonic_ns() - since_ns;
  held_ns_.store(held_ns, std::memory_order_relaxed);
  if (held_ns > longest_ns_.load(std::memory_order_relaxed)) {
    longest_ns_.store(held_ns, std::memory_order_relaxed);
  }
  Watched* watched = current_.load(std::memory_order_relaxed);
  if (watched == nullptr) return;
  if (watched->interrupt_pending.exchange(true)) return insist(sequence);
  watched->isolate->RequestInterrupt(callback_, watched);
}

}  // namespace skep::isolate
