#include "isolate/tenant.h"

#include <v8-cppgc.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"
#include "base/limits_fairness.h"
#include "base/time.h"
#include "isolate/hardening.h"
#include "isolate/tenant_impl.h"

namespace skep::isolate {
namespace {

// Below V8's stack limit there must be room for what does not check it: C++ builtins, the garbage
// collector, the interrupt's callback.
constexpr size_t kStackReserveBytes = 204 * 1024;
// Of that, what relieve_stack gives away.
constexpr size_t kStackReliefBytes = 24 * 1024;
constexpr unsigned kStackReliefs = 3;
// An interrupt that has had no answer for so long.
constexpr int64_t kReliefAfterNs = 20'000'000;
// Queued jobs of one tenant run in a row for this long; then others have their turn.
constexpr int64_t kDrainNs = 1'000'000;
// A slice this short needs no better clock than the monotonic one.
constexpr int64_t kExactClockNs = 1'000'000;
constexpr int64_t kStatisticsEveryNs = 20'000'000;
constexpr int64_t kStatisticsAfterNs = 200'000;
// An interrupt that comes earlier in a slice was meant for an earlier one.
constexpr int64_t kShortestSliceNs = 1'000'000;
// An interrupt that has had no answer for so long is given one at the next collection.
constexpr int64_t kYieldAfterNs = 8'000'000;
// One builtin that runs for so long is left wherever it stands.
constexpr int64_t kAbandonAnywhereCpuNs = 3'000'000'000;
constexpr int64_t kForegroundCpuNs = 1'000'000'000;
constexpr size_t kForegroundTasks = 16;
constexpr int kStackFrames = 30;
// What a heap at its limit may still take until JavaScript has unwound. V8 aborts the process when
// one allocation does not fit, so this is far more than is ever used.
constexpr size_t kFirstHeapGrantBytes = 2ull << 30;
constexpr size_t kFurtherHeapGrantBytes = 256ull << 20;
// Beyond the allocator's own limit: Wasm memories and resizable buffers, counted after the fact.
constexpr size_t kExternalSlackBytes = 4ull << 20;

// Between two calls of V8 on its way to abort(), which give us no data.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic<bool> g_check_failed{false};

}  // namespace

// V8's own tasks for the isolate. Finalizers are the user's code, so they are bounded.
class Tenant::Impl::ForegroundJob final : public Job {
 public:
  explicit ForegroundJob(Impl& tenant) : tenant_(tenant) {}
  void start() { meter_ = CpuMeter{.used_ns = 0, .limit_ns = kForegroundCpuNs}; }
  void run(v8::Isolate* isolate, v8::Local<v8::Context>) override {
    tenant_.foreground_due =
        tenant_.scheduler->engine.platform.run_foreground(isolate, kForegroundTasks);
  }
  void done(StopReason) override {}
  CpuMeter* meter() override { return &meter_; }

