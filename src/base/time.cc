#include "base/time.h"

#include <ctime>

namespace skep {
namespace {

int64_t read_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

int64_t monotonic_ns() {
  return read_ns(CLOCK_MONOTONIC);
}
double wall_clock_ms() {
  const int64_t whole_ms = read_ns(CLOCK_REALTIME) / 1'000'000;
  return static_cast<double>(whole_ms);
}
int64_t thread_cpu_ns() {
  return read_ns(CLOCK_THREAD_CPUTIME_ID);
}
int64_t process_cpu_ns() {
  return read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

}  // namespace skep
