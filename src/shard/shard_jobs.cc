// What `skep check`, `skep test` and `skep bench cold` make a shard do.
#include <fmt/format.h>

#include "base/time.h"
#include "shard/memory_request.h"
#include "shard/scheduled.h"
#include "shard/shard.h"

namespace skep::shard {
namespace {

std::vector<api::ExceptionReport> one_report(std::string message) {
  api::ExceptionReport report;
  report.message = std::move(message);
  return {std::move(report)};
}

// A job that lives until it is through, then deletes itself at a safe distance.
template <typename T>
void retire_job(loop::Loop& loop, T* job) {
  loop.post([late = std::shared_ptr<T>(job)] {});
}

// Compiles a worker's modules in an isolate of its own.
class CheckJob final {
 public:
  CheckJob(Worker& worker, std::function<void(std::vector<api::ExceptionReport>)> done)
      : worker_(worker), done_(std::move(done)) {}

  void start() {
    worker_.with_version(
        [this](std::expected<std::shared_ptr<WorkerVersion>, api::ExceptionReport> version) {
          if (!version) return finish({std::move(version.error())});
          if (!(*version)->files().has_code) return finish({});  // there are only assets
          auto tenant = worker_.context().arena.take();
          if (!tenant) return finish(one_report(tenant.error().message));
          instance_ = std::make_unique<Instance>(worker_, *version, std::move(*tenant));
          instance_->runtime =
              &api::Runtime::attach(instance_->tenant(), *instance_, worker_.options());
          instance_->runtime->check(*version, [this](std::vector<api::ExceptionReport> reports) {
            finish(std::move(reports));
          });
        });
  }

 private:
  void finish(std::vector<api::ExceptionReport> reports) {
    retire_job(worker_.context().loop, this);
    done_(std::move(reports));
  }

  Worker& worker_;
  std::function<void(std::vector<api::ExceptionReport>)> done_;
  std::unique_ptr<Instance> instance_;
};

class TestJob final : public InstanceWaiter {
 public:
  TestJob(Worker& worker, std::function<void(const api::TestResult&)> each,
          std::function<void(uint32_t, uint32_t)> done)
      : worker_(worker), each_(std::move(each)), done_(std::move(done)) {}

  void start() { worker_.wait(*this); }

  void on_instance(Instance& instance) override {
    instance.runtime->test(
        [this](const api::TestResult& result) {
          (result.ok ? passed_ : failed_)++;
          each_(result);
        },
        [this] { finish(); });
  }
  void on_load_failed(const api::ExceptionReport& report) override {
    std::string message = report.message;
    if (report.line != 0) {
      message = fmt::format("{} ({}:{}:{})", message, report.file, report.line, report.column);
    }
    fail(std::move(message), report.stack);
  }
  void on_no_room() override { fail("There is no room for the worker's isolate.", ""); }

 private:
  void fail(std::string message, std::string stack) {
    failed_++;
    each_({.name = worker_.name(),
           .ok = false,
           .message = std::move(message),
           .stack = std::move(stack)});
    finish();
  }
  void finish() {
    retire_job(worker_.context().loop, this);
    done_(passed_, failed_);
  }

  Worker& worker_;
  std::function<void(const api::TestResult&)> each_;
  std::function<void(uint32_t, uint32_t)> done_;
  uint32_t passed_ = 0, failed_ = 0;
};

// Starts one worker over and over, each time as if it had never been asked for, and times each from
// the request to the handler's end.
class ColdJob final : public InstanceWaiter {
 public:
  ColdJob(Worker& worker, const ColdRun& run, std::vector<std::unique_ptr<Worker>>& kept,
          std::function<void(Result<std::vector<uint64_t>>)> done)
      : worker_(worker), run_(run), kept_(kept), done_(std::move(done)) {}

  void start() {
    loop().post([this] { next(); });
  }

  void on_instance(Instance& instance) override {
    request_ =
        std::make_unique<MemoryRequest>(loop(), "GET", "http://bench.localhost/",
                                        std::vector<std::pair<std::string, std::string>>{}, "");
    request_->send(*instance.runtime, [this](MemoryResponse response) {
      if (response.status == 0) return finish(fail(response.failure.exception.message));
      samples_.push_back(static_cast<uint64_t>(monotonic_ns() - started_ns_));
      // Two turns later: the first event's code cache is made in between, as it is in service.
      loop().post([this] { loop().post([this] { next(); }); });
    });
  }
  void on_load_failed(const api::ExceptionReport& report) override { finish(fail(report.message)); }
  void on_no_room() override { finish(fail("no room for another isolate")); }

 private:
  loop::Loop& loop() { return worker_.context().loop; }

  void next() {
    request_.reset();
    isolate::Arena& arena = worker_.context().arena;
    if (fresh_ && run_.keep) kept_.push_back(std::move(fresh_));
    fresh_.reset();
    give_back_all(arena);
    if (samples_.size() == run_.count) return finish(std::move(samples_));
    // The pool is filled between two starts, as it is between two cold starts in service.
    while (arena.refill_step()) {
    }
    while (run_.dry && arena.stats().ready > 0) {
      auto tenant = arena.take();
      if (!tenant) return finish(std::unexpected(std::move(tenant).error()));
      taken_.push_back(std::move(*tenant));
    }
    fresh_ = std::make_unique<Worker>(worker_.context(), worker_.index(), worker_.name());
    started_ns_ = monotonic_ns();
    fresh_->wait(*this);
  }
  void give_back_all(isolate::Arena& arena) {
    for (auto& tenant : taken_) arena.give_back(std::move(tenant));
    taken_.clear();
  }
  void finish(Result<std::vector<uint64_t>> result) {
    give_back_all(worker_.context().arena);
    retire_job(loop(), this);
    done_(std::move(result));
  }

  Worker& worker_;
  const ColdRun run_;
  std::vector<std::unique_ptr<Worker>>& kept_;
  std::function<void(Result<std::vector<uint64_t>>)> done_;
  std::unique_ptr<Worker> fresh_;
  std::unique_ptr<MemoryRequest> request_;
  std::vector<uint64_t> samples_;
  std::vector<std::unique_ptr<isolate::Tenant>> taken_;  // dry: those that would be ready
  int64_t started_ns_ = 0;
};

}  // namespace

void Shard::check(uint32_t index, std::function<void(std::vector<api::ExceptionReport>)> done) {
  Worker* worker = find_worker(index);
  if (worker == nullptr) return done(one_report("no such worker"));
  (new CheckJob(*worker, std::move(done)))->start();
}

void Shard::scheduled(uint32_t index, std::string_view cron, double time_ms,
                      std::function<void(std::string_view)> done) {
  Worker* worker = find_worker(index);
  if (worker == nullptr) return done("scriptNotFound");
  run_scheduled(*worker, new_request_id(), cron, time_ms, std::move(done));
}

void Shard::test(uint32_t index, std::function<void(const api::TestResult&)> each,
                 std::function<void(uint32_t, uint32_t)> done) {
  Worker* worker = find_worker(index);
  if (worker == nullptr) return done(0, 1);
  (new TestJob(*worker, std::move(each), std::move(done)))->start();
}

void Shard::cold(uint32_t index, const ColdRun& run,
                 std::function<void(Result<std::vector<uint64_t>>)> done) {
  Worker* worker = find_worker(index);
  if (worker == nullptr) return done(fail("no such worker"));
  (new ColdJob(*worker, run, kept_, std::move(done)))->start();
}

}  // namespace skep::shard
