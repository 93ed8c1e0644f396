// The members of env that are bindings: JavaScript makes the object of each when it is first read.
#include "api/base/ops.h"
#include "api/base/values.h"
#include "api/binding.h"
#include "api/runtime_impl.h"

namespace skep::api {
namespace {

// V8 makes what comes back the property's value.
void read_binding(v8::Local<v8::Name> name, const v8::PropertyCallbackInfo<v8::Value>& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  Binding* binding = find_binding(isolate, info.Data());
  if (binding == nullptr) return;
  v8::Local<v8::Value> load[] = {js_text(isolate, binding->part())};
  v8::Local<v8::Value> exports, make, made;
  if (!runtime_of(isolate)
           .hook(isolate, Hook::load_part)
           ->Call(context, v8::Undefined(isolate), 1, load)
           .ToLocal(&exports) ||
      !exports.As<v8::Object>()->Get(context, js_name(isolate, "make_binding")).ToLocal(&make)) {
    return;
  }
  v8::Local<v8::Value> argv[] = {info.Data(), name};
  if (make.As<v8::Function>()->Call(context, v8::Undefined(isolate), 2, argv).ToLocal(&made)) {
    info.GetReturnValue().Set(made);
  }
}

// env_binding(env, name, index): an ordinary data property to whoever looks at it.
void env_binding(const v8::FunctionCallbackInfo<v8::Value>& info) {
  info[0]
      .As<v8::Object>()
      ->SetLazyDataProperty(info.GetIsolate()->GetCurrentContext(), info[1].As<v8::Name>(),
                            read_binding, info[2])
      .Check();
}

}  // namespace

Binding* find_binding(v8::Isolate* isolate, v8::Local<v8::Value> index) {
  const auto& bindings = runtime_of(isolate).options.bindings;
  if (!index->IsUint32() || index.As<v8::Uint32>()->Value() >= bindings.size()) return nullptr;
  return bindings[index.As<v8::Uint32>()->Value()].binding.get();
}

std::span<const Op> env_binding_ops() {
  static constexpr Op ops[] = {{"env_binding", env_binding}};
  return ops;
}

}  // namespace skep::api
