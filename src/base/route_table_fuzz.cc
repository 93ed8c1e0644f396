// A pattern, a host and a path, on a line each: parsing survives anything, and the table agrees
// with the plain meaning of the pattern.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "base/route_table.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto take_line = [&] {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    return line;
  };
  const std::string_view pattern = take_line(), host = take_line(), path = take_line();
  const auto parsed = skep::parse_route_pattern(pattern);
  skep::RouteTable table;
  SKEP_ASSERT(table.add(pattern, 7).has_value() == parsed.has_value());
  const auto found = table.match(host, path);
  if (!parsed || host.size() > 254) return 0;
  SKEP_ASSERT(found.has_value() == skep::route_pattern_matches(*parsed, host, path));
  return 0;
}
