// Every part of the runtime can be loaded, from its code cache, and only when it is asked for.
#include "api/parts/parts.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "api/runtime_impl.h"
#include "api/testing/harness.h"

namespace skep::api {
namespace {

using testing::Worker;

class PartsJob final : public isolate::Job {
 public:
  using Run = std::function<void(v8::Isolate*, v8::Local<v8::Context>)>;
  explicit PartsJob(Run run) : run_(std::move(run)) {}
  void run(v8::Isolate* isolate, v8::Local<v8::Context> context) override {
    run_(isolate, context);
  }
  void done(isolate::StopReason) override { finished = true; }
  isolate::CpuMeter* meter() override { return nullptr; }
  bool finished = false;

 private:
  Run run_;
};

void run(Worker& worker, PartsJob::Run what) {
  PartsJob job(std::move(what));
  ASSERT_TRUE(worker.tenant().run(job));
  ASSERT_TRUE(worker.run_until([&] { return job.finished; }));
}

TEST(PartsTest, each_part_loads) {
  for (const auto& [name, part] : embedded_parts().all()) {
    SCOPED_TRACE(name);
    Worker worker;
    ASSERT_EQ(worker.load("export default {}"), "");
    run(worker, [&](v8::Isolate* isolate, v8::Local<v8::Context> context) {
      v8::TryCatch caught(isolate);
      v8::Local<v8::Value> argv[] = {
          v8::String::NewFromUtf8(isolate, std::string(name).c_str()).ToLocalChecked()};
      v8::Local<v8::Value> exports;
      const bool loaded = worker.runtime()
                              .impl()
                              .hook(isolate, Hook::load_part)
                              ->Call(context, v8::Undefined(isolate), 1, argv)
                              .ToLocal(&exports);
      v8::String::Utf8Value text(isolate, caught.Exception());
      ASSERT_TRUE(loaded) << (*text ? *text : "?");
      EXPECT_TRUE(exports->IsObject());
    });
  }
}

TEST(PartsTest, code_caches_are_taken) {
  if (std::getenv("SKEP_TEST_V8_FLAGS"))
    GTEST_SKIP() << "other flags than the caches were made with";
  Worker worker;
  ASSERT_EQ(worker.load("export default {}"), "");
  run(worker, [&](v8::Isolate*, v8::Local<v8::Context> context) {
    for (const auto& [name, part] : embedded_parts().all()) {
      bool used = false;
      EXPECT_FALSE(compile_part(context, name, part, &used).IsEmpty());
      EXPECT_TRUE(used) << name;
    }
  });
}

TEST(PartsTest, a_pack_is_read_as_it_was_written) {
  const std::string pack = Parts::write({{"a/b", "1", "cache"}, {"c/d", "source", ""}});
  const auto parts = Parts::read(pack, {});
  ASSERT_TRUE(parts) << parts.error().message;
  ASSERT_NE(parts->find("a/b"), nullptr);
  EXPECT_EQ(parts->find("a/b")->source, "1");
  EXPECT_EQ(parts->find("a/b")->code_cache, "cache");
  EXPECT_EQ((parts->find("a/b")->code_cache.data() - pack.data()) % 16, 0);
  EXPECT_EQ(parts->find("c/d")->source, "source");
  EXPECT_EQ(parts->find("e/f"), nullptr);
  EXPECT_TRUE(Parts::read("\n", {}));
  for (const char* bad : {"", "a/b 1 0\n", "a/b 1 0\n\n", "a/b x 0\n\n1", "a/b 1\n\n1"}) {
    EXPECT_FALSE(Parts::read(bad, {})) << bad;
  }
}

}  // namespace
}  // namespace skep::api
