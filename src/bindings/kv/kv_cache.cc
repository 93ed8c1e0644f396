#include "bindings/kv/kv_cache.h"

#include "base/limits_kv.h"

namespace skep::bindings {
namespace {

// A node, its list and its place in the map, roughly.
constexpr size_t kNodeBytes = 256;

}  // namespace

KvCache::Space::~Space() {
  while (!nodes_.empty()) cache_.drop(nodes_.begin()->second);
}

const KvValue* KvCache::Space::find(std::string_view key, uint64_t generation) {
  const auto found = nodes_.find(key);
  if (found == nodes_.end() || found->second->generation != generation) return nullptr;
  List& used = cache_.used_;
  if (used.begin() != found->second) used.splice(used.begin(), used, found->second);
  return found->second->value.get();
}

void KvCache::Space::insert(std::string_view key, uint64_t generation,
                            std::shared_ptr<const KvValue> value) {
  if (const auto old = nodes_.find(key); old != nodes_.end()) cache_.drop(old->second);
  const size_t bytes = kNodeBytes + key.size() + value->bytes.size() + value->metadata.size();
  cache_.used_.push_front({this, std::string(key), generation, std::move(value), bytes});
  const auto node = cache_.used_.begin();
  nodes_.emplace(node->key, node);
  cache_.bytes_ += bytes;
  while (cache_.bytes_ > limits::kKvCachedBytes) cache_.drop(std::prev(cache_.used_.end()));
}

void KvCache::drop(List::iterator node) {
  bytes_ -= node->bytes;
  node->space->nodes_.erase(node->key);
  used_.erase(node);
}

}  // namespace skep::bindings
