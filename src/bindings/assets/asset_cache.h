// What a shard keeps of assets, of all its workers together: small files whole, of larger ones the
// descriptor. What was used longest ago goes first. One a shard; on the loop's thread.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/unique_fd.h"
#include "bindings/assets/reply.h"

namespace skep::bindings {

struct AssetFile {
  AssetFacts facts;
  bool small = false;
  std::string body;  // of a small one
  UniqueFd fd;       // of a large one
  // The body of a small one as it was compressed for clients; each empty until somebody wants it.
  mutable std::array<std::string, 4> encoded;  // by net::Coding
};

class AssetSpace;

class AssetCache {
 public:
  size_t bytes() const { return bytes_; }
  size_t size() const { return order_.size(); }

 private:
  friend class AssetSpace;
  struct Entry {
    AssetSpace* space;
    uint32_t index;
    std::shared_ptr<const AssetFile> file;
  };
  using Place = std::list<Entry>::iterator;
  void drop(Place place);

  std::list<Entry> order_;  // the one used last first
  size_t bytes_ = 0;
};

// The files of one site; they go with it.
class AssetSpace {
 public:
  explicit AssetSpace(AssetCache& cache) : cache_(cache) {}
  ~AssetSpace();
  AssetSpace(const AssetSpace&) = delete;
  AssetSpace& operator=(const AssetSpace&) = delete;

  // Null: not kept.
  const std::shared_ptr<const AssetFile>* find(uint32_t index);
  void insert(uint32_t index, std::shared_ptr<const AssetFile> file);

 private:
  friend class AssetCache;
  AssetCache& cache_;
  std::unordered_map<uint32_t, AssetCache::Place> places_;
};

}  // namespace skep::bindings