 private:
  Impl& tenant_;
  CpuMeter meter_;
};

Tenant::Impl::Impl(std::shared_ptr<Scheduler> scheduler_in, Group& group_in, size_t heap_bytes)
    : scheduler(std::move(scheduler_in)),
      group(group_in),
      heap_limit_bytes(heap_bytes),
      buffers(std::make_shared<CountingAllocator>(group_in.buffers, heap_bytes)),
      wasm_memories(heap_bytes),
      foreground_job_(std::make_unique<ForegroundJob>(*this)) {
  ++group.isolates;
}

Tenant::Impl::~Impl() {
  shut_down();
  dispose();
  if (!abandoned) --group.isolates;
}

Result<> Tenant::Impl::create(Tenant& tenant) {
  Engine::Impl& engine = scheduler->engine;
  v8::Isolate::CreateParams params;
  params.constraints.ConfigureDefaultsFromHeapSize(0, heap_limit_bytes);
  params.array_buffer_allocator_shared = buffers;
  params.snapshot_blob = engine.snapshot.raw_size > 0 ? &engine.snapshot : nullptr;
  params.external_references = engine.external_references;
  params.allow_atomics_wait = false;
  isolate = v8::Isolate::New(group.handle, params);
  isolate->SetData(kTenantSlot, &tenant);
  no_stack_scan.emplace(isolate->GetCppHeap()->GetHeapHandle(),
                        cppgc::EmbedderStackState::kNoHeapPointers);
  isolate->SetMicrotasksPolicy(v8::MicrotasksPolicy::kExplicit);
  isolate->AddNearHeapLimitCallback(on_near_heap_limit, this);
  isolate->AddGCPrologueCallback([](v8::Isolate*, v8::GCType, v8::GCCallbackFlags,
                                    void* self) { static_cast<Impl*>(self)->collecting = true; },
                                 this);
  isolate->AddGCEpilogueCallback(on_garbage_collected, this);
  isolate->SetOOMErrorHandler(on_out_of_memory, this);
  // Without it V8 gives an error's stack as text only, and formatting that may run the user's code.
  isolate->SetCaptureStackTraceForUncaughtExceptions(true, kStackFrames);
  harden_isolate(isolate);

  v8::Isolate::Scope isolate_scope(isolate);
  if (!group.proven) {
    if (!v8::V8::IsSandboxConfiguredSecurely()) {
      return fail("no address space for another full V8 sandbox");
    }
    group.proven = true;
  }
  v8::HandleScope handle_scope(isolate);
  v8::Local<v8::Context> fresh = v8::Context::New(isolate);
  if (fresh.IsEmpty()) return fail("V8 could not make a context");
  harden_context(fresh);
  context.Reset(isolate, fresh);
  refresh_statistics();
  scheduler->look_for_foreground();
  return {};
}

// --- the way of a job ---

bool Tenant::Impl::submit(Job& next) {
  if (doomed || closed || queued >= limits::kJobsQueuedPerIsolate) return false;
  if (state == State::idle && !draining && !first && loop::Fiber::current() == nullptr &&
      !account->heavy(scheduler->loop.now_ns()) && scheduler->runs_inline()) {
    draining = true;
    const int64_t used_before_ns = cpu_used_ns;
    const bool taken = run_job(next);
    if (first) drain(monotonic_ns() + kDrainNs);
    scheduler->ran_inline(cpu_used_ns - used_before_ns, slice_start_ns);  // as charge() left it
    draining = false;
    if (has_work()) scheduler->ready(*this);
    return taken;
  }
  next.next_ = nullptr;
  next.queued_at_ns_ = scheduler->loop.now_ns();
  (last ? last->next_ : first) = &next;
  last = &next;
  ++queued;
  if (!draining) scheduler->ready(*this);
  return true;
}

Job* Tenant::Impl::pop() {
  Job* next = first;
  first = next->next_;
  if (!first) last = nullptr;
  --queued;
  return next;
}

void Tenant::Impl::slice() {
  SKEP_ASSERT(!draining && loop::Fiber::current() == nullptr);
  draining = true;
  const int64_t until_ns = monotonic_ns() + kDrainNs;
  if (state == State::suspended) {
    resume();
  } else if (foreground_due) {
    foreground_due = false;
    foreground_job_->start();
    if (!doomed) run_job(*foreground_job_);
  }
  drain(until_ns);
  draining = false;
  if (has_work()) scheduler->ready(*this);
}

void Tenant::Impl::drain(int64_t until_ns) {
  while (first && state == State::idle) {
    if (!doomed && monotonic_ns() > until_ns) return;
    Job* next = pop();
    if (doomed) {
      next->done(StopReason::memory_limit);
    } else if (!run_job(*next)) {
      next->done(StopReason::memory_limit);  // no stack to run it on
    }
  }
}

bool Tenant::Impl::run_job(Job& next) {
  const CpuMeter* meter = next.meter();
  if (meter && meter->limit_ns > 0 && meter->used_ns >= meter->limit_ns) {
    next.done(StopReason::cpu_limit);
    return true;
  }
  fiber = scheduler->fibers.take();
  if (!fiber) return false;
  job = &next;
  stop = StopReason::none;
  state = State::running;
  slice_start_ns = scheduler->begin_slice_ns();
  clock_ms = scheduler->wall_ms(slice_start_ns);
  scheduler->engine.platform.set_clock_ms(clock_ms);
  after_slice(fiber->start(fiber_main, this));
  return true;
}

void Tenant::Impl::resume() {
  state = State::running;
  scheduler->sample_cpu();
  slice_start_ns = monotonic_ns();
  // The time that the code sees did not pass while it was suspended.
  scheduler->engine.platform.set_clock_ms(clock_ms);
  after_slice(fiber->resume());
}

void Tenant::Impl::set_stack_limit() {
  const uintptr_t limit = reinterpret_cast<uintptr_t>(fiber->stack_bottom()) + kStackReserveBytes;
  if (stack_limit == limit) return;
  isolate->SetStackLimit(limit);
  stack_limit = limit;
}

// A function that recurses to the end of the stack and catches the error, over and over, may answer
// to no interrupt: V8 looks for an overflow first, and where such code stands every look finds one.
// With a little more stack the next call finds room, and then the interrupt. It is given at a
// collection, which is where such code comes by (each error is an object), because V8 wants the
// limit to be set on the thread that runs.
void Tenant::Impl::on_garbage_collected(v8::Isolate*, v8::GCType type, v8::GCCallbackFlags,
                                        void* self) {
  Impl& t = *static_cast<Impl*>(self);
  t.collecting = false;
  if (t.state != State::running || t.closed) return;
  if (!t.interrupt_pending.load(std::memory_order_relaxed)) return;
  const int64_t took_ns = monotonic_ns() - t.slice_start_ns;
  if (took_ns > kReliefAfterNs) t.relieve_stack();
  const bool whole = (type & (v8::kGCTypeScavenge | v8::kGCTypeMarkSweepCompact)) != 0;
  if (whole && took_ns > kYieldAfterNs && loop::Fiber::current() == t.fiber.get()) {
    t.yield_late();
  }
}

// A loop that has not been compiled looks for interrupts only once in some hundred rounds, and a
// round may be one long builtin. Such code can't be ended here, but it can wait: V8 allows
// JavaScript to run in this callback, so nothing of the isolate is in anybody's way.
void Tenant::Impl::yield_late() {
  charge(monotonic_ns());
  const CpuMeter* meter = job->meter();
  if (meter && meter->limit_ns > 0 && meter->used_ns >= meter->limit_ns) {
    // It is to stop, and does not for as long as the watchdog would give it.
    if (meter->used_ns - meter->limit_ns > Watchdog::kAbandonCpuNs) abandon(StopReason::cpu_limit);
    stop_running(StopReason::cpu_limit);
  }
  yield();
}

void Tenant::Impl::relieve_stack() {
  if (stack_reliefs == kStackReliefs) return;
  ++stack_reliefs;
  isolate->SetStackLimit(stack_limit - stack_reliefs * kStackReliefBytes);
}

// In an interrupt: takes back what relieve_stack gave. False: the code stands where it had no stack
// by right, and would be there again at once; there is no taking turns with it. (V8 does not
// survive a limit that lies far above where it is.)
bool Tenant::Impl::settle_stack() {
  if (stack_reliefs == 0) return true;
  if (reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) < stack_limit) return false;
  stack_reliefs = 0;
  stack_limit = 0;
  set_stack_limit();
  return true;
}

