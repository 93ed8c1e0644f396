#include "isolate/platform.h"

#include <libplatform/libplatform.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <v8-isolate.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <utility>

#include "base/time.h"

namespace skep::isolate {
namespace {

constexpr auto later_first = [](const auto& a, const auto& b) { return a.due_ns > b.due_ns; };

}  // namespace

// The foreground tasks of one isolate. V8 keeps the pointer, on any thread, beyond the isolate's
// end.
class ForegroundQueue final : public v8::TaskRunner {
 public:
  ForegroundQueue(Platform& platform, v8::Isolate* isolate)
      : platform_(platform), isolate_(isolate) {}

  bool IdleTasksEnabled() override { return false; }
  bool NonNestableTasksEnabled() const override { return true; }
  bool NonNestableDelayedTasksEnabled() const override { return true; }

  std::unique_ptr<v8::Task> take(int64_t now_ns) {
    std::lock_guard lock(mutex_);
    if (!delayed_.empty() && delayed_.front().due_ns <= now_ns) {
      std::pop_heap(delayed_.begin(), delayed_.end(), later_first);
      auto task = std::move(delayed_.back().task);
      delayed_.pop_back();
      return task;
    }
    if (tasks_.empty()) {
      listed_ = false;
      return nullptr;
    }
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    return task;
  }

  void close() {
    std::deque<std::unique_ptr<v8::Task>> tasks;
    std::vector<Delayed> delayed;
    std::lock_guard lock(mutex_);
    closed_ = true;
    tasks.swap(tasks_);  // destroyed after the lock is released: a task may post when it goes
    delayed.swap(delayed_);
  }

 protected:
  void PostTaskImpl(std::unique_ptr<v8::Task> task, const v8::SourceLocation&) override {
    bool list = false;
    {
      std::lock_guard lock(mutex_);
      if (closed_) return;
      tasks_.push_back(std::move(task));
      list = !std::exchange(listed_, true);
    }
    if (list) platform_.queue_ready(isolate_);
  }
  void PostDelayedTaskImpl(std::unique_ptr<v8::Task> task, double delay_in_seconds,
                           const v8::SourceLocation&) override {
    const int64_t due_ns = monotonic_ns() + static_cast<int64_t>(delay_in_seconds * 1e9);
    {
      std::lock_guard lock(mutex_);
      if (closed_) return;
      delayed_.push_back({due_ns, std::move(task)});
      std::push_heap(delayed_.begin(), delayed_.end(), later_first);
    }
    platform_.queue_due(isolate_, due_ns);
  }
  void PostNonNestableTaskImpl(std::unique_ptr<v8::Task> task,
                               const v8::SourceLocation& location) override {
    PostTaskImpl(std::move(task), location);  // no task runs within another here
  }
  void PostNonNestableDelayedTaskImpl(std::unique_ptr<v8::Task> task, double delay_in_seconds,
                                      const v8::SourceLocation& location) override {
    PostDelayedTaskImpl(std::move(task), delay_in_seconds, location);
  }

