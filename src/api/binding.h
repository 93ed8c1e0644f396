// A member of a worker's env that is more than a value: what native code has behind it. The object
// that JavaScript sees is made by a part, when the member is first read: its export
// make_binding(index, name), where `index` is the binding's place in WorkerOptions::bindings. Made
// by the shard's half of the binding (src/bindings); shared by the isolates of a version.
#pragma once

#include <v8.h>

#include <memory>
#include <string>
#include <string_view>

namespace skep::api {

class Binding {
 public:
  virtual ~Binding() = default;
  // The part that makes the object: "kv/kv".
  virtual std::string_view part() const = 0;
  // The address of something that the class alone has: ops tell by it that an index is of theirs.
  virtual const void* kind() const = 0;
};

struct EnvBinding {
  std::string name;
  std::shared_ptr<Binding> binding;
};

// The binding of that index, which comes from JavaScript; null where there is none.
Binding* find_binding(v8::Isolate* isolate, v8::Local<v8::Value> index);

// The same of one class, which has a static member kKind. Null where it is another's.
template <typename T>
T* binding_at(v8::Isolate* isolate, v8::Local<v8::Value> index) {
  Binding* found = find_binding(isolate, index);
  return found != nullptr && found->kind() == &T::kKind ? static_cast<T*>(found) : nullptr;
}

}  // namespace skep::api
