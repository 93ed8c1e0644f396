#include "isolate/worker_pool.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/time.h"

namespace skep::isolate {
namespace {

// Helpers may use what the loop leaves; on a busy machine requests go first.
constexpr int kHelperNice = 5;

constexpr auto later_first = [](const auto& a, const auto& b) { return a.due_ns > b.due_ns; };

}  // namespace

WorkerPool::~WorkerPool() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::start(unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { run_thread(); });
}

void WorkerPool::post(v8::TaskPriority priority, std::unique_ptr<v8::Task> task, int64_t due_ns) {
  {
    std::lock_guard lock(mutex_);
    if (due_ns > 0) {
      delayed_.push_back({due_ns, priority, std::move(task)});
      std::push_heap(delayed_.begin(), delayed_.end(), later_first);
    } else {
      queues_[static_cast<size_t>(priority)].push_back(std::move(task));
    }
  }
  wake_.notify_one();
}

void WorkerPool::take_due(int64_t now_ns) {
  while (!delayed_.empty() && delayed_.front().due_ns <= now_ns) {
    std::pop_heap(delayed_.begin(), delayed_.end(), later_first);
    Delayed due = std::move(delayed_.back());
    delayed_.pop_back();
    queues_[static_cast<size_t>(due.priority)].push_back(std::move(due.task));
  }
}

std::unique_ptr<v8::Task> WorkerPool::next_task(std::unique_lock<std::mutex>& lock) {
  while (!ending_) {
    take_due(monotonic_ns());
    for (size_t i = kPriorities; i-- > 0;) {
      if (queues_[i].empty()) continue;
      std::unique_ptr<v8::Task> task = std::move(queues_[i].front());
      queues_[i].pop_front();
      return task;
    }
    if (delayed_.empty()) {
      wake_.wait(lock);
    } else {
      wake_.wait_for(lock, std::chrono::nanoseconds(delayed_.front().due_ns - monotonic_ns()));
    }
  }
  return nullptr;
}

void WorkerPool::run_thread() {
  pthread_setname_np(pthread_self(), "skep-v8");
  // Of this thread alone. Where it is refused, helpers compete with the loop as equals: no harm.
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kHelperNice);
  std::unique_lock lock(mutex_);
  while (std::unique_ptr<v8::Task> task = next_task(lock)) {
    lock.unlock();
    task->Run();
    task.reset();
    lock.lock();
  }
}

}  // namespace skep::isolate
