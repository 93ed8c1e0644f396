// The page of counters of one namespace (generations.h) as the broker has it: the only one who may
// write. The counters are moved on the store's thread, right after a commit.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "bindings/kv/generations.h"

namespace skep::bindings {

class KvGenerationPage {
 public:
  static Result<KvGenerationPage> create();
  KvGenerationPage(KvGenerationPage&& other) noexcept;
  KvGenerationPage& operator=(KvGenerationPage&&) = delete;
  ~KvGenerationPage();

  uint64_t value(size_t slot) const { return counters_[slot].load(std::memory_order_acquire); }
  void move(size_t slot) { counters_[slot].fetch_add(1, std::memory_order_release); }
  // Can be mapped for reading only: sealed against everything else.
  int fd() const { return fd_.get(); }

 private:
  KvGenerationPage(UniqueFd fd, KvCounter* counters) : fd_(std::move(fd)), counters_(counters) {}
  UniqueFd fd_;
  KvCounter* counters_;
};

}  // namespace skep::bindings
