// The event loop: one io_uring a thread, single issuer, deferred task run. It knows completions,
// timers and deferred calls; sockets stand in socket.h. A shard makes its loop inside its
// namespaces, restricts the ring to the operations listed in ring.h, and only then enables it; the
// broker's ring is not restricted. Nothing here is thread-safe but Loop::wake().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/limits.h"
#include "base/result.h"

struct io_uring_sqe;

namespace skep::loop {

class Loop;
struct LoopImpl;

// The receiver of a completion. It lives inside the object whose operation it is, so an operation
// allocates nothing; the object must outlive the operation's last completion (cancel, then wait).
class Completion {
 public:
  // result: as the CQE says (>= 0, or a negative errno). more: further completions of this
  // multishot operation follow. flags: the raw IORING_CQE_F_* (buffer id).
  virtual void complete(int32_t result, uint32_t flags, bool more) = 0;

 protected:
  ~Completion() = default;
};

// A one-shot timer, owned by its user; destroying or cancelling it is enough to stop it.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> on_fire);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Fires once after delay_ms (from now, not less). Setting an armed timer moves it; moving it
  // later is cheap (lazy), so a connection can push its idle timer forward at every request.
  void set_ms(int64_t delay_ms);
  void set_at_ns(int64_t monotonic_ns);
  void cancel();
  bool armed() const;

 private:
  friend class Loop;
  friend class TimerHeap;
  friend struct LoopImpl;
  Loop& loop_;
  std::function<void()> on_fire_;
  int64_t due_ns_ = -1;  // when it is to fire; -1: not armed
  // Its place in the heap, whose key may lie before due_ns_: moving later does not touch the heap.
  size_t heap_index_ = SIZE_MAX;
  bool* gone_ = nullptr;  // set while on_fire_ runs: tells the loop that the timer was destroyed
};

// A call that runs in this or the next turn of the loop, before it sleeps. Intrusive, so that
// deferring allocates nothing; deferring it twice runs it once. Destroying it is enough to stop it.
class Deferred {
 public:
  explicit Deferred(std::function<void()> run) : run_(std::move(run)) {}
  ~Deferred();
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;

 private:
  friend class DeferredQueue;
  void unlink();

  std::function<void()> run_;
  Deferred* previous_ = nullptr;  // set while queued
  Deferred* next_ = nullptr;
  bool* gone_ = nullptr;  // as in Timer
};

struct LoopOptions {
  unsigned entries = limits::kRingEntries;
  // Size of the registered table; 0: none. Cut to RLIMIT_NOFILE, since the kernel asks for that.
  unsigned fixed_files = 0;
  // The provided buffers of recv; count (a power of two) 0: none, and then no Socket.
  unsigned recv_buffer_bytes = limits::kRecvBufferBytes;
  unsigned recv_buffer_count = 0;
  // Set: the ring starts disabled; restrict_and_enable() must be called before the first turn. Then
  // the ring takes only the operations of the shard's list (ring.h) and no registration.
  bool restricted = false;
};

class Loop {
 public:
  // Errors: the kernel has no io_uring, forbids it, or lacks a feature that is needed (named in the
  // message), or there is no memory for the rings.
  static Result<std::unique_ptr<Loop>> create(const LoopOptions& options);
  // Cancels what is still in flight and waits for its completions, so every Completion that has an
  // operation must still be there, and whoever uses the loop must be gone or idle.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Registers the restrictions and enables the ring (see LoopOptions::restricted). After it seccomp
  // may forbid io_uring_setup and io_uring_register; io_uring_enter is all that the loop calls.
  Result<> restrict_and_enable();

  // Runs until stop(). Each turn: submit and wait (until the next timer), completions, timers,
  // deferred calls, then the hook. Returns an error only when the ring itself fails.
  Result<> run();
  void stop();
  // Runs one turn; waits for an event only when `wait` and nothing else is to be done. For tests
  // and for KJ, which may call it from within a turn.
  Result<> turn(bool wait);

  // Adds a hook that is called at the end of each turn, before the loop may sleep; it returns true
  // when it has more to do at once (the loop then does not sleep). Several may be added, called in
  // the order of adding: tenants that were suspended and the arena's refill hang here. `idle`: this
  // turn completed nothing and ran nothing, so it is the time for optional work.
  void add_turn_hook(std::function<bool(bool idle)> hook);

  // Runs `deferred` in this turn, or in the next where this turn's deferred calls are already
  // running.
  void defer(Deferred& deferred);
  // A function that runs once, as a deferred call does. Allocates: not for the request path.
  void post(std::function<void()> function);

  // Makes a sleeping loop turn. The only call allowed from other threads and signal handlers (an
  // eventfd that the loop reads).
  void wake();

  // A free SQE with its user_data set to `completion` (null: its completion is ignored). Submits
  // when the queue is full; never fails. What the SQE points to must live until its completion. For
  // two SQEs that are linked, call reserve(2) first: else a submission may come between them.
  io_uring_sqe* prepare(Completion* completion);
  void reserve(unsigned count);
  // Asks to cancel all operations of `completion`; their completions still arrive (-ECANCELED, or
  // the result where they were faster).
  void cancel(Completion* completion);

  // Time at the start of this turn, CLOCK_MONOTONIC ns. Cheap; good enough for timeouts.
  int64_t now_ns() const;

  // The provided buffers of recv: the bytes of buffer `id` (from a CQE), and giving it back.
  std::span<char> recv_buffer(uint16_t id);
  void release_recv_buffer(uint16_t id);
  uint16_t recv_buffer_group() const;
  // After a completion with -ENOBUFS, once the buffers at hand were released: puts more of them
  // into the ring, where the loop still has some. Then the operation may be started again.
  void grow_recv_buffers();

  struct Stats {
    uint64_t turns = 0, completions = 0, submissions = 0;
    unsigned in_flight = 0;  // operations with a Completion
    unsigned fixed_files_used = 0;
    unsigned recv_buffers = 0;  // in use so far, of those the options allow
    size_t timers = 0;          // in the heap
  };
  Stats stats() const;

 private:
  friend class Timer;
  friend class Socket;
  friend class Acceptor;

  explicit Loop(std::unique_ptr<LoopImpl> impl);
  std::unique_ptr<LoopImpl> impl_;
};

}  // namespace skep::loop
