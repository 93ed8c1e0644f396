// The inside of a Tenant, for this folder only.
#pragma once

#include <cppgc/testing.h>
#include <v8.h>

#include <memory>
#include <optional>

#include "base/result.h"
#include "isolate/counting_allocator.h"
#include "isolate/groups.h"
#include "isolate/scheduler.h"
#include "isolate/tenant.h"
#include "isolate/wasm_memories.h"
#include "isolate/watchdog.h"
#include "loop/fiber.h"

namespace skep::isolate {

// Isolate data slots.
inline constexpr uint32_t kTenantSlot = 0;
inline constexpr uint32_t kLoaderSlot = 1;

struct Tenant::Impl final : Watched {
  Impl(std::shared_ptr<Scheduler> scheduler, Group& group, size_t heap_bytes);
  ~Impl();

  // Makes the isolate and its context. Errors: the group's sandbox is not whole.
  Result<> create(Tenant& tenant);
  // Ends jobs and the attachment; the isolate stays, ready for disposal.
  void shut_down();
  void dispose();

  bool submit(Job& job);
  // From the scheduler: runs one piece of what is waiting.
  void slice();
  bool has_work() const { return state == State::suspended || first || foreground_due; }
  // What it has to run may be long: others first.
  bool in_background(int64_t now_ns) const {
    return state == State::suspended || account->heavy(now_ns);
  }
  void refresh_statistics();
  void collect_garbage();

  static void on_interrupt(v8::Isolate* isolate, void* watched);
  static void on_abandon(Watched& watched, uintptr_t pc, int64_t used_cpu_ns);
  static void on_fatal_error(const char* file, int line, const char* message);
  static void on_last_words();
  static void on_out_of_memory(const char* location, const v8::OOMDetails& details, void* self);
  static size_t on_near_heap_limit(void* self, size_t current_bytes, size_t initial_bytes);

  enum class State { idle, running, suspended };

  const std::shared_ptr<Scheduler> scheduler;
  Group& group;
  const size_t heap_limit_bytes;
  const std::shared_ptr<CountingAllocator> buffers;
  WasmMemories wasm_memories;
  v8::Global<v8::Context> context;
  // V8's C++ heap would scan the stack up to the thread's own start, which is not where a fiber
  // ends. Nothing of ours keeps pointers into that heap on a stack, so it need not look at all.
  std::optional<cppgc::testing::OverrideEmbedderStackStateScope> no_stack_scan;
  std::unique_ptr<Attachment> attachment;
  std::shared_ptr<Account> account = std::make_shared<Account>();

  State state = State::idle;
  Job* job = nullptr;                  // running or suspended
  std::unique_ptr<loop::Fiber> fiber;  // of that job
  Job* first = nullptr;                // queued
  Job* last = nullptr;
  size_t queued = 0;
  bool draining = false;  // slice() or submit() is on the loop's stack
  bool closed = false;    // shut down
  bool foreground_due = false;
  bool collecting = false;    // between V8's calls around a collection
  uintptr_t stack_limit = 0;  // as set in the isolate; 0: to be set
  unsigned stack_reliefs = 0;

  StopReason stop = StopReason::none;  // of the running job
  StopReason stopped_by = StopReason::none;
  bool condemned = false;
  bool doomed = false;          // out of memory: nothing is run any more
  bool abandoned = false;       // the isolate is never entered again, nor disposed of
  bool compiling_wasm = false;  // our own loader compiles: allowed
  unsigned heap_grants = 0;

  int64_t slice_start_ns = 0;
  double clock_ms = 0;  // what the running job sees
  int64_t cpu_used_ns = 0;
  size_t heap_used_bytes = 0;
  size_t heap_committed_bytes = 0;  // as counted in the group
  size_t external_bytes = 0;
  int64_t statistics_at_ns = 0;

  // In one of the scheduler's queues.
  Impl* previous_ready = nullptr;
  Impl* next_ready = nullptr;
  ReadyQueue* ready_in = nullptr;

 private:
  class ForegroundJob;

  bool run_job(Job& job);
  void resume();
  void after_slice(bool finished);
  void finish_job(StopReason reason);
  void drain(int64_t until_ns);
  Job* pop();
  void interrupt();
  void yield();
  void yield_late();
  [[noreturn]] void abandon(StopReason reason);
  void leave_abandoned();
  void charge(int64_t now_ns);
  void stop_running(StopReason reason);
  void set_stack_limit();
  void relieve_stack();
  bool settle_stack();
  static void on_garbage_collected(v8::Isolate* isolate, v8::GCType, v8::GCCallbackFlags,
                                   void* self);
  bool over_memory();
  static void restore_heap_limit(v8::Isolate* isolate, void* self);
  static void fiber_main(void* self);

  std::unique_ptr<ForegroundJob> foreground_job_;
};

}  // namespace skep::isolate
