// The list of a site's files as broker and shards share it: one sealed memory file, mapped by each
// shard, so that a hundred thousand files cost no shard any memory of its own. Paths are sorted by
// their bytes; a file is known by its place.
//
//   uint32 count · uint32 offset[count + 1] · the paths' bytes, "a/b.html", one after the other
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skep::bindings {

class AssetManifest {
 public:
  AssetManifest() = default;
  // `bytes` outlive this. nullopt: they are no manifest.
  static std::optional<AssetManifest> read(std::string_view bytes) {
    AssetManifest manifest;
    if (bytes.size() < sizeof(uint32_t)) return std::nullopt;
    std::memcpy(&manifest.count_, bytes.data(), sizeof(uint32_t));
    const uint64_t head = (uint64_t{manifest.count_} + 2) * sizeof(uint32_t);
    if (head > bytes.size()) return std::nullopt;
    manifest.offsets_ = bytes.data() + sizeof(uint32_t);
    manifest.paths_ = bytes.substr(head);
    uint32_t last = 0;
    for (uint32_t i = 0; i <= manifest.count_; i++) {
      if (manifest.offset(i) < last) return std::nullopt;
      last = manifest.offset(i);
    }
    if (last > manifest.paths_.size()) return std::nullopt;
    return manifest;
  }

  uint32_t size() const { return count_; }
  std::string_view path(uint32_t index) const {
    return paths_.substr(offset(index), offset(index + 1) - offset(index));
  }
  std::optional<uint32_t> find(std::string_view path_wanted) const {
    uint32_t low = 0, high = count_;
    while (low < high) {
      const uint32_t middle = low + (high - low) / 2;
      if (path(middle) < path_wanted)
        low = middle + 1;
      else
        high = middle;
    }
    if (low < count_ && path(low) == path_wanted) return low;
    return std::nullopt;
  }

 private:
  uint32_t offset(uint32_t index) const {
    uint32_t value;
    std::memcpy(&value, offsets_ + index * sizeof value, sizeof value);
    return value;
  }

  uint32_t count_ = 0;
  const char* offsets_ = nullptr;
  std::string_view paths_;
};

// `paths`: sorted, each once.
inline std::string write_manifest(const std::vector<std::string>& paths) {
  std::string out;
  const auto number = [&](size_t value) {
    const auto narrow = static_cast<uint32_t>(value);
    out.append(reinterpret_cast<const char*>(&narrow), sizeof narrow);
  };
  number(paths.size());
  size_t at = 0;
  for (const std::string& path : paths) {
    number(at);
    at += path.size();
  }
  number(at);
  for (const std::string& path : paths) out += path;
  return out;
}

}  // namespace skep::bindings