void Tenant::Impl::fiber_main(void* self) {
  Impl& t = *static_cast<Impl*>(self);
  v8::Isolate* isolate = t.isolate;
  t.set_stack_limit();
  t.scheduler->engine.watchdog.enter(t);
  {
    v8::Isolate::Scope isolate_scope(isolate);
    v8::HandleScope handle_scope(isolate);
    v8::Local<v8::Context> context = t.context.Get(isolate);
    v8::Context::Scope context_scope(context);
    t.job->run(isolate, context);
    if (t.stop == StopReason::none) isolate->PerformMicrotaskCheckpoint();
    if (t.stop != StopReason::none) isolate->CancelTerminateExecution();
  }
  t.scheduler->engine.watchdog.leave();
}

void Tenant::Impl::after_slice(bool finished) {
  if (abandoned) return leave_abandoned();
  if (!finished) return;  // suspended; interrupt() has done the rest
  const int64_t now_ns = monotonic_ns();
  const int64_t took_ns = now_ns - slice_start_ns;
  if (std::exchange(stack_reliefs, 0) > 0) stack_limit = 0;
  charge(now_ns);
  scheduler->fibers.give(std::move(fiber));
  state = State::idle;
  if (scheduler->engine.platform.any_ready()) scheduler->look_for_foreground();
  if (took_ns > kStatisticsAfterNs || now_ns - statistics_at_ns > kStatisticsEveryNs) {
    v8::Isolate::Scope isolate_scope(isolate);
    refresh_statistics();
    if (over_memory()) {
      doomed = condemned = true;
      if (stop == StopReason::none) stop = StopReason::memory_limit;
    }
  }
  finish_job(stop);
}

