#include "shard/worker_service.h"

#include <utility>

namespace skep::shard {
namespace {

// One call that waits for an isolate; deletes itself when it has one.
class Waiting final : public InstanceWaiter {
 public:
  explicit Waiting(api::Service::Ready ready) : ready_(std::move(ready)) {}

  void on_instance(Instance& instance) override {
    instance.last_used_ns = instance.loop().now_ns();
    finish(instance.runtime);
  }
  void on_load_failed(const api::ExceptionReport& report) override {
    finish(std::unexpected(report.message));
  }
  void on_no_room() override {
    finish(
        std::unexpected(std::string("There is no room for the isolate of the Worker that was "
                                    "called.")));
  }

 private:
  void finish(std::expected<api::Runtime*, std::string> result) {
    auto ready = std::move(ready_);
    delete this;
    ready(std::move(result));
  }

  api::Service::Ready ready_;
};

class WorkerService final : public api::Service {
 public:
  explicit WorkerService(Worker* worker) : worker_(worker) {}

  void acquire(Ready ready) override {
    if (worker_ == nullptr) {
      return ready(std::unexpected(std::string("The Worker that was called is not there.")));
    }
    worker_->wait(*new Waiting(std::move(ready)));
  }

 private:
  Worker* worker_;
};

}  // namespace

std::shared_ptr<api::Service> make_worker_service(Worker* worker) {
  return std::make_shared<WorkerService>(worker);
}

}  // namespace skep::shard
