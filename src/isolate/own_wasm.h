// WebAssembly that the program itself carries and runs inside tenants: compiled once a process,
// instantiated as the tenant's own would be, its memory counted among the tenant's. The compiled
// modules belong to the Engine. On the loop's thread, inside a job.
#pragma once

#include <v8.h>

#include <functional>
#include <string>

namespace skep::isolate {

// The exports of a new instance. `key`: an address that stands for the module; `bytes` gives it
// when it is needed first. Empty with an exception pending: no memory, or no such module.
v8::MaybeLocal<v8::Object> make_own_wasm(v8::Isolate* isolate, const void* key,
                                         const std::function<std::string()>& bytes,
                                         v8::Local<v8::Object> imports);

}  // namespace skep::isolate
