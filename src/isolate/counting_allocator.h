// The array buffers of one isolate: taken from its group's allocator, counted, and refused above a
// limit (a RangeError in JavaScript). Kept alive by the isolate and by each of its backing stores.
#pragma once

#include <v8-array-buffer.h>

#include <atomic>
#include <memory>
#include <utility>

namespace skep::isolate {

class CountingAllocator final : public v8::ArrayBuffer::Allocator {
 public:
  CountingAllocator(std::shared_ptr<v8::ArrayBuffer::Allocator> group, size_t limit_bytes)
      : group_(std::move(group)), limit_bytes_(limit_bytes) {}

  void* Allocate(size_t length) override {
    if (!charge(length)) return nullptr;
    return checked(group_->Allocate(length), length);
  }
  void* AllocateUninitialized(size_t length) override {
    if (!charge(length)) return nullptr;
    return checked(group_->AllocateUninitialized(length), length);
  }
  void Free(void* data, size_t length) override {
    group_->Free(data, length);
    used_bytes_.fetch_sub(length, std::memory_order_relaxed);
  }
  size_t MaxAllocationSize() const override { return limit_bytes_; }
  v8::PageAllocator* GetPageAllocator() override { return group_->GetPageAllocator(); }

  // Whether an allocation was refused since the last call.
  bool take_refusal() { return refused_.exchange(false, std::memory_order_relaxed); }
  size_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }

 private:
  // V8 frees from its helper threads as well.
  bool charge(size_t length) {
    const size_t before = used_bytes_.fetch_add(length, std::memory_order_relaxed);
    if (length <= limit_bytes_ && before <= limit_bytes_ - length) return true;
    refuse(length);
    return false;
  }
  void* checked(void* data, size_t length) {
    if (data == nullptr) refuse(length);
    return data;
  }
  void refuse(size_t length) {
    used_bytes_.fetch_sub(length, std::memory_order_relaxed);
    refused_.store(true, std::memory_order_relaxed);
  }

  const std::shared_ptr<v8::ArrayBuffer::Allocator> group_;
  const size_t limit_bytes_;
  std::atomic<size_t> used_bytes_{0};
  std::atomic<bool> refused_{false};
};

}  // namespace skep::isolate
