// V8 in a process: initialised once, in the zygote, before the fork; threads start after it. Every
// other class of this folder needs it. See platform.h for the platform behind it.
#pragma once

#include <v8.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace skep::isolate {

struct EngineOptions {
  std::string flags;                          // V8 flags beyond ours (GC stress, --wasm-max-mem-pages…)
  std::span<const char> snapshot;             // start-up blob; must outlive the engine
  const intptr_t* external_references = nullptr;  // those the blob was made with, null-terminated
};

class Engine {
 public:
  // Single-threaded: call it in the zygote, then fork. At most one a process.
  static Result<std::unique_ptr<Engine>> create(const EngineOptions& options);
  ~Engine();

  // In the child: starts `helper_threads` V8 worker threads (>= 1) at lower priority and the watchdog.
  void start_threads(unsigned helper_threads);

  // What Date.now() and performance.now() read: stands still while code runs; set at each entry.
  void set_clock_ms(double ms);

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace skep::isolate
