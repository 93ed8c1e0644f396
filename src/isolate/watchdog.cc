#include "isolate/watchdog.h"

#include <pthread.h>
#include <v8-isolate.h>

#include <chrono>

#include "base/time.h"

namespace skep::isolate {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(2);
// With nothing to watch the thread sleeps until the next entry wakes it. The wake-up takes no
// fence, so one may be missed: then this bounds the delay.
constexpr unsigned kLooksUntilParked = 50;
constexpr auto kParkedFor = std::chrono::milliseconds(50);

}  // namespace

Watchdog::~Watchdog() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Watchdog::start(v8::InterruptCallback callback) {
  callback_ = callback;
  thread_ = std::thread([this] { run(); });
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
  if (watched == nullptr || watched->interrupt_pending.exchange(true)) return;
  watched->isolate->RequestInterrupt(callback_, watched);
}

}  // namespace skep::isolate
