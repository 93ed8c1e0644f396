// Bounds of how a shard shares its thread: between workers, between requests that wait, and between
// the shards themselves. See limits.h for the others.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skep::limits {

// --- turns of the workers of one shard (src/isolate) ---
inline constexpr int64_t kShortSliceNs = 1'000'000;  // slices up to this are no burden on others
inline constexpr int64_t kHeavyDebtNs = 8'000'000;   // time in longer ones; beyond it a worker's
                                                     // jobs take turns in the background
inline constexpr int64_t kHeavyDebtMostNs = 500'000'000;  // remembered at most
inline constexpr int64_t kDebtRepaidPercent = 10;         // of the time that passes
// After a slice in the background the others come first for so long as it took, times this; of
// their CPU time, or four times of the clock's.
inline constexpr int64_t kForegroundPercent = 150;
inline constexpr int64_t kQuietNs = 300'000;  // without a short job: nobody comes first

inline constexpr unsigned kEvictionsPerTurn = 4;  // of isolates in a group whose heap is too large

// --- requests that wait (src/isolate, src/shard) ---
// Jobs run as they come for so long in a turn of the loop; then tenants take turns.
inline constexpr int64_t kTurnInlineNs = 2'000'000;
// A worker that so many jobs wait for, the first of them for longer than this, gets no new
// requests: they are answered 503 until it has caught up.
inline constexpr size_t kShedJobs = 16;
inline constexpr int64_t kShedAfterNs = 400'000'000;
// They are answered after a moment: who asks again at once must not cost more than an answer would.
inline constexpr int64_t kShedAnswerMs = 50;

}  // namespace skep::limits
