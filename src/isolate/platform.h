// Our v8::Platform. It exists before the fork, when the process has no threads: worker tasks queue
// up until start_threads(). Foreground tasks (V8's own work for one isolate: garbage collection
// steps, finalizers, the end of a Wasm compilation) queue by isolate; the scheduler runs them like
// any job, never while the isolate is suspended. The clock that JavaScript reads stands still
// between entries. Owned by the Engine.
#pragma once

#include <v8-platform.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "isolate/worker_pool.h"

namespace skep::isolate {

class ForegroundQueue;

class Platform final : public v8::Platform {
 public:
  explicit Platform(StackTracePrinter last_words);
  ~Platform() override;

  // Errors: no descriptor left for the eventfd.
  Result<> start_threads(unsigned helper_threads);

  void set_clock_ms(double ms) { clock_ms_.store(ms, std::memory_order_relaxed); }
  double clock_ms() const { return clock_ms_.load(std::memory_order_relaxed); }

  // --- foreground tasks; called on the loop's thread but for what V8 posts ---
  // An eventfd that becomes readable when a helper thread has posted a task; -1 before
  // start_threads.
  int wake_fd() const { return wake_fd_.get(); }
  // Whether take_ready would find something. Cheap.
  bool any_ready() const { return any_ready_.load(std::memory_order_acquire); }
  // Isolates that have tasks to run now, each once until it has been taken; cheap when there is
  // none.
  std::vector<v8::Isolate*> take_ready();
  // Runs up to `most` tasks of the isolate, which is entered. True: more are left.
  bool run_foreground(v8::Isolate* isolate, size_t most);
  // When the next delayed task is due, CLOCK_MONOTONIC ns; 0: none.
  int64_t next_due_ns() const;
  // Before and after Isolate::Dispose: drops the tasks, then forgets the queue.
  void closing(v8::Isolate* isolate);
  void closed(v8::Isolate* isolate);

  // v8::Platform
  int NumberOfWorkerThreads() override { return static_cast<int>(helper_threads_); }
  std::shared_ptr<v8::TaskRunner> GetForegroundTaskRunner(v8::Isolate* isolate,
                                                          v8::TaskPriority) override;
  double MonotonicallyIncreasingTime() override;
  int64_t CurrentClockTimeMilliseconds() override { return static_cast<int64_t>(clock_ms()); }
  double CurrentClockTimeMillis() override { return clock_ms(); }
  double CurrentClockTimeMillisecondsHighResolution() override { return clock_ms(); }
  v8::TracingController* GetTracingController() override { return &tracing_; }
  // V8 calls it when it is about to end the process.
  StackTracePrinter GetStackTracePrinter() override { return last_words_; }

 protected:
  std::unique_ptr<v8::JobHandle> CreateJobImpl(v8::TaskPriority priority,
                                               std::unique_ptr<v8::JobTask> job_task,
                                               const v8::SourceLocation&) override;
  void PostTaskOnWorkerThreadImpl(v8::TaskPriority priority, std::unique_ptr<v8::Task> task,
                                  const v8::SourceLocation&) override;
  void PostDelayedTaskOnWorkerThreadImpl(v8::TaskPriority priority, std::unique_ptr<v8::Task> task,
                                         double delay_in_seconds,
                                         const v8::SourceLocation&) override;

 private:
  friend class ForegroundQueue;
  // Of a queue: it has a task to run now / a delayed one.
  void queue_ready(v8::Isolate* isolate);
  void queue_due(v8::Isolate* isolate, int64_t due_ns);
  void wake_loop();

  struct Due {
    int64_t due_ns;
    v8::Isolate* isolate;
  };

  // What V8 sizes its jobs by. Before the threads exist: what there will be at least.
  unsigned helper_threads_ = 1;
  const StackTracePrinter last_words_;
  std::atomic<double> clock_ms_{0};
  v8::TracingController tracing_;
  UniqueFd wake_fd_;
  std::thread::id loop_thread_;  // the one that called start_threads
  WorkerPool workers_;

  mutable std::mutex mutex_;  // of all below; never held while a task runs or is destroyed
  std::unordered_map<v8::Isolate*, std::shared_ptr<ForegroundQueue>> queues_;
  std::vector<v8::Isolate*> ready_;
  std::vector<Due> due_;                // a heap, the earliest first
  std::atomic<bool> any_ready_{false};  // ready_ is not empty, or due_ has a new first
  std::atomic<int64_t> next_due_ns_{0};
};

}  // namespace skep::isolate
