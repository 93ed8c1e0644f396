#include "isolate/groups.h"

#include <algorithm>

#include "base/limits.h"

namespace skep::isolate {

Result<Group*> Groups::choose(bool idle) {
  Group* best = nullptr;      // the fullest below the target: few groups cost least
  Group* possible = nullptr;  // the emptiest of all
  for (const auto& group : groups_) {
    if (group->heap_bytes >= limits::kGroupHeapBytes) continue;
    if (group->isolates >= limits::kIsolatesPerGroup) continue;
    if (group->isolates < isolates_per_group_ && (!best || group->isolates > best->isolates)) {
      best = group.get();
    }
    if (!possible || group->isolates < possible->isolates) possible = group.get();
  }
  if (best) return best;
  if (possible && !idle) return possible;
  if (!closed_ && groups_.size() < limits::kIsolateGroups) {
    groups_.push_back(std::make_unique<Group>(v8::IsolateGroup::Create()));
    return groups_.back().get();
  }
  if (possible) return possible;
  return fail("no room for another isolate: all isolate groups are full");
}

bool Groups::has_room() const {
  return std::any_of(groups_.begin(), groups_.end(), [this](const auto& group) {
    return group->isolates > 0 && group->isolates < isolates_per_group_ &&
           group->heap_bytes < limits::kGroupHeapBytes;
  });
}

void Groups::drop(Group& group) {
  closed_ = true;
  std::erase_if(groups_, [&group](const auto& other) { return other.get() == &group; });
}

size_t Groups::fullest_heap_bytes() const {
  size_t fullest = 0;
  for (const auto& group : groups_) fullest = std::max(fullest, group->heap_bytes);
  return fullest;
}

}  // namespace skep::isolate
