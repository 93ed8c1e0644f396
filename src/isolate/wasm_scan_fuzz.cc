// A Wasm module's bytes, hostile.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "base/limits.h"
#include "isolate/wasm_scan.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto scan =
      skep::isolate::scan_wasm(std::string_view(reinterpret_cast<const char*>(data), size));
  SKEP_ASSERT(scan.memories.size() <= skep::limits::kWasmMemories);
  return 0;
}
