#include "loop/loop.h"

#include <fmt/format.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/assert.h"
#include "base/time.h"
#include "loop/loop_impl.h"

namespace skep::loop {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kNsPerSecond = 1'000'000'000;

// Calls `function`, which may destroy its owner: the function itself is kept alive, and put back
// only where the owner still stands.
template <typename Owner>
void call_kept(Owner& owner, std::function<void()>& function, bool*& gone_note) {
  bool gone = false;
  gone_note = &gone;
  std::function<void()> kept = std::move(function);
  kept();
  if (gone) return;
  function = std::move(kept);
  gone_note = nullptr;
}

}  // namespace

// ---- timers ----

void TimerHeap::note(Timer* timer, size_t index) {
  timer->heap_index_ = index;
}

Timer::Timer(Loop& loop, std::function<void()> on_fire)
    : loop_(loop), on_fire_(std::move(on_fire)) {}

Timer::~Timer() {
  if (gone_ != nullptr) *gone_ = true;
  if (heap_index_ != TimerHeap::kNowhere) loop_.impl_->timers.remove(heap_index_);
}

void Timer::set_ms(int64_t delay_ms) {
  set_at_ns(monotonic_ns() + delay_ms * kNsPerMs);
}

void Timer::set_at_ns(int64_t monotonic_ns) {
  due_ns_ = monotonic_ns;
  TimerHeap& heap = loop_.impl_->timers;
  if (heap_index_ == TimerHeap::kNowhere)
    heap.push(due_ns_, this);
  else if (due_ns_ < heap.key_ns(heap_index_))
    heap.change(heap_index_, due_ns_);
}

void Timer::cancel() {
  due_ns_ = -1;
}
bool Timer::armed() const {
  return due_ns_ >= 0;
}

bool LoopImpl::fire_timers() {
  bool fired = false;
  // Each timer fires once at most: one that its callback sets into the past waits for the next
  // turn.
  for (size_t left = timers.size(); left > 0 && !timers.empty();) {
    if (timers.top().key_ns > now_ns) break;
    Timer& timer = *timers.top().timer;
    if (timer.due_ns_ > timers.top().key_ns) {
      timers.change(0, timer.due_ns_);
      continue;
    }
    timers.remove(0);
    --left;
    // Cancelled since it was put into the heap.
    if (timer.due_ns_ < 0) continue;
    timer.due_ns_ = -1;
    fired = true;
    call_kept(timer, timer.on_fire_, timer.gone_);
  }
  return fired;
}

// ---- deferred calls ----

Deferred::~Deferred() {
  if (gone_ != nullptr) *gone_ = true;
  unlink();
}

void Deferred::unlink() {
  if (next_ == nullptr) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = nullptr;
}

DeferredQueue::~DeferredQueue() {
  while (!empty()) end_.next_->unlink();
  end_.previous_ = end_.next_ = nullptr;
}

void DeferredQueue::append(Deferred& deferred) {
  if (deferred.next_ != nullptr) return;
  deferred.previous_ = end_.previous_;
  deferred.next_ = &end_;
  end_.previous_->next_ = &deferred;
  end_.previous_ = &deferred;
}

void DeferredQueue::move_to(DeferredQueue& other) {
  if (empty()) return;
  end_.next_->previous_ = other.end_.previous_;
  other.end_.previous_->next_ = end_.next_;
  end_.previous_->next_ = &other.end_;
  other.end_.previous_ = end_.previous_;
  end_.previous_ = end_.next_ = &end_;
}

void DeferredQueue::run() {
  while (!empty()) {
    Deferred& first = *end_.next_;
    first.unlink();
    call_kept(first, first.run_, first.gone_);
  }
}

// ---- send blocks ----

SendBlocks::~SendBlocks() {
  for (char* block : idle_) std::free(block);
}

char* SendBlocks::take() {
  if (idle_.empty()) {
    auto* block = static_cast<char*>(std::malloc(limits::kSendBlockBytes));
    SKEP_ASSERT(block != nullptr);
    return block;
  }
  char* block = idle_.back();
  idle_.pop_back();
  return block;
}

void SendBlocks::give(char* block) {
  if (idle_.size() < limits::kSendBlocksIdle)
    idle_.push_back(block);
  else
    std::free(block);
}

// ---- the turn ----

LoopImpl::~LoopImpl() {
  if (!ring_made) return;
  if (enabled) drain();
  close_ring(ring, restricted);
}

io_uring_sqe* LoopImpl::prepare(Completion* completion) {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring);
  if (sqe == nullptr) [[unlikely]] {
    make_room();
    sqe = io_uring_get_sqe(&ring);
    SKEP_ASSERT(sqe != nullptr);
  }
  io_uring_sqe_set_data(sqe, completion);
  if (completion != nullptr) ++stats.in_flight;
  return sqe;
}

