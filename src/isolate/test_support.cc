#include "isolate/test_support.h"

#include "isolate/tenant_impl.h"

namespace skep::isolate::testing {

void allow_wasm_code(Tenant& tenant, bool allow) {
  tenant.impl().compiling_wasm = allow;
}

std::string text(v8::Isolate* isolate, v8::MaybeLocal<v8::Value> value) {
  v8::Local<v8::Value> local;
  if (!value.ToLocal(&local)) return "<empty>";
  v8::String::Utf8Value utf8(isolate, local);
  return *utf8 ? std::string(*utf8, static_cast<size_t>(utf8.length())) : "<no string>";
}

void ScriptJob::run(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  v8::TryCatch caught(isolate);
  v8::Local<v8::String> source =
      v8::String::NewFromUtf8(isolate, source_.data(), v8::NewStringType::kNormal,
                              static_cast<int>(source_.size()))
          .ToLocalChecked();
  v8::Local<v8::Script> script;
  v8::Local<v8::Value> value;
  if (v8::Script::Compile(context, source).ToLocal(&script) &&
      script->Run(context).ToLocal(&value)) {
    result_ = text(isolate, value);
  } else if (caught.HasTerminated()) {
    result_ = "terminated";
  } else {
    result_ = text(isolate, caught.Exception());
  }
}

void IsolateTest::SetUp() {
  make_arena({.ready = 0});
}

void IsolateTest::make_arena(ArenaOptions options) {
  arena_.reset();
  auto loop = loop::Loop::create(
      {.entries = 256, .fixed_files = 0, .recv_buffer_bytes = 0, .recv_buffer_count = 0});
  ASSERT_TRUE(loop) << loop.error().message;
  loop_ = std::move(*loop);
  arena_ = std::make_unique<Arena>(*loop_, engine(), options);
}

void IsolateTest::TearDown() {
  arena_.reset();
  // The scheduler's last operation.
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(loop_->turn(false));
}

std::unique_ptr<Tenant> IsolateTest::take() {
  auto tenant = arena_->take();
  if (!tenant) {
    ADD_FAILURE() << tenant.error().message;
    return nullptr;
  }
  return std::move(*tenant);
}

void IsolateTest::turn_until(const std::function<bool()>& condition) {
  while (!condition()) ASSERT_TRUE(loop_->turn(true));
}

void IsolateTest::run(Tenant& tenant, ScriptJob& job) {
  ASSERT_TRUE(tenant.run(job));
  turn_until([&] { return job.finished(); });
}

// On a slow machine the watchdog takes any job for a hog, and it goes on in the loop's turns.
void IsolateTest::run(Tenant& tenant, FunctionJob& job) {
  ASSERT_TRUE(tenant.run(job));
  turn_until([&] { return job.finished(); });
}

std::string IsolateTest::eval(Tenant& tenant, std::string source) {
  ScriptJob job(std::move(source));
  run(tenant, job);
  return job.result();
}

}  // namespace skep::isolate::testing
