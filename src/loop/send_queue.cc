#include "loop/send_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"

namespace skep::loop {

void SendQueue::copy(std::string_view data) {
  bytes_ += data.size();
  while (!data.empty()) {
    size_t used = limits::kSendBlockBytes;
    if (first_ < pieces_.size() && pieces_.back().block != nullptr)
      used = static_cast<size_t>(pieces_.back().data + pieces_.back().size - pieces_.back().block);
    if (used == limits::kSendBlockBytes) {
      char* block = blocks_.take();
      pieces_.push_back({block, 0, block, nullptr});
      used = 0;
    }
    Piece& last = pieces_.back();
    const size_t now = std::min(data.size(), limits::kSendBlockBytes - used);
    std::memcpy(last.block + used, data.data(), now);
    last.size += now;
    data.remove_prefix(now);
  }
}

void SendQueue::own(std::span<const char> data, std::shared_ptr<void> owner) {
  if (data.empty()) return;
  bytes_ += data.size();
  pieces_.push_back({data.data(), data.size(), nullptr, std::move(owner)});
}

size_t SendQueue::pieces(std::span<iovec> out) const {
  size_t count = 0;
  for (size_t i = first_; i < pieces_.size() && count < out.size(); ++i)
    out[count++] = {const_cast<char*>(pieces_[i].data), pieces_[i].size};
  return count;
}

void SendQueue::consume(size_t bytes) {
  SKEP_ASSERT(bytes <= bytes_);
  bytes_ -= bytes;
  while (bytes > 0) {
    Piece& piece = pieces_[first_];
    if (bytes < piece.size) {
      piece.data += bytes;
      piece.size -= bytes;
      return;
    }
    bytes -= piece.size;
    ++first_;
    if (first_ == pieces_.size()) {
      Piece last = std::move(piece);
      pieces_.clear();
      first_ = 0;
      release(last);
      return;
    }
    release(piece);
  }
  // A queue that never runs empty must not grow at its front.
  if (first_ >= 64 && first_ * 2 >= pieces_.size()) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<ptrdiff_t>(first_));
    first_ = 0;
  }
}

void SendQueue::clear() {
  std::vector<Piece> pieces = std::exchange(pieces_, {});
  const size_t first = std::exchange(first_, 0);
  bytes_ = 0;
  for (size_t i = first; i < pieces.size(); ++i) release(pieces[i]);
}

void SendQueue::release(Piece& piece) {
  if (piece.block != nullptr) blocks_.give(std::exchange(piece.block, nullptr));
  piece.owner.reset();
}

}  // namespace skep::loop