void LoopImpl::reserve(unsigned count) {
  if (io_uring_sq_space_left(&ring) < count) [[unlikely]]
    make_room();
}

// Submits without waiting. A kernel that holds too many completions refuses until some are taken:
// they are put aside, since callbacks must not run inside of one that only prepares something.
void LoopImpl::make_room() {
  SKEP_ASSERT(enabled);
  for (;;) {
    const int code = io_uring_submit(&ring);
    ++stats.submissions;
    if (code >= 0) return;
    SKEP_ASSERT(code == -EBUSY || code == -EAGAIN || code == -EINTR);
    io_uring_get_events(&ring);
    io_uring_cqe* cqe = nullptr;
    while (io_uring_peek_cqe(&ring, &cqe) == 0) {
      stashed.push_back(*cqe);
      io_uring_cqe_seen(&ring, cqe);
    }
  }
}

void LoopImpl::cancel(Completion* completion) {
  io_uring_sqe* sqe = prepare(nullptr);
  io_uring_prep_cancel(sqe, completion, IORING_ASYNC_CANCEL_ALL);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  sqe->user_data = 0;
}

void LoopImpl::add_flush(Flushable& flushable) {
  flushable.next_flush_ = nullptr;
  *last_flush = &flushable;
  last_flush = &flushable.next_flush_;
}

void LoopImpl::flush_all() {
  while (first_flush != nullptr) {
    Flushable& flushable = *first_flush;
    first_flush = flushable.next_flush_;
    if (first_flush == nullptr) last_flush = &first_flush;
    flushable.flush();
  }
}

bool LoopImpl::has_work_at_once() const {
  return hook_has_more || stopping || !deferred.empty() || !running.empty() || !posted.empty() ||
         !stashed.empty();
}

// How long this turn may sleep: 0 not at all, -1 until something happens.
int64_t LoopImpl::sleep_ns(bool wait) const {
  if (!wait || has_work_at_once()) return 0;
  if (timers.empty()) return -1;
  const int64_t left_ns = timers.top().key_ns - monotonic_ns();
  return left_ns > 0 ? left_ns : 0;
}

Result<> LoopImpl::submit_and_wait(bool wait) {
  const int64_t sleep = sleep_ns(wait);
  int code = 0;
  ++stats.submissions;
  if (sleep == 0) {
    code = io_uring_submit_and_get_events(&ring);
  } else {
    __kernel_timespec time{sleep / kNsPerSecond, sleep % kNsPerSecond};
    io_uring_cqe* cqe = nullptr;
    code = io_uring_submit_and_wait_timeout(&ring, &cqe, 1, sleep < 0 ? nullptr : &time, nullptr);
  }
  // EBUSY and EAGAIN: completions must be taken first, and they are.
  if (code >= 0 || code == -ETIME || code == -EINTR || code == -EBUSY || code == -EAGAIN) return {};
  return fail_errno("the event loop's ring has failed (io_uring_enter)", -code);
}

void LoopImpl::dispatch(uint64_t user_data, int32_t result, uint32_t flags) {
  auto* completion = reinterpret_cast<Completion*>(user_data);
  if (completion == nullptr) return;
  ++stats.completions;
  const bool more = (flags & IORING_CQE_F_MORE) != 0;
  if (!more) --stats.in_flight;
  completion->complete(result, flags, more);
}

// Only what is there at the start: what callbacks bring about waits for its turn. Each entry is
// taken before its callback, which may itself run a turn.
void LoopImpl::run_completions() {
  if (!stashed.empty()) [[unlikely]] {
    for (const io_uring_cqe& cqe : std::exchange(stashed, {}))
      dispatch(cqe.user_data, cqe.res, cqe.flags);
  }
  for (unsigned left = io_uring_cq_ready(&ring); left > 0; --left) {
    io_uring_cqe* cqe = nullptr;
    if (io_uring_peek_cqe(&ring, &cqe) != 0 || cqe == nullptr) return;
    const uint64_t user_data = cqe->user_data;
    const int32_t result = cqe->res;
    const uint32_t flags = cqe->flags;
    io_uring_cqe_seen(&ring, cqe);
    dispatch(user_data, result, flags);
  }
}

void LoopImpl::run_posted() {
  for (auto& function : std::exchange(posted, {})) function();
}

void LoopImpl::read_wake() {
  io_uring_sqe* sqe = prepare(&wake_completion);
  io_uring_prep_read(sqe, wake_fd.get(), &wake_count, sizeof wake_count, 0);
}

void LoopImpl::WakeCompletion::complete(int32_t result, uint32_t flags, bool more) {
  if (result == -ECANCELED) return;  // the loop is going away
  SKEP_ASSERT(result == sizeof impl.wake_count || result == -EINTR);
  impl.wake_pending.store(false, std::memory_order_release);
  impl.read_wake();
}

