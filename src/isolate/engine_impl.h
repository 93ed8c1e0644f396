// The inside of an Engine, for this folder only.
#pragma once

#include <v8.h>

#include "isolate/engine.h"
#include "isolate/platform.h"
#include "isolate/watchdog.h"

namespace skep::isolate {

struct Engine::Impl {
  Platform platform;
  Watchdog watchdog;
  v8::StartupData snapshot{nullptr, 0};
  const intptr_t* external_references = nullptr;
  bool wasm_trap_handler = false;
};

}  // namespace skep::isolate
