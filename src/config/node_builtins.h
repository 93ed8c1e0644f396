// Names of Node.js's own modules, which a Worker with nodejs_compat_v2 may import without "node:".
#pragma once

#include <string_view>

namespace skep::config {

bool is_node_builtin(std::string_view specifier);

// One of Node.js's own modules, by its name alone or behind "node:".
bool names_node_module(std::string_view specifier);

}  // namespace skep::config
