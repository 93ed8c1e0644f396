// A source map (version 3, ECMA-426): from a position in the code that runs to the one that was
// written. Parsed lazily, when an exception is reported. Hostile input: it comes with the worker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace skep::isolate {

class SourceMap {
 public:
  // Errors: no JSON, no version 3 map, broken mappings, more of them than
  // limits::kSourceMapSegments.
  static Result<SourceMap> parse(std::string_view json);

  struct Position {
    std::string_view source;  // as the map names it, sourceRoot in front
    uint32_t line = 0;        // 1-based
    uint32_t column = 0;      // 1-based
    size_t source_index = 0;
  };
  // Both 1-based; nothing where the map has no segment at or before the column.
  std::optional<Position> find(uint32_t line, uint32_t column) const;
  // A line (1-based) of the source, where the map carries its text; empty otherwise.
  std::string_view source_line(size_t source_index, uint32_t line) const;

 private:
  struct Segment {
    uint32_t column;  // of the generated line, 0-based
    uint32_t source;
    uint32_t source_line;    // 0-based
    uint32_t source_column;  // 0-based
  };
  Result<> read_mappings(std::string_view mappings);

  std::vector<std::string> sources_;
  std::vector<std::string> contents_;  // by source; empty: not there
  std::vector<Segment> segments_;      // by line, then by column
  std::vector<uint32_t> line_begins_;  // index of the first segment of each generated line
};

// A source's name as a person knows it: relative to the folder of the module that the map belongs
// to, without "." and "..", as far as that goes.
std::string mapped_file(std::string_view module_name, std::string_view source);

}  // namespace skep::isolate
