// What one shard may hold of the broker through its bindings, all of them together. Made with the
// shard's connection; its capabilities share it.
#pragma once

#include <cstddef>

namespace skep::bindings {

struct ShardShare {
  size_t blobs = 0;        // files of values, open
  size_t sinks = 0;        // values being written
  size_t writes = 0;       // waiting for the disk
  size_t write_bytes = 0;  // of them
  size_t asset_files = 0;  // open
};

// Counts one more as long as it lives.
class Held {
 public:
  explicit Held(size_t& count) : count_(&count) { ++count; }
  Held(Held&& other) noexcept : count_(other.count_) { other.count_ = nullptr; }
  Held& operator=(Held&&) = delete;
  ~Held() {
    if (count_ != nullptr) --*count_;
  }

 private:
  size_t* count_;
};

}  // namespace skep::bindings
