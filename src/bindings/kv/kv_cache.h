// What a shard remembers of KV: values that were read, for all namespaces together, bounded in
// bytes, the least recently used going first. Whether one still holds is for its KvBinding to say.
// One a shard; the loop's thread.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace skep::bindings {

struct KvValue {
  bool missing = false;
  uint64_t expiration = 0;  // seconds since the epoch; 0: none
  std::string metadata;     // JSON; empty: none
  std::string bytes;
};

class KvCache {
 public:
  struct Node;
  using List = std::list<Node>;
  // Of one namespace. Destroying it forgets all that it had.
  class Space {
   public:
    explicit Space(KvCache& cache) : cache_(cache) {}
    ~Space();
    Space(const Space&) = delete;
    Space& operator=(const Space&) = delete;

    // Null: not there, or remembered with another generation.
    const KvValue* find(std::string_view key, uint64_t generation);
    void insert(std::string_view key, uint64_t generation, std::shared_ptr<const KvValue> value);

   private:
    friend class KvCache;
    KvCache& cache_;
    std::unordered_map<std::string_view, List::iterator> nodes_;  // keys lie in the nodes
  };
  struct Node {
    Space* space;
    std::string key;
    uint64_t generation;
    std::shared_ptr<const KvValue> value;
    size_t bytes;
  };

  size_t bytes() const { return bytes_; }

 private:
  void drop(List::iterator node);
  List used_;  // the last used first
  size_t bytes_ = 0;
};

}  // namespace skep::bindings
