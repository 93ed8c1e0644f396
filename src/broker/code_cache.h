// What shards derived from modules (V8's code caches, TypeScript turned into JavaScript), for their
// siblings and for later starts: in memory up to a bound, and in a folder up to another. Owned by
// the broker. An entry may vanish at any time; what is read from the folder is checked before it is
// used.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broker/digest.h"

namespace skep::broker {

enum class CacheKind : uint8_t { v8_code_cache = 0, transformed = 1 };

class CodeCache {
 public:
  // folder: made when first needed; "": memory only. build: names the program and its flags; what
  // another build wrote is not found.
  CodeCache(std::string folder, std::string_view build);

  // Of the module whose content has this digest. Null where there is none.
  std::shared_ptr<const std::string> get(CacheKind kind, const Digest& content);
  // Replaces what was there. Over limits::kCodeCacheEntryBytes: ignored.
  void put(CacheKind kind, const Digest& content, std::string_view data);

  size_t memory_bytes() const { return memory_bytes_; }

 private:
  using Key = Digest;
  struct Entry {
    Key key;
    std::shared_ptr<const std::string> data;
  };

  Key key_of(CacheKind kind, const Digest& content) const;
  std::string path_of(const Key& key) const;
  void remember(const Key& key, std::shared_ptr<const std::string> data);
  std::shared_ptr<const std::string> read_file(const Key& key) const;
  void write_file(const Key& key, std::string_view data);
  void make_room(uint64_t bytes);

  std::string folder_;
  std::string build_;
  std::list<Entry> entries_;  // the last used first
  std::map<Key, std::list<Entry>::iterator> index_;
  size_t memory_bytes_ = 0;
  std::optional<uint64_t> disk_bytes_;  // known after the folder was looked at
  bool folder_failed_ = false;
};

}  // namespace skep::broker
