// A CommonJS module's text, hostile.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "base/limits.h"
#include "isolate/cjs_lexer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto scan =
      skep::isolate::scan_commonjs(std::string_view(reinterpret_cast<const char*>(data), size));
  SKEP_ASSERT(scan.exports.size() <= skep::limits::kCommonJsNames);
  SKEP_ASSERT(scan.requires_.size() <= skep::limits::kCommonJsNames);
  return 0;
}
