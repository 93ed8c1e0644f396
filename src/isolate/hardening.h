// What JavaScript must not have: code from strings, Wasm from bytes, memory shared between threads,
// calls that block, and more Wasm memories than one tenant's share of its group. Used by the arena
// for each isolate and context.
#pragma once

#include <v8.h>

namespace skep::isolate {

// Callbacks of a fresh isolate.
void harden_isolate(v8::Isolate* isolate);
// A fresh context: takes away globals. The isolate is entered.
void harden_context(v8::Local<v8::Context> context);

}  // namespace skep::isolate
