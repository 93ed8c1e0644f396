// Where a module's source map is: what its last "//# sourceMappingURL=" line says (ECMA-426).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace skep::config {

// The URL of the last such comment among the last lines of a module; "" where there is none.
std::string_view source_map_url(std::string_view source);
// The content of a "data:…;base64,…" or plain "data:…," URL of JSON; none where it is neither.
std::optional<std::string> decode_data_url(std::string_view url);

}  // namespace skep::config
