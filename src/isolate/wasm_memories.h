// The Wasm memories of one isolate. V8 counts them neither in its heap nor through the buffer
// allocator, and has no hook for them; so the constructors that make them are wrapped: each memory
// is known here, weakly, and what it holds is added up when it is made and at every look of the
// watchdog (memory.grow cannot be caught). A memory that its module does not export cannot be
// looked at: it is charged what it may grow to. Owned by the Tenant.
#pragma once

#include <v8.h>

#include <string_view>
#include <vector>

#include "isolate/wasm_scan.h"

namespace skep::isolate {

class WasmMemories {
 public:
  explicit WasmMemories(size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // Replaces WebAssembly.Memory, Instance and instantiate in a fresh context.
  static void wrap(v8::Local<v8::Context> context);

  // As `new WebAssembly.Instance` of a fresh context, whatever the worker has made of that.
  static v8::MaybeLocal<v8::Object> instance_of(v8::Local<v8::Context> context,
                                                v8::Local<v8::Value> module,
                                                v8::Local<v8::Value> imports);

  // What they hold together. The isolate is entered.
  size_t total_bytes(v8::Isolate* isolate);
  bool empty() const { return known_.empty(); }
  // Before the isolate goes.
  void clear() { known_.clear(); }

 private:
  struct Known {
    v8::Global<v8::Object> object;  // the memory, or the instance that has it; weak
    size_t charged_bytes;           // of a memory inside an instance; 0: look at the memory
  };

  static WasmMemories& from(v8::Isolate* isolate);
  static void construct_memory(const v8::FunctionCallbackInfo<v8::Value>& info);
  static void construct_instance(const v8::FunctionCallbackInfo<v8::Value>& info);
  static void instantiate(const v8::FunctionCallbackInfo<v8::Value>& info);
  static v8::MaybeLocal<v8::Object> make_instance(v8::Local<v8::Context> context,
                                                  v8::Local<v8::Value> original,
                                                  v8::Local<v8::Value> module,
                                                  v8::Local<v8::Value> imports);

  // Room for `count` memories of so many bytes together; collects garbage before it says no. False:
  // a RangeError is pending.
  bool admit(v8::Isolate* isolate, size_t count, size_t bytes);
  bool has_room(v8::Isolate* isolate, size_t count, size_t bytes);
  void track(v8::Isolate* isolate, v8::Local<v8::Object> object, size_t charged_bytes);

  const size_t limit_bytes_;
  std::vector<Known> known_;
};

}  // namespace skep::isolate
