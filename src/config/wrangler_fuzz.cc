// A wrangler file as text; the first byte picks TOML or JSONC and whether an environment is asked
// for.
#include "base/assert.h"
#include "base/route_table.h"
#include "config/jsonc.h"
#include "config/toml.h"
#include "config/wrangler_read.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skep::config;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto parsed = data[0] % 2 == 0 ? parse_toml(text) : parse_json(text, JsonDialect::jsonc);
  if (!parsed || !parsed->is(Value::Type::object)) return 0;
  const std::string_view environment = data[0] & 2 ? "a" : "";
  Diagnostics diagnostics;
  diagnostics.begin_file("fuzz", text);
  const WorkerConfig config = read_wrangler(*parsed, environment, diagnostics);
  diagnostics.end_file();
  (void)format_diagnostics(diagnostics.items());
  (void)read_wrangler_name(*parsed, environment);
  for (const Route& route : config.routes)
    SKEP_ASSERT(skep::parse_route_pattern(route.pattern).has_value());
  return 0;
}