// Brings every operation to its last completion: none may write to memory that is about to go. It
// takes a round or two; only a ring that was sent an operation with the DRAIN flag can hold for
// ever, and that one is closed with what it has.
void LoopImpl::drain() {
  constexpr int kRounds = 50;
  hooks.clear();
  for (int round = 0; round < kRounds && stats.in_flight > 0; ++round) {
    flush_all();
    io_uring_sqe* sqe = prepare(nullptr);
    io_uring_prep_cancel(sqe, nullptr, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY);
    sqe->user_data = 0;
    __kernel_timespec time{0, 10 * kNsPerMs};
    io_uring_cqe* cqe = nullptr;
    const int code = io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &time, nullptr);
    if (code < 0 && code != -ETIME && code != -EINTR && code != -EBUSY && code != -EAGAIN) return;
    run_completions();
  }
}

// ---- Loop ----

Result<std::unique_ptr<Loop>> Loop::create(const LoopOptions& options) {
  auto impl = std::make_unique<LoopImpl>(options.restricted);
  SKEP_TRY(set_up_ring(impl->ring, options));
  impl->ring_made = true;
  impl->enabled = !options.restricted;
  impl->fixed_files = options.fixed_files;
  if (options.recv_buffer_count > 0) {
    SKEP_TRY_ASSIGN(impl->recv_buffers, RecvBuffers::create(impl->ring, options.recv_buffer_count,
                                                            options.recv_buffer_bytes));
  }
  // Blocking on purpose: io_uring answers a non-blocking read at once instead of waiting.
  impl->wake_fd.reset(eventfd(0, EFD_CLOEXEC));
  if (!impl->wake_fd) return fail_errno("cannot make an eventfd", errno);
  impl->read_wake();
  impl->now_ns = monotonic_ns();
  return std::unique_ptr<Loop>(new Loop(std::move(impl)));
}

Loop::Loop(std::unique_ptr<LoopImpl> impl) : impl_(std::move(impl)) {}
Loop::~Loop() = default;

Result<> Loop::restrict_and_enable() {
  SKEP_ASSERT(impl_->restricted && !impl_->enabled);
  SKEP_TRY(restrict_and_enable_ring(impl_->ring));
  impl_->enabled = true;
  return {};
}

Result<> Loop::run() {
  impl_->stopping = false;
  while (!impl_->stopping) SKEP_TRY(turn(true));
  return {};
}

void Loop::stop() {
  impl_->stopping = true;
}

Result<> Loop::turn(bool wait) {
  LoopImpl& impl = *impl_;
  SKEP_ASSERT(impl.enabled);
  ++impl.stats.turns;
  impl.flush_all();
  SKEP_TRY(impl.submit_and_wait(wait));
  impl.now_ns = monotonic_ns();
  const uint64_t completions_before = impl.stats.completions;
  impl.run_completions();
  const bool fired = impl.fire_timers();
  impl.deferred.move_to(impl.running);
  const bool idle = impl.stats.completions == completions_before && !fired &&
                    impl.running.empty() && impl.posted.empty();
  impl.running.run();
  impl.run_posted();
  impl.run_hooks(idle);
  return {};
}

void LoopImpl::run_hooks(bool idle) {
  hook_has_more = false;
  // By index: a hook may add another.
  for (size_t i = 0; i < hooks.size(); ++i) hook_has_more |= hooks[i](idle);
}

void Loop::add_turn_hook(std::function<bool(bool idle)> hook) {
  impl_->hooks.push_back(std::move(hook));
}
void Loop::defer(Deferred& deferred) {
  impl_->deferred.append(deferred);
}
void Loop::post(std::function<void()> function) {
  impl_->posted.push_back(std::move(function));
}

void Loop::wake() {
  if (impl_->wake_pending.exchange(true, std::memory_order_acq_rel)) return;
  const int saved_errno = errno;  // a signal handler may call this
  const uint64_t one = 1;
  while (::write(impl_->wake_fd.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
  errno = saved_errno;
}

io_uring_sqe* Loop::prepare(Completion* completion) {
  return impl_->prepare(completion);
}
void Loop::reserve(unsigned count) {
  impl_->reserve(count);
}
void Loop::cancel(Completion* completion) {
  impl_->cancel(completion);
}
int64_t Loop::now_ns() const {
  return impl_->now_ns;
}

std::span<char> Loop::recv_buffer(uint16_t id) {
  return impl_->recv_buffers->at(id);
}
void Loop::release_recv_buffer(uint16_t id) {
  impl_->recv_buffers->release(id);
}
uint16_t Loop::recv_buffer_group() const {
  return RecvBuffers::kGroup;
}
void Loop::grow_recv_buffers() {
  impl_->recv_buffers->grow();
}

Loop::Stats Loop::stats() const {
  Stats stats = impl_->stats;
  stats.recv_buffers = impl_->recv_buffers ? impl_->recv_buffers->in_use() : 0;
  stats.timers = impl_->timers.size();
  return stats;
}

}  // namespace skep::loop
