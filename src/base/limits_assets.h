// Bounds of static assets.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skep::limits {

inline constexpr size_t kAssetFiles = 100'000;                 // of one worker
inline constexpr uint64_t kAssetFileBytes = 25 * 1024 * 1024;  // one file
inline constexpr size_t kAssetPathBytes = 1024;                // of a file, within the directory
inline constexpr size_t kAssetFolders = 20'000;
inline constexpr size_t kAssetDepth = 64;  // folders in folders
inline constexpr size_t kAssetManifestBytes = kAssetFiles * 128;
inline constexpr size_t kAssetRuleFileBytes =
    4 * 1024 * 1024;  // _headers, _redirects, .assetsignore
inline constexpr size_t kAssetRuleLineBytes = 2'000;
inline constexpr size_t kAssetHeaderRules = 100;
inline constexpr size_t kAssetHeadersPerRule = 100;
inline constexpr size_t kAssetStaticRedirects = 2'000;
inline constexpr size_t kAssetDynamicRedirects = 100;
inline constexpr size_t kAssetIgnoreRules = 1'000;
inline constexpr size_t kAssetWorkerFirstRules = 100;
inline constexpr size_t kAssetWorkerFirstRuleBytes = 100;

// What a shard keeps of assets, of all its workers: with the bodies where those are small.
inline constexpr size_t kAssetSmallBytes = 64 * 1024;
inline constexpr size_t kAssetsKept = 2'048;
inline constexpr size_t kAssetBytesKept = 32 * 1024 * 1024;
inline constexpr size_t kAssetChunkBytes = 128 * 1024;  // of a large file, at a time
// What a shard may hold open at the broker.
inline constexpr size_t kAssetFilesHeld = 4'096;
inline constexpr size_t kAssetWaiters = 4'096;  // requests that wait for the broker's answer

}  // namespace skep::limits
