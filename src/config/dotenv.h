// .dev.vars and .env files: NAME=value lines, as dotenv reads them.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "config/jsonc.h"

namespace skep::config {

struct DotenvEntry {
  std::string name;
  std::string value;
  Position at;
};

// Understands `export NAME=…`, comments (`#` at the start of a line or after white space), values
// in "double quotes" (escapes \n \r \t \" \\ and \$), 'single quotes' and `backticks` (both
// literal); quoted values may go over several lines. A name that stands twice: the later wins.
// Unlike dotenv, a line that is none of this is an error and not skipped.
std::expected<std::vector<DotenvEntry>, ParseError> parse_dotenv(std::string_view text);

}  // namespace skep::config
