#include "bindings/assets/asset_cache.h"

#include <iterator>

#include "base/limits_assets.h"

namespace skep::bindings {
namespace {

// With what a small one may take once it is compressed.
size_t cost(const AssetFile& file) {
  return 512 + 2 * file.body.size();
}

}  // namespace

void AssetCache::drop(Place place) {
  bytes_ -= cost(*place->file);
  place->space->places_.erase(place->index);
  order_.erase(place);
}

AssetSpace::~AssetSpace() {
  while (!places_.empty()) cache_.drop(places_.begin()->second);
}

const std::shared_ptr<const AssetFile>* AssetSpace::find(uint32_t index) {
  const auto found = places_.find(index);
  if (found == places_.end()) return nullptr;
  cache_.order_.splice(cache_.order_.begin(), cache_.order_, found->second);
  return &found->second->file;
}

void AssetSpace::insert(uint32_t index, std::shared_ptr<const AssetFile> file) {
  if (const auto old = places_.find(index); old != places_.end()) cache_.drop(old->second);
  cache_.bytes_ += cost(*file);
  cache_.order_.push_front({this, index, std::move(file)});
  places_[index] = cache_.order_.begin();
  while (cache_.size() > limits::kAssetsKept || cache_.bytes() > limits::kAssetBytesKept)
    cache_.drop(std::prev(cache_.order_.end()));
}

}  // namespace skep::bindings
