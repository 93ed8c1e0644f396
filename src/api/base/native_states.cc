#include "api/base/native_states.h"

#include <vector>

#include "api/base/values.h"
#include "base/limits_web_apis.h"

namespace skep::api {

uint32_t NativeStates::add(v8::Isolate* isolate, v8::Local<v8::Object> holder,
                           std::unique_ptr<NativeState> state, size_t memory_bytes) {
  const auto full = [&] {
    return entries_.size() >= limits::kNativeStates ||
           held_bytes_ + memory_bytes > limits::kNativeStateBytes;
  };
  if (full()) {
    // Those that nobody holds any more may just not have been collected yet.
    isolate->LowMemoryNotification();
    sweep();
    if (full()) {
      throw_range_error(isolate, "This worker holds too many native objects.");
      return 0;
    }
  }
  do {
    last_id_ = last_id_ % ((1u << 30) - 1) + 1;  // V8 keeps it as a small integer
  } while (entries_.contains(last_id_));
  auto entry = std::make_unique<Entry>();
  entry->states = this;
  entry->isolate = isolate;
  entry->id = last_id_;
  entry->memory_bytes = memory_bytes;
  entry->state = std::move(state);
  entry->holder.Reset(isolate, holder);
  entry->holder.SetWeak(entry.get(), holder_gone, v8::WeakCallbackType::kParameter);
  Entry& added = *entry;
  entries_[last_id_] = std::move(entry);
  added.accounter.Increase(isolate, memory_bytes);
  held_bytes_ += memory_bytes;
  return added.id;
}

NativeState* NativeStates::find_any(v8::Local<v8::Value> id) const {
  if (!id->IsUint32()) return nullptr;
  const auto found = entries_.find(id.As<v8::Uint32>()->Value());
  return found == entries_.end() ? nullptr : found->second->state.get();
}

void NativeStates::drop(v8::Local<v8::Value> id) {
  if (id->IsUint32()) erase(id.As<v8::Uint32>()->Value());
}

void NativeStates::erase(uint32_t id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  Entry& entry = *found->second;
  entry.accounter.Decrease(entry.isolate, entry.memory_bytes);
  held_bytes_ -= entry.memory_bytes;
  if (entry.collected) {
    // Nothing but holder_gone's second half refers to it now, and that deletes it.
    entry.state.reset();
    entry.states = nullptr;
    static_cast<void>(found->second.release());
  }
  entries_.erase(found);
}

// Ends those whose holders are gone, without waiting for V8's second call.
void NativeStates::sweep() {
  std::vector<uint32_t> gone;
  for (const auto& [id, entry] : entries_) {
    if (entry->collected) gone.push_back(id);
  }
  for (const uint32_t id : gone) erase(id);
}

void NativeStates::clear() {
  while (!entries_.empty()) erase(entries_.begin()->first);
}

// The first of V8's two calls may only let go of the handle; the second one comes some time after
// the collection.
void NativeStates::holder_gone(const v8::WeakCallbackInfo<Entry>& info) {
  info.GetParameter()->holder.Reset();
  info.GetParameter()->collected = true;
  info.SetSecondPassCallback([](const v8::WeakCallbackInfo<Entry>& second) {
    const std::unique_ptr<Entry> entry(second.GetParameter());
    if (entry->states) entry->states->erase(entry->id);
  });
}

}  // namespace skep::api
