// What to do about a bug: stop. SKEP_ASSERT stays on in every build. A shard that aborts is
// replaced by the broker; going on with a broken invariant beside hostile code is worse than a
// restart.
#pragma once

namespace skep {

// Prints the place and the condition to stderr and aborts. Never returns.
[[noreturn]] void assert_failed(const char* file, int line, const char* condition);

}  // namespace skep

#define SKEP_ASSERT(condition)                               \
  do {                                                       \
    if (!(condition)) [[unlikely]]                           \
      ::skep::assert_failed(__FILE__, __LINE__, #condition); \
  } while (0)
