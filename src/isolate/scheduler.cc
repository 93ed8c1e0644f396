#include "isolate/scheduler.h"

#include <liburing.h>

#include <algorithm>
#include <cerrno>

#include "base/assert.h"
#include "base/limits.h"
#include "base/limits_fairness.h"
#include "base/time.h"
#include "isolate/tenant_impl.h"

namespace skep::isolate {
namespace {

// The thread's own clock is a system call: asked this often while short slices run.
constexpr int64_t kSampleEveryNs = 1'000'000;
// Short slices of several tenants share a turn of the loop up to this.
constexpr int64_t kTurnNs = 1'000'000;
constexpr unsigned kMostFailures = 100;

}  // namespace

// Reads the eventfd that V8's helper threads write when they post foreground tasks. It may outlive
// the scheduler by the turn that its cancelled read takes.
class Scheduler::WakeReader final : public loop::Completion {
 public:
  WakeReader(Scheduler& scheduler, int fd) : scheduler_(&scheduler), fd_(fd) { read(); }
  void complete(int32_t result, uint32_t, bool) override {
    if (!scheduler_ || result == -ECANCELED) {
      if (scheduler_) scheduler_->wake_reader_ = nullptr;
      delete this;
      return;
    }
    // A signal or another reader in between is no error; one that does not end is a bug.
    failures_ = result == sizeof count_ ? 0 : failures_ + 1;
    SKEP_ASSERT(failures_ < kMostFailures);
    read();
    scheduler_->look_for_foreground();
  }
  void leave() {
    scheduler_->loop.cancel(this);
    scheduler_ = nullptr;
  }

 private:
  void read() {
    io_uring_prep_read(scheduler_->loop.prepare(this), fd_, &count_, sizeof count_, 0);
  }
  Scheduler* scheduler_;
  const int fd_;
  uint64_t count_ = 0;
  unsigned failures_ = 0;  // in a row
};

Scheduler::Scheduler(loop::Loop& loop_in, Engine& engine_in)
    : loop(loop_in),
      engine(engine_in.impl()),
      fibers(limits::kFiberStackBytes),
      turn_([this] { turn(); }),
      background_timer_(loop_in, [this] { loop.defer(turn_); }),
      foreground_timer_(loop_in, [this] { look_for_foreground(); }) {
  if (engine.platform.wake_fd() >= 0) {
    wake_reader_ = new WakeReader(*this, engine.platform.wake_fd());
  }
  sample_cpu();
}

Scheduler::~Scheduler() {
  if (wake_reader_) wake_reader_->leave();
}

void ReadyQueue::append(Tenant::Impl& tenant) {
  tenant.ready_in = this;
  tenant.previous_ready = last_;
  tenant.next_ready = nullptr;
  (last_ ? last_->next_ready : first_) = &tenant;
  last_ = &tenant;
}

void ReadyQueue::remove(Tenant::Impl& tenant) {
  tenant.ready_in = nullptr;
  (tenant.previous_ready ? tenant.previous_ready->next_ready : first_) = tenant.next_ready;
  (tenant.next_ready ? tenant.next_ready->previous_ready : last_) = tenant.previous_ready;
}

Tenant::Impl& ReadyQueue::least_served() const {
  Tenant::Impl* least = first_;
  for (Tenant::Impl* tenant = first_; tenant; tenant = tenant->next_ready) {
    if (tenant->account->turn_ns < least->account->turn_ns) least = tenant;
  }
  return *least;
}

void Scheduler::ready(Tenant::Impl& tenant) {
  if (tenant.ready_in) return;
  if (tenant.in_background(loop.now_ns())) {
    // Who had nothing to do for a while has saved up nothing for it.
    tenant.account->turn_ns = std::max(tenant.account->turn_ns, turns_served_ns_);
    background_.append(tenant);
  } else {
    short_.append(tenant);
  }
  loop.defer(turn_);
}

void Scheduler::look_for_foreground() {
  loop.defer(turn_);
}

void Scheduler::remove(Tenant::Impl& tenant) {
  if (tenant.ready_in) tenant.ready_in->remove(tenant);
}

void Scheduler::sample_cpu() {
  sampled_at_ns_ = monotonic_ns();
  sampled_cpu_ns_ = thread_cpu_ns();
  wall_minus_monotonic_ms_ = wall_clock_ms() - static_cast<double>(sampled_at_ns_) * 1e-6;
}

int64_t Scheduler::begin_slice_ns() {
  const int64_t now_ns = monotonic_ns();
  if (now_ns - sampled_at_ns_ > kSampleEveryNs) [[unlikely]]
    sample_cpu();
  return now_ns;
}

int64_t Scheduler::cpu_since_sample_ns() {
  const int64_t before_ns = sampled_cpu_ns_;
  sample_cpu();
  return sampled_cpu_ns_ - before_ns;
}

void Scheduler::take_foreground() {
  for (v8::Isolate* isolate : engine.platform.take_ready()) {
    Tenant* tenant = Tenant::from(isolate);
    if (tenant == nullptr) continue;
    tenant->impl().foreground_due = true;
    ready(tenant->impl());
  }
  const int64_t due_ns = engine.platform.next_due_ns();
  if (due_ns != 0) foreground_timer_.set_at_ns(due_ns);
}

void Scheduler::turn() {
  take_foreground();
  if (!short_.empty()) run_short(monotonic_ns());
  if (!background_.empty()) run_background();
  if (!short_.empty()) loop.defer(turn_);
}

void Scheduler::run_short(int64_t now_ns) {
  const Tenant::Impl* end = short_.last();  // what becomes ready meanwhile waits for the next turn
  const int64_t until_ns = now_ns + kTurnNs;
  while (!short_.empty() && now_ns < until_ns) {
    Tenant::Impl& tenant = *short_.first();
    const bool was_last = &tenant == end;
    short_.remove(tenant);
    if (tenant.in_background(now_ns)) {
      ready(tenant);
    } else {
      tenant.slice();
      short_ran_at_ns_ = monotonic_ns();
    }
    if (was_last) break;
    now_ns = monotonic_ns();
  }
}

// When the next slice in the background may run; now or earlier: at once.
int64_t Scheduler::background_due_ns(int64_t now_ns) {
  const int64_t owed_ns = background_used_ns_ * limits::kForegroundPercent / 100;
  if (thread_cpu_ns() - background_cpu_ns_ >= owed_ns) return now_ns;
  return std::min(short_ran_at_ns_ + limits::kQuietNs, background_ended_ns_ + 4 * owed_ns);
}

void Scheduler::run_background() {
  const int64_t now_ns = monotonic_ns();
  if (const int64_t due_ns = background_due_ns(now_ns); due_ns > now_ns) {
    if (!background_timer_.armed()) background_timer_.set_at_ns(due_ns);
    return;
  }
  Tenant::Impl& tenant = background_.least_served();
  turns_served_ns_ = tenant.account->turn_ns;
  background_.remove(tenant);
  const int64_t cpu_before_ns = thread_cpu_ns();
  tenant.slice();  // may destroy it
  background_cpu_ns_ = thread_cpu_ns();
  background_used_ns_ = background_cpu_ns_ - cpu_before_ns;
  background_ended_ns_ = monotonic_ns();
  if (!background_.empty()) loop.defer(turn_);
}

}  // namespace skep::isolate
