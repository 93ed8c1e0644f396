// The inside of an Engine, for this folder only.
#pragma once

#include <v8.h>

#include <memory>
#include <unordered_map>
#include <vector>

#include "isolate/engine.h"
#include "isolate/platform.h"
#include "isolate/watchdog.h"
#include "loop/fiber.h"

namespace skep::isolate {

struct Engine::Impl {
  explicit Impl(v8::Platform::StackTracePrinter last_words) : platform(last_words) {}

  Platform platform;
  Watchdog watchdog;
  v8::StartupData snapshot{nullptr, 0};
  const intptr_t* external_references = nullptr;
  bool wasm_trap_handler = false;
  // See own_wasm.h.
  std::unordered_map<const void*, v8::CompiledWasmModule> own_wasm;
  // The stacks of isolates that were left as they stood; see Tenant::Impl::abandon. Kept until the
  // end.
  std::vector<std::unique_ptr<loop::Fiber>> abandoned;
};

}  // namespace skep::isolate
