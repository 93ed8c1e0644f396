// JSON with comments and trailing commas (wrangler.json, wrangler.jsonc), and plain JSON
// (package.json), into values that know their line and column. The parser is our own because a
// configuration error without a place is no help, and nlohmann's parser hands out no positions; it
// is small, bounded in depth and size, and fuzzed. It follows RFC 8259 in everything else.
#pragma once

#include <expected>
#include <string_view>

#include "config/diagnostic.h"
#include "config/value.h"

namespace skep::config {

enum class JsonDialect { json, jsonc };

struct ParseError {
  Position at;
  std::string message;
};

// Bounds: limits::kConfigFileBytes, limits::kConfigDepth. A byte order mark is skipped. Of a key
// that stands twice in an object JSON takes the last, as JSON.parse does; in JSONC it is an error.
std::expected<Value, ParseError> parse_json(std::string_view text, JsonDialect dialect);

}  // namespace skep::config
