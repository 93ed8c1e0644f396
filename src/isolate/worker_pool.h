// V8's helper threads: concurrent compilation and garbage collection, at lower priority than the
// loop. Owned by the Platform. Before start() tasks only queue up, so that V8 may be used in a
// process that has yet to fork; nothing here is a thread then.
#pragma once

#include <v8-platform.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace skep::isolate {

class WorkerPool {
 public:
  WorkerPool() = default;
  ~WorkerPool();  // ends and joins the threads; tasks that have not begun are dropped
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void start(unsigned threads);
  // From any thread. due_ns: on CLOCK_MONOTONIC; 0: at once.
  void post(v8::TaskPriority priority, std::unique_ptr<v8::Task> task, int64_t due_ns = 0);

 private:
  struct Delayed {
    int64_t due_ns;
    v8::TaskPriority priority;
    std::unique_ptr<v8::Task> task;
  };
  static constexpr size_t kPriorities = static_cast<size_t>(v8::TaskPriority::kMaxPriority) + 1;

  void run_thread();
  std::unique_ptr<v8::Task> next_task(std::unique_lock<std::mutex>& lock);
  void take_due(int64_t now_ns);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::array<std::deque<std::unique_ptr<v8::Task>>, kPriorities> queues_;
  std::vector<Delayed> delayed_;  // a heap, the earliest first
  std::vector<std::thread> threads_;
  bool ending_ = false;
};

}  // namespace skep::isolate
