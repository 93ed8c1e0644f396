// Bounds of cron triggers and of the secrets and rate limits of workers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skep::limits {

inline constexpr size_t kCronsPerWorker = 250;
inline constexpr int64_t kScheduledWallMs = 15 * 60 * 1000;  // of one run, what waits included
inline constexpr size_t kScheduledAtOnce = 64;  // runs on one shard; more wait at the broker
inline constexpr size_t kScheduledWaiting = 4'096;

inline constexpr size_t kSecretBytes = 64 * 1024;  // of the Secrets Store, one
inline constexpr size_t kSecretsFileBytes = 1024 * 1024;
inline constexpr size_t kSecretsPerStore = 10'000;

// Keys of one namespace that are counted apart in one period; more share counters.
inline constexpr size_t kRateLimitKeys = 100'000;
inline constexpr size_t kRateLimitShared = 4'096;  // those counters
inline constexpr size_t kRateLimitKeyBytes = 4'096;
inline constexpr size_t kRateLimitNamespaces = 4'096;

}  // namespace skep::limits
