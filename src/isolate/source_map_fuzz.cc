// A worker's source map, hostile: parsed, and asked for positions all over.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "isolate/source_map.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto map = skep::isolate::SourceMap::parse(text);
  if (!map) return 0;
  for (uint32_t line : {0u, 1u, 2u, 3u, 100u, UINT32_MAX}) {
    for (uint32_t column : {0u, 1u, 2u, 80u, UINT32_MAX}) {
      const auto position = map->find(line, column);
      if (!position) continue;
      (void)map->source_line(position->source_index, position->line);
      (void)skep::isolate::mapped_file("a/b.js", position->source);
    }
  }
  return 0;
}
