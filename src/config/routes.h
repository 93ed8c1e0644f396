// Route patterns of configuration files: checked, and put into the form that RouteTable takes.
#pragma once

#include <optional>
#include <string>

#include "config/diagnostic.h"
#include "config/value.h"

namespace skep::config {

// A pattern as a file has it. A scheme ("https://example.com/*") is dropped with a warning, since a
// route holds for both here; anything else that is wrong is an error and gives nothing.
std::optional<std::string> read_route_pattern(const Value& value, std::string_view name,
                                              Diagnostics& diagnostics);
// A custom domain: a host name alone. Gives "host/*".
std::optional<std::string> read_custom_domain(const Value& value, std::string_view name,
                                              Diagnostics& diagnostics);

}  // namespace skep::config
