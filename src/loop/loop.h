// The event loop: one io_uring a thread, single issuer, deferred task run. It knows completions,
// timers and deferred calls; sockets stand in socket.h. A shard makes its loop inside its namespaces,
// restricts the ring to the operations listed in ring.h, and only then enables it; the broker's ring
// is not restricted. Nothing here is thread-safe but Loop::wake().
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/result.h"

struct io_uring_sqe;

namespace skep::loop {

class Loop;

// The receiver of a completion. It lives inside the object whose operation it is, so an operation
// allocates nothing; the object must outlive the operation's last completion (cancel, then wait).
class Completion {
 public:
  // result: as the CQE says (>= 0, or a negative errno). more: further completions of this multishot
  // operation follow. flags: the raw IORING_CQE_F_* (buffer id).
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

  // Fires once after delay_ms (from now, not less). Setting an armed timer moves it; moving it later
  // is cheap (lazy), so a connection can push its idle timer forward at every request.
  void set_ms(int64_t delay_ms);
  void set_at_ns(int64_t monotonic_ns);
  void cancel();
  bool armed() const;

 private:
  friend class Loop;
  Loop& loop_;
  std::function<void()> on_fire_;
  int64_t due_ns_ = -1;        // when it is to fire; -1: not armed
  int64_t queued_ns_ = -1;     // where it stands in the heap
  size_t heap_index_ = SIZE_MAX;
};

// A call that runs in this or the next turn of the loop, before it sleeps. Intrusive, so that
// deferring allocates nothing; deferring it twice runs it once.
class Deferred {
 public:
  explicit Deferred(std::function<void()> run) : run_(std::move(run)) {}
  ~Deferred();
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;

 private:
  friend class Loop;
  std::function<void()> run_;
  Loop* loop_ = nullptr;  // set while queued
  Deferred* previous_ = nullptr;
  Deferred* next_ = nullptr;
};

struct LoopOptions {
  unsigned entries;             // limits::kRingEntries
  unsigned fixed_files;         // size of the registered table; 0: none
  unsigned recv_buffer_bytes;   // of the provided buffer ring; count 0: none
  unsigned recv_buffer_count;
  // Set: the ring starts disabled; restrict_and_enable() must be called before run(). Then the ring
  // takes only the operations of the shard's list (FINDINGS: SQE_OP ACCEPT RECV SEND SENDMSG RECVMSG
  // CLOSE TIMEOUT LINK_TIMEOUT ASYNC_CANCEL FILES_UPDATE NOP SHUTDOWN SPLICE READ WRITE MSG_RING
  // POLL_ADD) and no registration.
  bool restricted = false;
};

class Loop {
 public:
  // Errors: the kernel has no io_uring, lacks a feature that is needed (names it), or memory lock
  // limits forbid the rings.
  static Result<std::unique_ptr<Loop>> create(const LoopOptions& options);
  ~Loop();

  // Registers the restrictions and enables the ring (see LoopOptions::restricted). After it seccomp
  // may forbid io_uring_setup and io_uring_register; io_uring_enter is all that the loop calls.
  Result<> restrict_and_enable();

  // Runs until stop(). Each turn: submit and wait (until the next timer), complete, timers, deferred
  // calls, then the hook. Returns an error only when the ring itself fails.
  Result<> run();
  void stop();
  // Runs one turn; waits for an event only when `wait`. For tests and for nesting in KJ.
  Result<> turn(bool wait);

  // Adds a hook that is called at the end of each turn, before the loop may sleep; it returns true when
  // it has more to do at once (the loop then does not sleep). Several may be added, called in the
  // order of adding: KJ's event queue, V8's foreground tasks and the arena's refill hang here. `idle`
  // says that this turn completed nothing and ran no timer: the time for optional work.
  void add_turn_hook(std::function<bool(bool idle)> hook);

  // Runs `deferred` in this turn or the next.
  void defer(Deferred& deferred);
  // A function that runs once, later in this turn or in the next. Allocates: not for the request path.
  void post(std::function<void()> function);

  // Makes a sleeping loop turn. The only call allowed from other threads and signal handlers (an
  // eventfd that the loop reads).
  void wake();

  // A free SQE with its user_data set to `completion` (null: its completion is ignored). Submits when
  // the queue is full; never fails.
  io_uring_sqe* prepare(Completion* completion);
  // Asks to cancel all operations of `completion`; their completions still arrive (-ECANCELED).
  void cancel(Completion* completion);

  // Time at the start of this turn, CLOCK_MONOTONIC ns. Cheap; good enough for timeouts.
  int64_t now_ns() const;

  // The provided buffers of recv: the bytes of buffer `id` (from a CQE), and giving it back.
  std::span<char> recv_buffer(uint16_t id);
  void release_recv_buffer(uint16_t id);
  uint16_t recv_buffer_group() const;

  // A slot in the registered file table for fd (which is closed), or an error when the table is full.
  // Asynchronous inside (FILES_UPDATE as an SQE, linked before the next operation on the slot).
  // fixed_file < 0 means the loop has no table: use plain descriptors.
  struct Stats {
    uint64_t turns, completions, submissions;
    unsigned ring_depth;       // operations in flight
    unsigned fixed_files_used;
  };
  Stats stats() const;

 private:
  friend class Timer;
  friend class Deferred;
  friend class Socket;
  friend class Acceptor;
  struct Impl;
  explicit Loop(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace skep::loop
