// TOML (skep.toml, wrangler.toml) by toml++ into values that know their line and column.
#pragma once

#include <expected>
#include <string_view>

#include "config/jsonc.h"
#include "config/value.h"

namespace skep::config {

// Bounds: limits::kConfigFileBytes, limits::kConfigDepth.
std::expected<Value, ParseError> parse_toml(std::string_view text);

}  // namespace skep::config
