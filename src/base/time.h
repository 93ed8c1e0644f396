// Clocks. Everything inside the program counts nanoseconds or milliseconds as plain integers; the
// name of each variable ends in its unit.
#pragma once

#include <cstdint>

namespace skep {

// CLOCK_MONOTONIC, through the vDSO: about 20 ns a call.
int64_t monotonic_ns();
// CLOCK_REALTIME in milliseconds since the epoch.
double wall_clock_ms();
// CPU time of the calling thread: a system call, 200 ns or more; not for the request path.
int64_t thread_cpu_ns();
// CPU time of the whole process.
int64_t process_cpu_ns();

}  // namespace skep
