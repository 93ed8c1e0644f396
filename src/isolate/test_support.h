// What the tests of this folder share: one engine for the whole program (V8 allows no second one),
// a loop and an arena for each test, and jobs that run a piece of script.
#pragma once

#include <gtest/gtest.h>
#include <v8.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "isolate/arena.h"
#include "isolate/engine.h"
#include "isolate/tenant.h"
#include "loop/loop.h"

namespace skep::isolate::testing {

// Set up by isolate_test_main.cc.
Engine& engine();
// True when the program runs under one of V8's stress settings: no bounds on time then.
bool stressed();

// Wasm from bytes is refused to JavaScript; a test may compile some in a job.
void allow_wasm_code(Tenant& tenant, bool allow);

// A UTF-8 string of `value`; "<empty>" for an empty handle.
std::string text(v8::Isolate* isolate, v8::MaybeLocal<v8::Value> value);

// Runs a classic script; keeps its result, or the exception, as text.
class ScriptJob final : public Job {
 public:
  explicit ScriptJob(std::string source, int64_t cpu_limit_ms = 0) : source_(std::move(source)) {
    meter_.limit_ns = cpu_limit_ms * 1'000'000;
  }
  void run(v8::Isolate* isolate, v8::Local<v8::Context> context) override;
  void done(StopReason reason) override {
    reason_ = reason;
    ++done_;
    if (on_done) on_done();
  }
  CpuMeter* meter() override { return &meter_; }

  bool finished() const { return done_ > 0; }
  int times_done() const { return done_; }
  StopReason reason() const { return reason_; }
  const std::string& result() const { return result_; }
  int64_t used_ns() const { return meter_.used_ns; }

  std::function<void()> on_done;

 private:
  std::string source_;
  std::string result_;
  StopReason reason_ = StopReason::none;
  int done_ = 0;
  CpuMeter meter_;
};

// Runs any function inside the isolate.
class FunctionJob final : public Job {
 public:
  using Function = std::function<void(v8::Isolate*, v8::Local<v8::Context>)>;
  explicit FunctionJob(Function function) : function_(std::move(function)) {}
  void run(v8::Isolate* isolate, v8::Local<v8::Context> context) override {
    function_(isolate, context);
  }
  void done(StopReason reason) override {
    reason_ = reason;
    finished_ = true;
  }
  CpuMeter* meter() override { return nullptr; }
  bool finished() const { return finished_; }
  StopReason reason() const { return reason_; }

 private:
  Function function_;
  StopReason reason_ = StopReason::none;
  bool finished_ = false;
};

class IsolateTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  void make_arena(ArenaOptions options);
  std::unique_ptr<Tenant> take();
  // Runs the job and turns the loop until it is done.
  void run(Tenant& tenant, ScriptJob& job);
  void run(Tenant& tenant, FunctionJob& job);
  std::string eval(Tenant& tenant, std::string source);
  void turn_until(const std::function<bool()>& condition);

  std::unique_ptr<loop::Loop> loop_;
  std::unique_ptr<Arena> arena_;
};

}  // namespace skep::isolate::testing
