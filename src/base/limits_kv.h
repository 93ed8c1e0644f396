// Bounds of KV (src/bindings/kv). Those that a Worker sees are the contract of the hosted service.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skep::limits {

inline constexpr size_t kKvKeyBytes = 512;
inline constexpr size_t kKvValueBytes = 25ull << 20;
inline constexpr size_t kKvMetadataBytes = 1024;
inline constexpr size_t kKvKeysPerList = 1000;
inline constexpr size_t kKvKeysPerGet = 100;
inline constexpr size_t kKvBulkBytes = 25ull << 20;
inline constexpr int64_t kKvLeastTtlS = 60;
inline constexpr int64_t kKvLeastCacheTtlS = 30;

inline constexpr size_t kKvInlineBytes = 64 * 1024;    // larger values are files
inline constexpr size_t kKvCachedBytes = 32ull << 20;  // values that a shard remembers
inline constexpr size_t kKvGenerationSlots = 4096;     // counters of a namespace
inline constexpr size_t kKvBlobsHeld = 256;            // files that one shard may hold open here
inline constexpr size_t kKvSinksHeld = 256;            // large values that one shard is writing
inline constexpr size_t kKvWritesWaiting = 20'000;     // of one shard, for the disk
inline constexpr size_t kKvWriteBytesWaiting = 64ull << 20;
inline constexpr size_t kKvScannedPerList = 10'000;  // entries looked at for one page
inline constexpr size_t kKvExpiredPerCommit = 1'000;
inline constexpr int64_t kKvSweepMs = 1'000;
inline constexpr int64_t kKvSweepIdleMs = 30'000;

}  // namespace skep::limits
