// Bytes of one socket on their way out, in order: copied ones in blocks of the loop, others where
// their owner keeps them. The kernel reads a piece while it is in flight, so pieces leave only when
// taken.
#pragma once

#include <sys/uio.h>

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "loop/loop_impl.h"

namespace skep::loop {

class SendQueue {
 public:
  explicit SendQueue(SendBlocks& blocks) : blocks_(blocks) {}
  ~SendQueue() { clear(); }
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;

  // Behind a piece in flight too: the kernel was told how far to read.
  void copy(std::string_view data);
  void own(std::span<const char> data, std::shared_ptr<void> owner);
  // Fills `out` with the first pieces; returns how many.
  size_t pieces(std::span<iovec> out) const;
  // The kernel took this many bytes.
  void consume(size_t bytes);
  void clear();

  size_t bytes() const { return bytes_; }
  bool empty() const { return bytes_ == 0; }

 private:
  struct Piece {
    const char* data;
    size_t size;
    char* block;  // null: the owner's bytes
    std::shared_ptr<void> owner;
  };
  void release(Piece& piece);

  SendBlocks& blocks_;
  // A vector with a moving start: it keeps its memory, so steady traffic allocates nothing.
  std::vector<Piece> pieces_;
  size_t first_ = 0;
  size_t bytes_ = 0;
};

}  // namespace skep::loop
