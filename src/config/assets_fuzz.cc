// The first byte says which of the three files the rest is.
#include "base/assert.h"
#include "base/limits_assets.h"
#include "config/assets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skep;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  config::Diagnostics diagnostics;
  diagnostics.begin_file("file", text);
  switch (data[0] % 3) {
    case 0:
      for (const auto& rule : config::parse_asset_headers(text, diagnostics))
        SKEP_ASSERT(rule.path.starts_with('/') && !rule.changes.empty());
      break;
    case 1:
      for (const auto& rule : config::parse_asset_redirects(text, diagnostics))
        SKEP_ASSERT(rule.from.starts_with('/') && !rule.to.empty());
      break;
    default: {
      const auto ignore = config::AssetIgnore::parse(text, diagnostics);
      (void)ignore.ignores("a/b/c.txt", false);
      (void)ignore.ignores(text.substr(0, 200), true);
    }
  }
  diagnostics.end_file();
  return 0;
}
