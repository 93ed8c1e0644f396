#include "loop/timer_heap.h"

#include <algorithm>

namespace skep::loop {
namespace {
constexpr size_t kChildren = 4;
}

void TimerHeap::push(int64_t key_ns, Timer* timer) {
  entries_.push_back({key_ns, timer});
  sift_up(entries_.size() - 1, {key_ns, timer});
}

void TimerHeap::remove(size_t index) {
  note(entries_[index].timer, kNowhere);
  const Entry last = entries_.back();
  entries_.pop_back();
  if (index == entries_.size()) return;
  set(index, last);
  change(index, last.key_ns);
}

void TimerHeap::change(size_t index, int64_t key_ns) {
  const Entry entry{key_ns, entries_[index].timer};
  if (index > 0 && key_ns < entries_[(index - 1) / kChildren].key_ns)
    sift_up(index, entry);
  else
    sift_down(index, entry);
}

void TimerHeap::sift_up(size_t index, Entry entry) {
  while (index > 0) {
    const size_t parent = (index - 1) / kChildren;
    if (entries_[parent].key_ns <= entry.key_ns) break;
    set(index, entries_[parent]);
    index = parent;
  }
  set(index, entry);
}

void TimerHeap::sift_down(size_t index, Entry entry) {
  for (;;) {
    const size_t first = index * kChildren + 1;
    if (first >= entries_.size()) break;
    const size_t end = std::min(first + kChildren, entries_.size());
    size_t least = first;
    for (size_t child = first + 1; child < end; ++child)
      if (entries_[child].key_ns < entries_[least].key_ns) least = child;
    if (entries_[least].key_ns >= entry.key_ns) break;
    set(index, entries_[least]);
    index = least;
  }
  set(index, entry);
}

}  // namespace skep::loop
