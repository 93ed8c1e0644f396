// The engine is made once, before any test, as the zygote does it; V8 flags come by
// SKEP_TEST_V8_FLAGS so that the same tests run under V8's stress settings.
#include <cstdio>
#include <cstdlib>

#include "isolate/test_support.h"

namespace skep::isolate::testing {
namespace {
Engine* g_engine = nullptr;  // of the test program; set before the first test
}  // namespace

Engine& engine() {
  return *g_engine;
}
bool stressed() {
  return std::getenv("SKEP_TEST_V8_FLAGS") != nullptr;
}

}  // namespace skep::isolate::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  skep::isolate::EngineOptions options;
  if (const char* flags = std::getenv("SKEP_TEST_V8_FLAGS")) options.flags = flags;
  auto engine = skep::isolate::Engine::create(options);
  if (!engine) {
    std::fprintf(stderr, "%s\n", engine.error().message.c_str());
    return 1;
  }
  skep::isolate::testing::g_engine = engine->get();
  if (auto started = (*engine)->start_threads(1); !started) {
    std::fprintf(stderr, "%s\n", started.error().message.c_str());
    return 1;
  }
  return RUN_ALL_TESTS();
}
