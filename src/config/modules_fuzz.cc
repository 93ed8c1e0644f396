// First line: a glob; the rest: a path to match and a source to look at.
#include <cstdint>

#include "config/glob.h"
#include "config/module_syntax.h"
#include "config/source_map.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t end = text.find('\n');
  const std::string_view rest = end == std::string_view::npos ? "" : text.substr(end + 1);
  (void)skep::config::module_syntax(rest);
  (void)skep::config::scan_module(rest);
  std::string source(rest);
  skep::config::replace_node_env(source, "production");
  if (source.size() != rest.size()) __builtin_trap();
  (void)skep::config::decode_data_url(skep::config::source_map_url(rest));
  if (size < 4096) (void)skep::config::glob_matches(text.substr(0, end), rest);
  return 0;
}
