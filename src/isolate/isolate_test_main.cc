// The engine is made once, before any test, as the zygote does it; V8 flags come by
// SKEP_TEST_V8_FLAGS so that the same tests run under V8's stress settings.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "isolate/test_support.h"

namespace skep::isolate::testing {
namespace {
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
Engine* g_engine = nullptr;  // of the test program; set before the first test
}  // namespace

Engine& engine() {
  return *g_engine;
}
bool stressed() {
  return std::getenv("SKEP_TEST_V8_FLAGS") != nullptr;
}

// As the zygote does it: V8 is ready, there is no thread and no isolate; then children are forked.
// Each says a random number and its hash seed.
int fork_children(Engine& engine) {
  for (int child = 0; child < 2; ++child) {
    const pid_t pid = fork();
    if (pid != 0) {
      int status = 0;
      if (waitpid(pid, &status, 0) != pid || status != 0) return 1;
      continue;
    }
    auto loop = loop::Loop::create(
        {.entries = 64, .fixed_files = 0, .recv_buffer_bytes = 0, .recv_buffer_count = 0});
    if (!loop || !engine.start_threads(1)) _exit(1);
    Arena arena(**loop, engine, {.ready = 0});
    auto tenant = arena.take();
    if (!tenant) _exit(1);
    // Optimising compilers and their threads work in a child too.
    ScriptJob job(
        "let n = 0; for (let i = 0; i < 3e6; i++) n += i & 3; n === 4500000 && Math.random()");
    uint64_t seed = 0;
    FunctionJob look(
        [&](v8::Isolate* isolate, v8::Local<v8::Context>) { seed = isolate->GetHashSeed(); });
    if (!(*tenant)->run(job)) _exit(1);
    while (!job.finished()) {
      if (!(*loop)->turn(true)) _exit(1);
    }
    (*tenant)->run(look);
    std::printf("%s\n%llx\n", job.result().c_str(), static_cast<unsigned long long>(seed));
    std::fflush(stdout);
    _exit(0);
  }
  return 0;
}

}  // namespace skep::isolate::testing

#if __has_feature(address_sanitizer)
// What V8 held for isolates that were left behind is never given back.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:v8::";
}
#endif

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  skep::isolate::EngineOptions options;
  if (const char* flags = std::getenv("SKEP_TEST_V8_FLAGS")) options.flags = flags;
  auto engine = skep::isolate::Engine::create(options);
  if (!engine) {
    std::fprintf(stderr, "%s\n", engine.error().message.c_str());
    return 1;
  }
  if (argc > 1 && std::strcmp(argv[1], "--skep-fork-children") == 0) {
    return skep::isolate::testing::fork_children(**engine);
  }
  skep::isolate::testing::g_engine = engine->get();
  if (auto started = (*engine)->start_threads(1); !started) {
    std::fprintf(stderr, "%s\n", started.error().message.c_str());
    return 1;
  }
  return RUN_ALL_TESTS();
}
