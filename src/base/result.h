// Operating errors: what can go wrong without a bug. A function that may fail returns Result<T>;
// its caller handles the error or passes it on with SKEP_TRY. An outcome that callers must branch
// on is a closed enum of the module instead, never a message to be matched.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace skep {

struct Error {
  // A whole sentence for the person who reads the log: what failed, on what, and why.
  std::string message;
  // errno of the system call behind it, 0 where there was none.
  int code = 0;
};

template <typename T = void>
using Result = std::expected<T, Error>;

// Error from a message alone.
std::unexpected<Error> fail(std::string message);
// "MESSAGE: strerror(code)"; code is a positive errno.
std::unexpected<Error> fail_errno(std::string_view message, int code);
// Puts context in front: "CONTEXT: MESSAGE".
std::unexpected<Error> wrap(std::string_view context, Error error);

}  // namespace skep

#define SKEP_CONCAT_INNER(a, b) a##b
#define SKEP_CONCAT(a, b) SKEP_CONCAT_INNER(a, b)

// SKEP_TRY(expr): returns the error of expr (a Result<void>) from this function.
#define SKEP_TRY(expr)                                            \
  do {                                                            \
    auto skep_try_result = (expr);                                \
    if (!skep_try_result) [[unlikely]]                            \
      return std::unexpected(std::move(skep_try_result).error()); \
  } while (0)

// SKEP_TRY_ASSIGN(auto x, expr): declares x from the value of expr, or returns its error.
#define SKEP_TRY_ASSIGN(declaration, expr)                                       \
  auto SKEP_CONCAT(skep_try_, __LINE__) = (expr);                                \
  if (!SKEP_CONCAT(skep_try_, __LINE__)) [[unlikely]]                            \
    return std::unexpected(std::move(SKEP_CONCAT(skep_try_, __LINE__)).error()); \
  declaration = std::move(*SKEP_CONCAT(skep_try_, __LINE__))
