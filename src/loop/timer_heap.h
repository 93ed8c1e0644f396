// The heap of a loop's timers: four children a node (fewer cache misses than two), each entry with
// its key beside the pointer. An entry's key may be earlier than its timer's due time: then it is
// put in its place only when it comes to the top. A connection that pushes its time-out forward at
// each request therefore touches the heap once in a whole time-out, not once a request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace skep::loop {

class Timer;

class TimerHeap {
 public:
  struct Entry {
    int64_t key_ns;
    Timer* timer;
  };
  static constexpr size_t kNowhere = SIZE_MAX;

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  const Entry& top() const { return entries_.front(); }
  int64_t key_ns(size_t index) const { return entries_[index].key_ns; }

  // `place` is the timer's own note of where it stands; the heap keeps it up to date through
  // TimerHeap::note, which loop.cc defines.
  void push(int64_t key_ns, Timer* timer);
  void remove(size_t index);
  void change(size_t index, int64_t key_ns);

 private:
  static void note(Timer* timer, size_t index);
  void set(size_t index, Entry entry) {
    entries_[index] = entry;
    note(entry.timer, index);
  }
  void sift_up(size_t index, Entry entry);
  void sift_down(size_t index, Entry entry);

  std::vector<Entry> entries_;
};

}  // namespace skep::loop