 private:
  friend class Platform;
  struct Delayed {
    int64_t due_ns;
    std::unique_ptr<v8::Task> task;
  };
  Platform& platform_;
  v8::Isolate* const isolate_;
  std::mutex mutex_;
  std::deque<std::unique_ptr<v8::Task>> tasks_;
  std::vector<Delayed> delayed_;  // a heap, the earliest first
  bool listed_ = false;           // stands in the platform's list of ready isolates
  bool closed_ = false;
};

Platform::Platform(StackTracePrinter last_words) : last_words_(last_words) {}
Platform::~Platform() = default;

Result<> Platform::start_threads(unsigned helper_threads) {
  wake_fd_.reset(eventfd(0, EFD_CLOEXEC));
  if (!wake_fd_) return fail_errno("cannot make an eventfd for V8's helper threads", errno);
  loop_thread_ = std::this_thread::get_id();
  helper_threads_ = helper_threads;
  workers_.start(helper_threads);
  return {};
}

// The loop's own thread looks for itself after each job.
void Platform::wake_loop() {
  if (!wake_fd_ || std::this_thread::get_id() == loop_thread_) return;
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the loop has been woken already.
  if (write(wake_fd_.get(), &one, sizeof one) < 0) return;
}

void Platform::queue_ready(v8::Isolate* isolate) {
  std::lock_guard lock(mutex_);
  ready_.push_back(isolate);
  if (!any_ready_.exchange(true, std::memory_order_acq_rel)) wake_loop();
}

void Platform::queue_due(v8::Isolate* isolate, int64_t due_ns) {
  std::lock_guard lock(mutex_);
  due_.push_back({due_ns, isolate});
  std::push_heap(due_.begin(), due_.end(), later_first);
  if (due_.front().due_ns != due_ns) return;
  next_due_ns_.store(due_ns, std::memory_order_release);
  if (!any_ready_.exchange(true, std::memory_order_acq_rel)) wake_loop();
}

int64_t Platform::next_due_ns() const {
  return next_due_ns_.load(std::memory_order_acquire);
}

std::vector<v8::Isolate*> Platform::take_ready() {
  const int64_t due_ns = next_due_ns();
  const bool due = due_ns != 0 && due_ns <= monotonic_ns();
  if (!due && !any_ready_.load(std::memory_order_acquire)) return {};
  std::lock_guard lock(mutex_);
  std::vector<v8::Isolate*> ready = std::exchange(ready_, {});
  any_ready_.store(false, std::memory_order_relaxed);
  const int64_t now_ns = monotonic_ns();
  while (!due_.empty() && due_.front().due_ns <= now_ns) {
    ready.push_back(due_.front().isolate);
    std::pop_heap(due_.begin(), due_.end(), later_first);
    due_.pop_back();
  }
  next_due_ns_.store(due_.empty() ? 0 : due_.front().due_ns, std::memory_order_release);
  // An isolate that is gone may still stand in the heap; one that has the same address now finds
  // nothing to do.
  std::erase_if(ready, [this](v8::Isolate* isolate) { return !queues_.contains(isolate); });
  return ready;
}

bool Platform::run_foreground(v8::Isolate* isolate, size_t most) {
  std::shared_ptr<ForegroundQueue> queue;
  {
    std::lock_guard lock(mutex_);
    const auto found = queues_.find(isolate);
    if (found == queues_.end()) return false;
    queue = found->second;
  }
  for (size_t i = 0; i < most; ++i) {
    std::unique_ptr<v8::Task> task = queue->take(monotonic_ns());
    if (!task) return false;
    task->Run();
    if (isolate->IsExecutionTerminating()) return true;
  }
  return true;
}

void Platform::closing(v8::Isolate* isolate) {
  std::shared_ptr<ForegroundQueue> queue;
  {
    std::lock_guard lock(mutex_);
    const auto found = queues_.find(isolate);
    if (found == queues_.end()) return;
    queue = found->second;
  }
  queue->close();
}

void Platform::closed(v8::Isolate* isolate) {
  std::lock_guard lock(mutex_);
  queues_.erase(isolate);
  std::erase(ready_, isolate);
  std::erase_if(due_, [isolate](const Due& due) { return due.isolate == isolate; });
  std::make_heap(due_.begin(), due_.end(), later_first);
  next_due_ns_.store(due_.empty() ? 0 : due_.front().due_ns, std::memory_order_release);
}

std::shared_ptr<v8::TaskRunner> Platform::GetForegroundTaskRunner(v8::Isolate* isolate,
                                                                  v8::TaskPriority) {
  std::lock_guard lock(mutex_);
  std::shared_ptr<ForegroundQueue>& queue = queues_[isolate];
  if (!queue) queue = std::make_shared<ForegroundQueue>(*this, isolate);
  return queue;
}

double Platform::MonotonicallyIncreasingTime() {
  return static_cast<double>(monotonic_ns()) * 1e-9;
}

std::unique_ptr<v8::JobHandle> Platform::CreateJobImpl(v8::TaskPriority priority,
                                                       std::unique_ptr<v8::JobTask> job_task,
                                                       const v8::SourceLocation&) {
  return v8::platform::NewDefaultJobHandle(this, priority, std::move(job_task), helper_threads_);
}

void Platform::PostTaskOnWorkerThreadImpl(v8::TaskPriority priority, std::unique_ptr<v8::Task> task,
                                          const v8::SourceLocation&) {
  workers_.post(priority, std::move(task));
}

void Platform::PostDelayedTaskOnWorkerThreadImpl(v8::TaskPriority priority,
                                                 std::unique_ptr<v8::Task> task,
                                                 double delay_in_seconds,
                                                 const v8::SourceLocation&) {
  workers_.post(priority, std::move(task),
                monotonic_ns() + static_cast<int64_t>(delay_in_seconds * 1e9));
}

}  // namespace skep::isolate