void Tenant::Impl::finish_job(StopReason reason) {
  if (reason != StopReason::none) {
    stopped_by = reason;
    condemned = true;
  }
  Job* finished = std::exchange(job, nullptr);
  finished->done(reason);
}

// Up to `now_ns`. A thread that had to wait for its core is not charged for that, as far as the
// thread's own clock, a system call, is worth asking.
void Tenant::Impl::charge(int64_t now_ns) {
  int64_t used_ns = now_ns - slice_start_ns;
  if (used_ns > kExactClockNs) used_ns = std::min(used_ns, scheduler->cpu_since_sample_ns());
  slice_start_ns = now_ns;
  cpu_used_ns += used_ns;
  account->charge(used_ns, now_ns);
  if (CpuMeter* meter = job->meter()) meter->used_ns += used_ns;
}

// --- being stopped ---

void Tenant::Impl::stop_running(StopReason reason) {
  if (stop == StopReason::none) stop = reason;
  isolate->TerminateExecution();
}

void Tenant::Impl::on_interrupt(v8::Isolate*, void* watched) {
  Impl& tenant = *static_cast<Impl*>(static_cast<Watched*>(watched));
  tenant.interrupt_pending.store(false);
  if (tenant.state == State::running) tenant.interrupt();
}

// On the fiber, inside JavaScript.
void Tenant::Impl::interrupt() {
  const int64_t now_ns = monotonic_ns();
  const int64_t took_ns = now_ns - slice_start_ns;
  if (took_ns < kShortestSliceNs) return;
  charge(now_ns);
  if (!settle_stack()) return stop_running(StopReason::cpu_limit);
  refresh_statistics();
  const CpuMeter* meter = job->meter();
  if (stop != StopReason::none) return stop_running(stop);
  if (meter && meter->limit_ns > 0 && meter->used_ns >= meter->limit_ns) {
    return stop_running(StopReason::cpu_limit);
  }
  if (over_memory()) {
    doomed = condemned = true;
    return stop_running(StopReason::memory_limit);
  }
  yield();
}

// On the fiber: the loop goes on, and comes back when it is this job's turn again.
void Tenant::Impl::yield() {
  state = State::suspended;
  scheduler->engine.watchdog.leave();
  isolate->Exit();
  fiber->suspend();
  isolate->Enter();
  scheduler->engine.watchdog.enter(*this);
  if (stop != StopReason::none) isolate->TerminateExecution();
}

// What V8's own limits let pass: memories that it does not count, resizable buffers, one huge
// string or array that was made without a collection in between.
bool Tenant::Impl::over_memory() {
  const auto over = [this] {
    return external_bytes > heap_limit_bytes + kExternalSlackBytes ||
           heap_used_bytes > 2 * heap_limit_bytes;
  };
  if (!over()) return false;
  // V8's figures still have what a collection under way has freed.
  isolate->LowMemoryNotification();
  refresh_statistics();
  return over();
}

// --- being left behind ---

// Leaves the fiber, for ever, as it stands: JavaScript that cannot be stopped, or an isolate
// without memory. The alternative is the end of the process, with everybody in it. The isolate is
// not entered again but to let go of handles, and never disposed of; what it holds stays until the
// process is replaced. Called where V8 holds no lock that others need.
void Tenant::Impl::abandon(StopReason reason) {
  abandoned = doomed = condemned = true;
  if (stop == StopReason::none) stop = reason;
  fiber->suspend();
  SKEP_ASSERT(!"an abandoned fiber is not resumed");
  __builtin_unreachable();
}

