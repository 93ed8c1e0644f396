// V8 in a process: initialised once, in the zygote, before the fork; threads start after it. Every
// other class of this folder needs it. See platform.h for the platform behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace skep::isolate {

struct EngineOptions {
  std::string flags;               // V8 flags beyond ours (GC stress, --wasm-max-mem-pages…)
  std::span<const char> snapshot;  // start-up blob; must outlive the engine. Empty: V8's own
  const intptr_t* external_references = nullptr;  // those the blob was made with, null-terminated
  // Wasm traps by signal: memory accesses need no checks, but each memory reserves 8 GB of its
  // group's 1 TB. Off: any number of memories, and up to twice the time for code that mostly moves
  // memory.
  bool wasm_trap_handler = true;
};

class Engine {
 public:
  // Single-threaded: call it in the zygote, then fork. At most one a process, at any time.
  static Result<std::unique_ptr<Engine>> create(const EngineOptions& options);
  // Every Arena, Tenant and isolate must be gone.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // In the child: starts `helper_threads` V8 worker threads (>= 1) at lower priority and the
  // watchdog. On the loop's thread. Needs eventfd and setpriority: before seccomp, or allow them.
  // Errors: no descriptor left.
  Result<> start_threads(unsigned helper_threads);

  // What Date.now() and performance.now() read: stands still while code runs. Tenant::run sets it
  // at each entry, so only code that enters isolates by other ways needs set_clock_ms.
  void set_clock_ms(double ms);
  double clock_ms() const;

  // How long the loop has been inside a builtin that cannot be interrupted; 0: it is not. From any
  // thread. take_longest_hold_ns: the longest since the last call, for the loop once it is free.
  int64_t held_ns() const;
  int64_t take_longest_hold_ns();

  // Isolates that could not be stopped, or ran V8 out of memory, and were left behind with all they
  // hold. The process goes on, but should be replaced when it is convenient.
  size_t abandoned_isolates() const;

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace skep::isolate
