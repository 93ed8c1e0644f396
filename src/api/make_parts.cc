// Program of the build: gives the runtime's parts V8's code caches. A cache holds for the snapshot
// and the flags that it was made with, so the engine is the one of a shard.
// usage: make_parts SNAPSHOT PARTS OUTPUT
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>

#include "api/parts/parts.h"
#include "api/snapshot.h"
#include "isolate/arena.h"
#include "isolate/engine.h"
#include "isolate/tenant.h"
#include "loop/loop.h"

namespace skep::api {
namespace {

std::string read_file(const char* name) {
  std::ifstream in(name, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

class CacheJob final : public isolate::Job {
 public:
  explicit CacheJob(const Parts& parts) : parts_(parts) {}

  void run(v8::Isolate* isolate, v8::Local<v8::Context> context) override {
    for (const auto& [name, part] : parts_.all()) {
      v8::HandleScope scope(isolate);
      v8::TryCatch caught(isolate);
      v8::Local<v8::Function> function;
      if (!compile_part(context, name, part).ToLocal(&function)) {
        v8::String::Utf8Value text(isolate, caught.Exception());
        error = fmt::format("{}: {}", name, *text ? *text : "?");
        return;
      }
      const std::unique_ptr<v8::ScriptCompiler::CachedData> cache(
          v8::ScriptCompiler::CreateCodeCacheForFunction(function));
      entries.push_back(
          {std::string(name),
           std::string(part.source),
           {reinterpret_cast<const char*>(cache->data), static_cast<size_t>(cache->length)}});
    }
  }
  void done(isolate::StopReason) override { finished = true; }
  isolate::CpuMeter* meter() override { return nullptr; }

  std::vector<Parts::Entry> entries;
  std::string error;
  bool finished = false;

 private:
  const Parts& parts_;
};

Result<std::string> add_caches(const std::string& snapshot, const std::string& pack) {
  SKEP_TRY_ASSIGN(auto parts, Parts::read(pack, {}));
  const loop::LoopOptions small = {
      .entries = 64, .fixed_files = 0, .recv_buffer_bytes = 0, .recv_buffer_count = 0};
  SKEP_TRY_ASSIGN(auto loop, loop::Loop::create(small));
  const isolate::EngineOptions options = {
      .flags = "", .snapshot = snapshot, .external_references = external_references()};
  SKEP_TRY_ASSIGN(auto engine, isolate::Engine::create(options));
  SKEP_TRY(engine->start_threads(1));
  CacheJob job(parts);
  {
    isolate::Arena arena(*loop, *engine, {.ready = 0});
    SKEP_TRY_ASSIGN(auto tenant, arena.take());
    if (!tenant->run(job)) return fail("the isolate takes no job");
    while (!job.finished) SKEP_TRY(loop->turn(true));
  }
  for (int i = 0; i < 3; ++i) SKEP_TRY(loop->turn(false));
  if (!job.error.empty()) return fail(job.error);
  return Parts::write(job.entries);
}

}  // namespace
}  // namespace skep::api

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: make_parts SNAPSHOT PARTS OUTPUT\n");
    return 2;
  }
  const std::string snapshot = skep::api::read_file(argv[1]);
  const std::string pack = skep::api::read_file(argv[2]);
  const auto result = skep::api::add_caches(snapshot, pack);
  if (!result) {
    fmt::print(stderr, "make_parts: {}\n", result.error().message);
    return 1;
  }
  std::ofstream out(argv[3], std::ios::binary);
  out << *result;
  fmt::print("parts: {} KB of minified JavaScript, {} KB with code caches\n",
             (pack.size() + 1023) / 1024, (result->size() + 1023) / 1024);
  return out.flush() ? 0 : 1;
}
