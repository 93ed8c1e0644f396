// The watchdog: a thread that looks every 2 ms whether the loop is still inside the same run of the
// same isolate, and at the second equal look asks V8 to interrupt it. Owned by the Engine; the
// loop's thread marks where it is with two stores a run.
#pragma once

#include <pthread.h>
#include <signal.h>
#include <v8-callbacks.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace skep::isolate {

// What the watchdog sees of a tenant.
struct Watched {
  v8::Isolate* isolate = nullptr;
  // Set when an interrupt was requested, cleared by its callback: every request fires, so one is
  // enough.
  std::atomic<bool> interrupt_pending{false};
};

class Watchdog {
 public:
  ~Watchdog();

  // On the loop's thread. `callback` gets the Watched as its data, on the loop's thread, inside the
  // isolate. `abandon` is called there from a signal handler, again and again, once the run has
  // used kAbandonCpuNs without answering; it stands at `pc`. It may leave the stack and never
  // return.
  using Abandon = void (*)(Watched& watched, uintptr_t pc, int64_t used_cpu_ns);
  void start(v8::InterruptCallback callback, Abandon abandon);
  static constexpr int64_t kAbandonCpuNs = 1'000'000'000;

  // The loop enters or leaves an isolate. Both are a few stores.
  void enter(Watched& watched) {
    current_.store(&watched, std::memory_order_relaxed);
    sequence_.store(sequence_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    if (parked_.load(std::memory_order_relaxed)) [[unlikely]]
      unpark();
  }
  void leave() {
    sequence_.store(sequence_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  // After this the watchdog will not touch `watched` again: before its isolate goes.
  void forget(Watched& watched);

  // How long the loop has been inside one run that does not answer to its interrupt; 0: it is not.
  // A fact for other threads: the loop itself is the one that is held.
  int64_t held_ns() const { return held_ns_.load(std::memory_order_relaxed); }
  // The longest such time since the last call. Called by the loop once it is free again.
  int64_t take_longest_hold_ns() { return longest_ns_.exchange(0, std::memory_order_relaxed); }

 private:
  static void on_signal(int, siginfo_t*, void* context);
  void run();
  void insist(uint64_t sequence);
  int64_t loop_cpu_ns() const;
  void look(uint64_t& last_sequence, int64_t& since_ns, unsigned& idle_looks);
  void unpark();

  // Odd: the loop is inside `current_`.
  std::atomic<uint64_t> sequence_{0};
  std::atomic<Watched*> current_{nullptr};
  std::atomic<bool> parked_{false};
  std::atomic<int64_t> held_ns_{0};
  std::atomic<int64_t> longest_ns_{0};

  // The run that a signal is meant for.
  std::atomic<uint64_t> abandoned_sequence_{0};
  std::atomic<int64_t> abandoned_cpu_ns_{0};

  v8::InterruptCallback callback_ = nullptr;
  Abandon abandon_ = nullptr;
  pthread_t loop_thread_{};
  clockid_t loop_clock_{};
  int64_t since_cpu_ns_ = 0;  // of the run that is being looked at
  std::mutex mutex_;          // held while an isolate is being interrupted or forgotten
  std::condition_variable wake_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace skep::isolate
