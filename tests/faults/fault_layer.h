// A disk that fails, under the storage code and LMDB in it: the linker puts the functions of
// fault_layer.cc in place of the C library's (--wrap, see meson.build). By a seed it answers with
// ENOSPC, EIO and short writes, or cuts the power: what was written and not synced since is undone
// in part, sector by sector, names that were made and whose folder was not synced go, and the
// process ends. Of a test program; any thread.
#pragma once

#include <cstdint>

namespace skep::faults {

struct Plan {
  uint64_t seed = 0;
  uint64_t power_cut_after = 0;  // calls that change the disk; 0: never
  bool power_cut = true;         // false: the process is killed, and the kernel has all of it
  unsigned errors_per_mille = 0;
  bool lies = false;                       // a sync says that it is done, and is not
  uint64_t full_from = 0, full_until = 0;  // between those calls nothing more fits
};

// From now on, in this process.
void begin(const Plan& plan);
// No more faults; calls go on to be counted.
void end();
uint64_t calls();

inline constexpr int kPowerCutStatus = 77;

}  // namespace skep::faults
