// The counters of a KV namespace: one page of memory that the broker writes and shards only read.
// Every key belongs to one of the counters; a write of the key moves it before the write is
// acknowledged. What a shard remembers of a key is good while the counter has not moved.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/limits_kv.h"

namespace skep::bindings {

using KvCounter = std::atomic<uint64_t>;
static_assert(KvCounter::is_always_lock_free && sizeof(KvCounter) == 8);
inline constexpr size_t kKvGenerationBytes = limits::kKvGenerationSlots * sizeof(KvCounter);

// FNV-1a. A tenant who makes keys of one slot makes its own reads slower, and nobody else's.
inline size_t kv_slot(std::string_view key) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return (hash ^ hash >> 32) % limits::kKvGenerationSlots;
}

}  // namespace skep::bindings