// In a signal handler, on the loop's thread. Code that V8 generated holds no lock, so it is left at
// once; V8's own C++ seldom holds one, and where it does (or malloc), the loop stops at that lock
// later and the process is replaced, as it would have to be now. During a collection other threads
// are at work.
void Tenant::Impl::on_abandon(Watched& watched, uintptr_t pc, int64_t used_cpu_ns) {
  auto& t = static_cast<Impl&>(watched);
  if (t.state != State::running || t.collecting) return;
  if (loop::Fiber::current() == nullptr || loop::Fiber::current() != t.fiber.get()) return;
  const void* builtins = nullptr;
  void* compiled = nullptr;
  size_t builtins_bytes = 0, compiled_bytes = 0;
  t.isolate->GetEmbeddedCodeRange(&builtins, &builtins_bytes);
  t.isolate->GetCodeRange(&compiled, &compiled_bytes);
  if (pc - reinterpret_cast<uintptr_t>(builtins) < builtins_bytes ||
      pc - reinterpret_cast<uintptr_t>(compiled) < compiled_bytes ||
      used_cpu_ns > kAbandonAnywhereCpuNs) {
    t.abandon(StopReason::cpu_limit);
  }
}

// V8 has no answer left but to end the process. During a collection its threads work on the heap,
// and then that is the better end.
void Tenant::Impl::on_out_of_memory(const char*, const v8::OOMDetails&, void* self) {
  Impl& t = *static_cast<Impl*>(self);
  if (t.state != State::running || t.collecting || loop::Fiber::current() != t.fiber.get()) return;
  t.abandon(StopReason::memory_limit);
}

// A check of V8 failed: nothing that it holds can be trusted, and the process ends.
void Tenant::Impl::on_fatal_error(const char*, int, const char*) {
  g_check_failed.store(true);
}

// V8 is about to end the process. Where no check failed, it is because of a size or of memory: an
// array longer than any can be.
void Tenant::Impl::on_last_words() {
  if (g_check_failed.load()) return;
  v8::Isolate* isolate = v8::Isolate::TryGetCurrent();
  Tenant* tenant = isolate ? Tenant::from(isolate) : nullptr;
  if (tenant) on_out_of_memory("", {}, &tenant->impl());
}

// On the loop's stack, after abandon().
void Tenant::Impl::leave_abandoned() {
  scheduler->engine.watchdog.leave();
  isolate->Exit();
  scheduler->engine.abandoned.push_back(std::move(fiber));
  state = State::idle;
  slice_start_ns = std::min(slice_start_ns, monotonic_ns());
  charge(monotonic_ns());
  finish_job(stop);
}

size_t Tenant::Impl::on_near_heap_limit(void* self, size_t current_bytes, size_t) {
  Impl& t = *static_cast<Impl*>(self);
  v8::HeapStatistics statistics;
  t.isolate->GetHeapStatistics(&statistics);
  if (t.buffers->take_refusal() && statistics.used_heap_size() < t.heap_limit_bytes / 2) {
    // V8 tried everything to make room for an array buffer that the allocator refused. The heap is
    // well, and JavaScript gets its RangeError; but should this be about the heap after all, an
    // answer without more room would be the end of the process. So there is room, for a moment.
    t.isolate->RequestInterrupt(restore_heap_limit, self);
    return current_bytes + kFirstHeapGrantBytes;
  }
  t.doomed = t.condemned = true;
  t.stop_running(StopReason::memory_limit);
  return current_bytes + (t.heap_grants++ == 0 ? kFirstHeapGrantBytes : kFurtherHeapGrantBytes);
}

void Tenant::Impl::restore_heap_limit(v8::Isolate* isolate, void* self) {
  Impl& t = *static_cast<Impl*>(self);
  if (t.doomed) return;
  isolate->RemoveNearHeapLimitCallback(on_near_heap_limit, t.heap_limit_bytes);
  isolate->AddNearHeapLimitCallback(on_near_heap_limit, self);
}

