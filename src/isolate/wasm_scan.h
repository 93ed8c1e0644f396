// A look at a Wasm module's bytes before V8 compiles it: memories that would escape the accounting
// are refused. Hostile input: it comes with the worker.
#pragma once

#include <string>
#include <string_view>

namespace skep::isolate {

// Why the module is refused; empty: it is not (whatever else is wrong with it, V8 says so).
// Refused: shared memories (imported or its own), and more memories than limits::kWasmMemories.
std::string refuse_wasm(std::string_view bytes);

}  // namespace skep::isolate
