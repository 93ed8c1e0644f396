#include "shard/scheduled.h"

#include <memory>
#include <utility>

#include "api/event/scheduled.h"
#include "base/limits_cron.h"
#include "base/time.h"

namespace skep::shard {
namespace {

class ScheduledRun final : public InstanceWaiter {
 public:
  ScheduledRun(Worker& worker, std::string request_id, std::string_view cron, double time_ms,
               std::function<void(std::string_view)> done)
      : worker_(worker),
        request_id_(std::move(request_id)),
        cron_(cron),
        time_ms_(time_ms),
        done_(std::move(done)),
        started_ns_(worker.context().loop.now_ns()),
        limit_(worker.context().loop, [this] { instance_->runtime->cancel(*event_); }) {}

  void on_instance(Instance& instance) override {
    instance_ = &instance;
    running_ = true;
    api::Event* event =
        api::start_scheduled(*instance.runtime, cron_, time_ms_, request_id_,
                             [this](const api::EventResult& result) { ended(result); });
    if (!running_) return finish();
    if (event == nullptr) {
      running_ = false;
      outcome_ = "loadShed";
      log("the isolate takes no more events");
      return finish();
    }
    event_ = event;
    limit_.set_ms(limits::kScheduledWallMs);
  }
  void on_load_failed(const api::ExceptionReport& report) override {
    outcome_ = "exception";
    log(report.message);
    finish();
  }
  void on_no_room() override {
    outcome_ = "loadShed";
    log("there is no room for the worker's isolate");
    finish();
  }

 private:
  // Within start_scheduled, or later.
  void ended(const api::EventResult& result) {
    running_ = false;
    outcome_ = api::outcome_name(result.outcome);
    const int64_t now_ns = worker_.context().loop.now_ns();
    worker_.metrics.note(result.outcome, 0, now_ns - started_ns_, result.cpu_ns);
    worker_.event_ended(*instance_);
    if (event_ != nullptr) finish();
  }

  void log(std::string_view why) {
    LogRecord record;
    record.worker = worker_.name();
    record.request_id = request_id_;
    record.level = api::ConsoleLevel::error;
    record.kind = LogRecord::Kind::exception;
    record.message = "scheduled \"" + cron_ + "\" did not run: " + std::string(why);
    record.time_ms = wall_clock_ms();
    worker_.context().host.log(std::move(record));
  }

  void finish() {
    limit_.cancel();
    // Out of the calls that led here.
    worker_.context().loop.post([late = std::shared_ptr<ScheduledRun>(this)] {});
    const auto done = std::move(done_);
    done(outcome_);
  }

  Worker& worker_;
  const std::string request_id_, cron_;
  const double time_ms_;
  std::function<void(std::string_view)> done_;
  const int64_t started_ns_;
  loop::Timer limit_;
  Instance* instance_ = nullptr;
  api::Event* event_ = nullptr;
  bool running_ = false;
  std::string outcome_;
};

}  // namespace

void run_scheduled(Worker& worker, std::string request_id, std::string_view cron, double time_ms,
                   std::function<void(std::string_view outcome)> done) {
  worker.wait(*new ScheduledRun(worker, std::move(request_id), cron, time_ms, std::move(done)));
}

}  // namespace skep::shard
