// The first byte picks the dialect. What parses is written as JSON, which parses again to the same.
#include "base/assert.h"
#include "config/jsonc.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skep::config;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto value = parse_json(text, data[0] % 2 == 0 ? JsonDialect::json : JsonDialect::jsonc);
  if (!value) {
    SKEP_ASSERT(!value.error().message.empty());
    (void)code_frame(text, value.error().at);
    return 0;
  }
  const std::string once = to_json(*value);
  const auto again = parse_json(once, JsonDialect::json);
  SKEP_ASSERT(again.has_value());
  SKEP_ASSERT(to_json(*again) == once);
  return 0;
}
