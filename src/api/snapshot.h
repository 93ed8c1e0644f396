// The start-up snapshot: the runtime's JavaScript, evaluated at build time. make_snapshot (a
// program of the build) calls create_snapshot; the engine gets the bytes and the same external
// references. The runtime's context is the blob's default one: Context::New(isolate) gives it,
// FromSnapshot does not.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"

namespace skep::api {

// The native functions that the snapshot refers to, null-terminated; the same in the program that
// makes the snapshot and in skep.
const intptr_t* external_references();

// Evaluates the runtime's bundled source in a fresh isolate and returns the blob. Build time only.
Result<std::string> create_snapshot(std::string_view runtime_source);

// The snapshot that this program carries.
std::span<const char> embedded_snapshot();

}  // namespace skep::api
