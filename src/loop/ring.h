// The io_uring behind a Loop: set-up with the flags we rely on, checks of the kernel, provided
// buffers and restrictions. Used by loop.cc alone. All registrations happen in here and before
// restrict_and_enable_ring(); afterwards the ring needs nothing but io_uring_enter.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace skep::loop {

struct LoopOptions;

// Errors name what the kernel lacks (needed: Linux 6.1) or forbids.
Result<> set_up_ring(io_uring& ring, const LoopOptions& options);
// The error that a failed io_uring_setup stands for; split off so that a test can read the words.
Error explain_setup_error(int code, const std::string& kernel_release);
// The operations that a restricted ring takes: what a shard needs on descriptors it was given, and
// nothing that opens, connects, binds or runs.
std::span<const uint8_t> restricted_operations();
// Called by the thread that will run the loop. Nothing can be registered after it.
Result<> restrict_and_enable_ring(io_uring& ring);
// Gives memory and descriptor back; on a restricted ring without a system call that it forbids.
void close_ring(io_uring& ring, bool restricted);

// The buffers that the kernel picks from when bytes arrive. Few are used at first, so that the same
// memory stays warm in the cache; ENOBUFS adds more, up to the whole.
class RecvBuffers {
 public:
  static constexpr uint16_t kGroup = 0;

  static Result<std::unique_ptr<RecvBuffers>> create(io_uring& ring, unsigned count,
                                                     unsigned bytes);
  ~RecvBuffers();
  RecvBuffers(const RecvBuffers&) = delete;
  RecvBuffers& operator=(const RecvBuffers&) = delete;

  std::span<char> at(uint16_t id) { return {memory_ + size_t{id} * bytes_, bytes_}; }
  void release(uint16_t id) {
    io_uring_buf_ring_add(ring_, memory_ + size_t{id} * bytes_, bytes_, id, mask_, 0);
    io_uring_buf_ring_advance(ring_, 1);
  }
  // Doubles the buffers in use, where there are more.
  void grow();
  unsigned in_use() const { return in_use_; }

 private:
  RecvBuffers(unsigned count, unsigned bytes);
  size_t memory_bytes() const { return size_t{count_} * bytes_; }
  size_t ring_bytes() const { return size_t{count_} * sizeof(io_uring_buf); }
  void add_until(unsigned in_use);

  unsigned count_;
  unsigned bytes_;
  int mask_;
  unsigned in_use_ = 0;
  char* memory_ = nullptr;
  io_uring_buf_ring* ring_ = nullptr;
};

}  // namespace skep::loop
