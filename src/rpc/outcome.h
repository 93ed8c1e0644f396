// The border between Cap'n Proto, which throws, and the house, which returns Result: promises
// become callbacks with a Result, and errors become failed calls.
#pragma once

#include <kj/async.h>
#include <kj/exception.h>

#include <functional>
#include <type_traits>
#include <utility>

#include "base/result.h"

namespace skep::rpc {

// The text of an exception as its thrower wrote it: without file names, line numbers and the marks
// that say it came from the other side.
Error error_of(const kj::Exception& exception);

// Fails the call being served: the peer's error_of() gives the message back.
[[noreturn]] void throw_error(const Error& error);

// The value, or throw_error of the error: the way out of a method that serves a call.
template <typename T>
T or_throw(Result<T>&& result) {
  if (!result) throw_error(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// Calls `done` once with what the promise gives. Drop what is returned and it is never called.
template <typename T, typename Done>
[[nodiscard]] kj::Promise<void> when_done(kj::Promise<T>&& promise, Done done) {
  if constexpr (std::is_void_v<T>) {
    return promise
        .then([done]() mutable { done(Result<>()); },
              [done](kj::Exception&& e) mutable { done(Result<>(std::unexpected(error_of(e)))); })
        .eagerlyEvaluate(nullptr);
  } else {
    return promise
        .then([done](T&& value) mutable { done(Result<T>(std::move(value))); },
              [done](kj::Exception&& e) mutable { done(Result<T>(std::unexpected(error_of(e)))); })
        .eagerlyEvaluate(nullptr);
  }
}

// Runs `function` and turns what it throws into an error.
template <typename Function>
auto caught(Function function) -> Result<decltype(function())> {
  using T = decltype(function());
  Result<T> result = std::unexpected(Error{});
  auto exception = kj::runCatchingExceptions([&] {
    if constexpr (std::is_void_v<T>) {
      function();
      result = Result<>();
    } else {
      result = function();
    }
  });
  KJ_IF_MAYBE (e, exception) result = std::unexpected(error_of(*e));
  return result;
}

}  // namespace skep::rpc
