// skep.toml as text: parsed, read, and its messages written.
#include "base/assert.h"
#include "config/skep_toml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skep::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // A worker without a name would send the reader to the disk, where every run finds something
  // else.
  const LoadedServeConfig loaded = parse_serve_config(text, "/nonexistent/skep.toml");
  (void)format_diagnostics(loaded.diagnostics);
  bool errors = false;
  for (const Diagnostic& d : loaded.diagnostics) errors = errors || d.severity == Severity::error;
  SKEP_ASSERT(errors || !loaded.config.listeners.empty());
  for (const ServedWorker& worker : loaded.config.workers) SKEP_ASSERT(!worker.name.empty());
  return 0;
}
