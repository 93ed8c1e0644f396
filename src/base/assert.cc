#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace skep {

void assert_failed(const char* file, int line, const char* condition) {
  // fprintf to unbuffered stderr: no allocation of ours in a process that may be damaged.
  std::fprintf(stderr, "skep: bug: %s:%d: assertion failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace skep
