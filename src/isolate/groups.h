// V8's isolate groups: each has a pointer cage (4 GB), a sandbox (1 TB) and a hash seed of its own.
// None of the tenants lives in the default group; groups are refilled and never destroyed; at most
// limits::kIsolateGroups of them, because a process has no address space for more full sandboxes.
// Owned by the Arena.
#pragma once

#include <v8.h>

#include <memory>
#include <vector>

#include "base/result.h"

namespace skep::isolate {

class Group {
 public:
  explicit Group(v8::IsolateGroup handle)
      : handle(std::move(handle)),
        buffers(v8::ArrayBuffer::Allocator::NewDefaultAllocator(this->handle)) {}

  const v8::IsolateGroup handle;
  const std::shared_ptr<v8::ArrayBuffer::Allocator>
      buffers;  // takes memory from the group's sandbox
  unsigned isolates = 0;
  size_t heap_bytes = 0;  // of its isolates' heaps, as last known
  bool proven = false;    // its sandbox was found whole
};

class Groups {
 public:
  explicit Groups(unsigned isolates_per_group) : isolates_per_group_(isolates_per_group) {}

  // The group for one more isolate. The first isolate of an empty group takes 5 ms longer (it makes
  // the hash secret): a new group is opened when the others have reached the target and nobody
  // waits (`idle`), or when they are full.
  // Errors: all groups are full of isolates or of heap.
  Result<Group*> choose(bool idle);
  // A group that has isolates is below the target: a burst finds room and needs no secret made.
  bool has_room() const;
  // The sandbox of a new group was not reserved in full: the group is not used.
  void drop(Group& group);

  size_t size() const { return groups_.size(); }
  size_t fullest_heap_bytes() const;

 private:
  const unsigned isolates_per_group_;
  std::vector<std::unique_ptr<Group>> groups_;
  bool closed_ = false;  // no further group can be had
};

}  // namespace skep::isolate
