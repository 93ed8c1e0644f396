// Bounds of the storage that bindings share (src/storage).
#pragma once

#include <cstddef>
#include <cstdint>

namespace skep::limits {

inline constexpr size_t kStoreTables = 64;                   // named tables of the database
inline constexpr size_t kStoreFirstMapBytes = 256ull << 20;  // address space; doubles when full
inline constexpr size_t kStoreLastMapBytes = 16ull << 40;
inline constexpr size_t kStoreKeyBytes = 500;  // LMDB takes 511
// Writes that wait for their commit; more are refused.
inline constexpr size_t kStoreQueuedWrites = 50'000;
inline constexpr size_t kStoreQueuedBytes = 256ull << 20;
// Writes of one commit, and their bytes: a commit of more would keep the others waiting.
inline constexpr size_t kStoreCommitWrites = 4'096;
inline constexpr size_t kStoreCommitBytes = 16ull << 20;
// Blob files.
inline constexpr size_t kBlobChunkBytes = 1 << 20;       // written in one go
inline constexpr size_t kBlobQueuedBytes = 64ull << 20;  // waiting for the disk, of all writers
inline constexpr size_t kBlobsSweptAtOnce = 1'000;       // between two looks at the database

}  // namespace skep::limits
