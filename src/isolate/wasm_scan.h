// A look at a Wasm module's bytes beside V8's own: which memories it declares, because V8 does not
// count them against an isolate's limit. Hostile input: it comes with the worker.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace skep::isolate {

struct WasmMemory {
  uint64_t least_pages = 0;
  uint64_t most_pages = 0;  // 0: not declared
  std::string export_name;  // empty: not exported
};

struct WasmScan {
  std::vector<WasmMemory> memories;  // its own, not those that it imports
  // Why the module is refused: shared memory, or more memories than limits::kWasmMemories. Empty:
  // it is not; whatever else is wrong with it, V8 says so.
  std::string refused;
};

WasmScan scan_wasm(std::string_view bytes);

}  // namespace skep::isolate