// --- the end ---

void Tenant::Impl::shut_down() {
  if (std::exchange(closed, true)) return;
  SKEP_ASSERT(!draining && state != State::running && loop::Fiber::current() == nullptr);
  draining = true;
  if (state == State::suspended) {
    stop = stop == StopReason::none ? StopReason::shutdown : stop;
    while (state == State::suspended) resume();
  }
  while (first) pop()->done(StopReason::shutdown);
  draining = false;
  scheduler->remove(*this);
  if (!attachment || !isolate) return;
  v8::Isolate::Scope isolate_scope(isolate);
  v8::HandleScope handle_scope(isolate);
  attachment.reset();
}

void Tenant::Impl::dispose() {
  if (!isolate) return;
  Engine::Impl& engine = scheduler->engine;
  engine.watchdog.forget(*this);
  context.Reset();
  wasm_memories.clear();
  engine.platform.closing(isolate);
  v8::Isolate* disposed = std::exchange(isolate, nullptr);
  if (abandoned) {
    disposed->SetData(kTenantSlot, nullptr);
    return;
  }
  no_stack_scan.reset();
  disposed->Dispose();
  engine.platform.closed(disposed);
  group.heap_bytes -= heap_committed_bytes;
  heap_committed_bytes = 0;
}

void Tenant::Impl::refresh_statistics() {
  v8::HeapStatistics statistics;
  isolate->GetHeapStatistics(&statistics);
  heap_used_bytes = statistics.used_heap_size();
  external_bytes = statistics.external_memory();
  if (!wasm_memories.empty()) external_bytes += wasm_memories.total_bytes(isolate);
  group.heap_bytes += statistics.total_heap_size() - heap_committed_bytes;
  heap_committed_bytes = statistics.total_heap_size();
  if (group.heap_bytes > limits::kGroupHeapBytes) [[unlikely]]
    scheduler->pressure = true;
  statistics_at_ns = monotonic_ns();
}

void Tenant::Impl::collect_garbage() {
  if (state != State::idle || closed || abandoned) return;
  v8::Isolate::Scope isolate_scope(isolate);
  v8::HandleScope handle_scope(isolate);
  isolate->LowMemoryNotification();
  refresh_statistics();
  scheduler->look_for_foreground();
}

// --- the public face ---

Tenant::Tenant(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tenant::~Tenant() = default;

bool Tenant::run(Job& job) {
  return impl_->submit(job);
}
bool Tenant::busy() const {
  return impl_->state != Impl::State::idle || impl_->first != nullptr;
}
bool Tenant::overloaded() const {
  const Impl& t = *impl_;
  return t.queued >= limits::kShedJobs &&
         t.scheduler->loop.now_ns() - t.first->queued_at_ns_ > limits::kShedAfterNs;
}
v8::Isolate* Tenant::isolate() const {
  return impl_->isolate;
}
v8::Local<v8::Context> Tenant::context() const {
  return impl_->context.Get(impl_->isolate);
}
bool Tenant::condemned() const {
  return impl_->condemned;
}
void Tenant::condemn() {
  impl_->condemned = true;
}
StopReason Tenant::stopped_by() const {
  return impl_->stopped_by;
}
size_t Tenant::heap_used_bytes() const {
  return impl_->heap_used_bytes;
}
size_t Tenant::external_bytes() const {
  return impl_->external_bytes;
}
int64_t Tenant::cpu_used_ns() const {
  return impl_->cpu_used_ns;
}
void Tenant::set_account(std::shared_ptr<Account> account) {
  impl_->account = std::move(account);
}
void Tenant::attach(std::unique_ptr<Attachment> attachment) {
  impl_->attachment = std::move(attachment);
}
Tenant::Attachment* Tenant::attachment() const {
  return impl_->attachment.get();
}
Tenant* Tenant::from(v8::Isolate* isolate) {
  return static_cast<Tenant*>(isolate->GetData(kTenantSlot));
}
double Tenant::clock_ms() const {
  return impl_->clock_ms;
}

}  // namespace skep::isolate
