// The inside of a Loop, for loop.cc and for the sockets, which put their own work before each
// submission and draw their send buffers from here.
#pragma once

#include <liburing.h>

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

#include "base/unique_fd.h"
#include "loop/loop.h"
#include "loop/ring.h"
#include "loop/timer_heap.h"

namespace skep::loop {

// Work that is done once, right before the loop submits: what a socket gathered in a turn leaves in
// one send. flush() prepares operations only and calls nobody back.
class Flushable {
 public:
  virtual void flush() = 0;

 protected:
  ~Flushable() = default;

 private:
  friend struct LoopImpl;
  Flushable* next_flush_ = nullptr;
};

// A list of deferred calls; its own node is the end mark.
class DeferredQueue {
 public:
  DeferredQueue() : end_([] {}) { end_.previous_ = end_.next_ = &end_; }
  ~DeferredQueue();
  bool empty() const { return end_.next_ == &end_; }
  void append(Deferred& deferred);
  // Moves everything to the end of `other`.
  void move_to(DeferredQueue& other);
  // Runs what is in the queue until it is empty. A call may destroy itself and any other.
  void run();

 private:
  Deferred end_;
};

// Blocks for bytes on their way out, kept warm for the next socket that sends.
class SendBlocks {
 public:
  ~SendBlocks();
  char* take();
  void give(char* block);

 private:
  std::vector<char*> idle_;
};

struct LoopImpl {
  explicit LoopImpl(bool is_restricted) : restricted(is_restricted) {}
  ~LoopImpl();

  // user_data of a wake-up's completion points here.
  struct WakeCompletion final : Completion {
    explicit WakeCompletion(LoopImpl& owner) : impl(owner) {}
    void complete(int32_t result, uint32_t flags, bool more) override;
    LoopImpl& impl;
  };

  io_uring_sqe* prepare(Completion* completion);
  void reserve(unsigned count);
  void cancel(Completion* completion);
  void make_room();
  void add_flush(Flushable& flushable);
  void flush_all();
  bool has_work_at_once() const;
  int64_t sleep_ns(bool wait) const;
  Result<> submit_and_wait(bool wait);
  void run_completions();
  void dispatch(uint64_t user_data, int32_t result, uint32_t flags);
  bool fire_timers();
  void run_posted();
  void read_wake();
  void drain();
  void run_hooks(bool idle);

  const bool restricted;
  bool ring_made = false;
  bool enabled = false;
  io_uring ring{};
  std::unique_ptr<RecvBuffers> recv_buffers;
  SendBlocks send_blocks;
  int64_t now_ns = 0;
  TimerHeap timers;
  Flushable* first_flush = nullptr;
  Flushable** last_flush = &first_flush;
  DeferredQueue deferred;
  DeferredQueue running;
  std::vector<std::function<void()>> posted;
  // A deque: a hook that adds another must not be moved while it runs.
  std::deque<std::function<bool(bool idle)>> hooks;
  bool hook_has_more = false;
  bool stopping = false;
  // Completions taken out of a full queue while there was no place to run them.
  std::vector<io_uring_cqe> stashed;
  UniqueFd wake_fd;
  uint64_t wake_count = 0;
  std::atomic<bool> wake_pending{false};
  WakeCompletion wake_completion{*this};
  unsigned fixed_files = 0;
  Loop::Stats stats;
};

}  // namespace skep::loop
