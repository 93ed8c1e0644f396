#include "base/result.h"

#include <fmt/format.h>

#include <cstring>

namespace skep {

std::unexpected<Error> fail(std::string message) {
  return std::unexpected(Error{std::move(message), 0});
}

std::unexpected<Error> fail_errno(std::string_view message, int code) {
  return std::unexpected(Error{fmt::format("{}: {}", message, std::strerror(code)), code});
}

std::unexpected<Error> wrap(std::string_view context, Error error) {
  return std::unexpected(Error{fmt::format("{}: {}", context, error.message), error.code});
}

}  // namespace skep
