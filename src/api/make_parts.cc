// Program of the build: gives the runtime's parts V8's code caches. A cache holds for the snapshot
// and the flags that it was made with, so the engine is the one of a shard.
// usage: make_parts SNAPSHOT PARTS OUTPUT
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "api/base/values.h"
#include "api/parts/parts.h"
#include "api/runtime_impl.h"
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

// The parts are loaded as a worker would load them: a cache has what was compiled until it is made,
// and what a part runs at its module level need not be compiled by anybody again.
class Maker final : public RuntimeHost, public isolate::Job {
 public:
  Maker(loop::Loop& loop, const Parts& parts) : loop_(loop), parts_(parts) {}

  loop::Loop& loop() override { return loop_; }
  const Parts& parts() override { return parts_; }
  void on_part_compiled(std::string_view name, v8::Local<v8::Function> part) override {
    functions_[std::string(name)].Reset(v8::Isolate::GetCurrent(), part);
  }
  void on_console(std::string_view, ConsoleLevel, std::string message) override {
    fmt::print(stderr, "make_parts: {}\n", message);
  }
  void on_exception(std::string_view, std::string_view where,
                    const ExceptionReport& report) override {
    fmt::print(stderr, "make_parts: {}: {}\n", where, report.message);
  }

  void run(v8::Isolate* isolate, v8::Local<v8::Context> context) override {
    Runtime::Impl& runtime = Runtime::from(isolate)->impl();
    runtime.take_hooks(isolate, context);
    for (const auto& [name, part] : parts_.all()) {
      v8::HandleScope scope(isolate);
      v8::TryCatch caught(isolate);
      v8::Local<v8::Value> argv[] = {js_text(isolate, name)};
      if (!runtime.hook(isolate, Hook::load_part)
               ->Call(context, v8::Undefined(isolate), 1, argv)
               .IsEmpty()) {
        continue;
      }
      v8::String::Utf8Value text(isolate, caught.Exception());
      error = fmt::format("{}: {}", name, *text ? *text : "?");
      break;
    }
    for (const auto& [name, part] : parts_.all()) {
      if (error.empty()) add_cache(isolate, name, part);
    }
    functions_.clear();
  }
  void done(isolate::StopReason) override { finished = true; }
  isolate::CpuMeter* meter() override { return nullptr; }

  std::vector<Parts::Entry> entries;
  std::string error;
  bool finished = false;

 private:
  void add_cache(v8::Isolate* isolate, std::string_view name, const Parts::Part& part) {
    v8::HandleScope scope(isolate);
    const std::unique_ptr<v8::ScriptCompiler::CachedData> cache(
        v8::ScriptCompiler::CreateCodeCacheForFunction(functions_[std::string(name)].Get(isolate)));
    entries.push_back(
        {std::string(name),
         std::string(part.source),
         {reinterpret_cast<const char*>(cache->data), static_cast<size_t>(cache->length)}});
  }

  loop::Loop& loop_;
  const Parts& parts_;
  std::map<std::string, v8::Global<v8::Function>> functions_;
};

Result<std::string> add_caches(const std::string& snapshot, const std::string& pack) {
  const auto tables = part_op_tables();
  SKEP_TRY_ASSIGN(auto parts, Parts::read(pack, {tables.begin(), tables.end()}));
  const loop::LoopOptions small = {
      .entries = 64, .fixed_files = 0, .recv_buffer_bytes = 0, .recv_buffer_count = 0};
  SKEP_TRY_ASSIGN(auto loop, loop::Loop::create(small));
  const isolate::EngineOptions options = {
      .flags = "", .snapshot = snapshot, .external_references = external_references()};
  SKEP_TRY_ASSIGN(auto engine, isolate::Engine::create(options));
  SKEP_TRY(engine->start_threads(1));
  Maker maker(*loop, parts);
  {
    isolate::Arena arena(*loop, *engine, {.ready = 0});
    SKEP_TRY_ASSIGN(auto tenant, arena.take());
    Runtime::attach(*tenant, maker, {.name = "make_parts"});
    if (!tenant->run(maker)) return fail("the isolate takes no job");
    while (!maker.finished) SKEP_TRY(loop->turn(true));
  }
  for (int i = 0; i < 3; ++i) SKEP_TRY(loop->turn(false));
  if (!maker.error.empty()) return fail(maker.error);
  return Parts::write(maker.entries);
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
