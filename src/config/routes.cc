#include "config/routes.h"

#include <fmt/format.h>

#include "base/route_table.h"
#include "config/table_reader.h"

namespace skep::config {

std::optional<std::string> read_route_pattern(const Value& value, std::string_view name,
                                              Diagnostics& diagnostics) {
  if (!value.is(Value::Type::string)) {
    report_type(diagnostics, value, name, "a route pattern like \"example.com/*\"");
    return std::nullopt;
  }
  std::string_view pattern = value.string;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!pattern.starts_with(scheme)) continue;
    pattern.remove_prefix(scheme.size());
    diagnostics.warning(value.at, fmt::format("\"{}\": a route holds for http and https alike; the "
                                              "scheme is left out",
                                              value.string));
  }
  if (const auto parsed = parse_route_pattern(pattern); !parsed) {
    diagnostics.error(value.at,
                      fmt::format("\"{}\" is no route: {}", value.string, parsed.error().message));
    return std::nullopt;
  }
  return std::string(pattern);
}

std::optional<std::string> read_custom_domain(const Value& value, std::string_view name,
                                              Diagnostics& diagnostics) {
  if (!value.is(Value::Type::string)) {
    report_type(diagnostics, value, name, "a host name");
    return std::nullopt;
  }
  std::string pattern = value.string + "/*";
  const auto parsed = parse_route_pattern(pattern);
  if (value.string.find_first_of("/*") != std::string::npos) {
    diagnostics.error(value.at,
                      fmt::format("\"{}\": a custom domain is a host name alone, without a path "
                                  "and without \"*\"",
                                  value.string));
    return std::nullopt;
  }
  if (!parsed) {
    diagnostics.error(
        value.at, fmt::format("\"{}\" is no host name: {}", value.string, parsed.error().message));
    return std::nullopt;
  }
  return pattern;
}

}  // namespace skep::config
