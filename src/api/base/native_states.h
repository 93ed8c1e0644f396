// Native objects that belong to a JavaScript object: a compressor, a cipher. They end when the
// collector takes their holder, when they are dropped, or with the isolate. JavaScript knows them
// by an integer that user code never sees. One table a Runtime; on the loop's thread.
#pragma once

#include <v8-external-memory-accounter.h>
#include <v8.h>

#include <cstdint>
#include <memory>
#include <unordered_map>

namespace skep::api {

class NativeState {
 public:
  // kind: the address of the class's `static constexpr char kKind`, by which it is known.
  explicit NativeState(const char* kind) : kind_(kind) {}
  virtual ~NativeState() = default;
  NativeState(const NativeState&) = delete;
  NativeState& operator=(const NativeState&) = delete;
  const char* kind() const { return kind_; }

 private:
  const char* const kind_;
};

class NativeStates {
 public:
  ~NativeStates() { clear(); }

  // Lives as long as `holder`. memory_bytes: what it holds outside of V8's heap. 0, with a
  // RangeError pending, when there are too many.
  uint32_t add(v8::Isolate* isolate, v8::Local<v8::Object> holder,
               std::unique_ptr<NativeState> state, size_t memory_bytes);
  // Null where it is gone, or is none of that class.
  template <typename T>
  T* find(v8::Local<v8::Value> id) const {
    NativeState* found = find_any(id);
    return found && found->kind() == &T::kKind ? static_cast<T*>(found) : nullptr;
  }
  void drop(v8::Local<v8::Value> id);
  // Before the isolate goes.
  void clear();

 private:
  struct Entry {
    NativeStates* states;
    v8::Isolate* isolate;
    uint32_t id;
    size_t memory_bytes;
    v8::ExternalMemoryAccounter accounter;
    std::unique_ptr<NativeState> state;
    v8::Global<v8::Object> holder;  // weak
    bool collected = false;         // V8's second call is to come
  };
  NativeState* find_any(v8::Local<v8::Value> id) const;
  void erase(uint32_t id);
  void sweep();
  static void holder_gone(const v8::WeakCallbackInfo<Entry>& info);

  std::unordered_map<uint32_t, std::unique_ptr<Entry>> entries_;
  uint32_t last_id_ = 0;
  size_t held_bytes_ = 0;
};

}  // namespace skep::api
