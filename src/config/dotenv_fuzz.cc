#include "base/assert.h"
#include "config/dotenv.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto entries = skep::config::parse_dotenv(text);
  if (!entries) {
    (void)skep::config::code_frame(text, entries.error().at);
    return 0;
  }
  for (const auto& entry : *entries) SKEP_ASSERT(!entry.name.empty());
  return 0;
}
