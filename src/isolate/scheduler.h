// Which tenant of the shard runs next: those that the watchdog suspended, those with queued jobs,
// those with foreground tasks of V8. Most jobs are short and never come here: they run as soon as
// they are there. What was suspended, and whatever belongs to an account that is heavy, waits in
// the background: one slice of it a turn of the loop, the one who has had least first, and after
// each slice everything else has the thread for longer than the slice took (limits_fairness.h),
// unless nothing else is there to be done. Owned by the Arena, on the loop's thread; V8's helper
// threads wake it through an eventfd.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/limits_fairness.h"
#include "isolate/engine_impl.h"
#include "isolate/tenant.h"
#include "loop/fiber.h"
#include "loop/loop.h"

namespace skep::isolate {

// Tenants that wait for a slice, in order; intrusive.
class ReadyQueue {
 public:
  bool empty() const { return first_ == nullptr; }
  Tenant::Impl* first() const { return first_; }
  Tenant::Impl* last() const { return last_; }
  void append(Tenant::Impl& tenant);
  void remove(Tenant::Impl& tenant);
  // The one whose account has had the fewest turns; the queue is not empty.
  Tenant::Impl& least_served() const;

 private:
  Tenant::Impl* first_ = nullptr;
  Tenant::Impl* last_ = nullptr;
};

class Scheduler {
 public:
  Scheduler(loop::Loop& loop, Engine& engine);
  ~Scheduler();

  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // The tenant has something to run; it runs in this turn or in a later one. Idempotent.
  void ready(Tenant::Impl& tenant);
  void remove(Tenant::Impl& tenant);
  // V8 may have posted foreground tasks for some isolate: looked at in this turn or the next.
  void look_for_foreground();

  // CPU time of the loop's thread since the last sample, which was taken before the running slice
  // began: an upper bound for what the slice has used. Takes a new sample.
  int64_t cpu_since_sample_ns();
  void sample_cpu();
  // Whether a job may run where it comes up: not where such jobs have used much of this turn.
  bool runs_inline() {
    if (inline_turn_ns_ != loop.now_ns()) {
      inline_turn_ns_ = loop.now_ns();
      inline_used_ns_ = 0;
    }
    return inline_used_ns_ < limits::kTurnInlineNs;
  }
  void ran_inline(int64_t used_ns, int64_t ended_at_ns) {
    inline_used_ns_ += used_ns;
    short_ran_at_ns_ = ended_at_ns;
  }
  // Now, on the monotonic clock; with a sample not much older.
  int64_t begin_slice_ns();
  // The wall clock at a moment of the monotonic one, without asking the system.
  double wall_ms(int64_t at_monotonic_ns) const {
    return wall_minus_monotonic_ms_ + static_cast<double>(at_monotonic_ns) * 1e-6;
  }

  loop::Loop& loop;
  Engine::Impl& engine;
  loop::FiberPool fibers;
  bool pressure = false;  // a group's heap was found too large

 private:
  class WakeReader;

  void turn();
  void take_foreground();
  void run_short(int64_t now_ns);
  void run_background();
  int64_t background_due_ns(int64_t now_ns);

  ReadyQueue short_;
  ReadyQueue background_;
  loop::Deferred turn_;
  loop::Timer background_timer_;
  // The last slice in the background: when it ended, what it used, the thread's clock then.
  int64_t background_ended_ns_ = 0;
  int64_t background_used_ns_ = 0;
  int64_t background_cpu_ns_ = 0;
  int64_t turns_served_ns_ = 0;  // of the account that was served last
  int64_t inline_turn_ns_ = 0;   // the turn, by its time, and what ran in it at once
  int64_t inline_used_ns_ = 0;
  int64_t short_ran_at_ns_ = 0;  // when a short job last ran: its likes may follow
  loop::Timer foreground_timer_;
  WakeReader* wake_reader_ = nullptr;  // owns itself until its last completion
  int64_t sampled_at_ns_ = 0;
  int64_t sampled_cpu_ns_ = 0;
  double wall_minus_monotonic_ms_ = 0;
};

}  // namespace skep::isolate
