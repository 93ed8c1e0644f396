#include "isolate/wasm_memories.h"

#include <algorithm>

#include "base/assert.h"
#include "base/limits.h"
#include "isolate/tenant_impl.h"

namespace skep::isolate {
namespace {

constexpr size_t kPageBytes = 65536;
// Of a memory that can be neither seen nor is bounded by its module.
constexpr size_t kUnknownPages = 1024;

v8::Local<v8::String> name(v8::Isolate* isolate, std::string_view text) {
  return v8::String::NewFromUtf8(isolate, text.data(), v8::NewStringType::kInternalized,
                                 static_cast<int>(text.size()))
      .ToLocalChecked();
}

size_t hidden_bytes(const WasmMemory& memory) {
  const uint64_t pages = memory.most_pages > 0 ? memory.most_pages : kUnknownPages;
  return std::clamp<uint64_t>(pages, memory.least_pages, kUnknownPages) * kPageBytes;
}

WasmScan scan_module(v8::Local<v8::Value> module) {
  const v8::CompiledWasmModule compiled = module.As<v8::WasmModuleObject>()->GetCompiledModule();
  const auto bytes = const_cast<v8::CompiledWasmModule&>(compiled).GetWireBytesRef();
  return scan_wasm({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// Where a context keeps V8's own WebAssembly.Instance.
v8::Local<v8::Private> instance_key(v8::Isolate* isolate) {
  return v8::Private::ForApi(isolate, name(isolate, "skep wasm instance"));
}

// An object that a wrapped constructor made, for `new.target`: of a subclass, its prototype.
bool set_prototype(v8::Local<v8::Context> context, v8::Local<v8::Object> object,
                   v8::Local<v8::Value> new_target, v8::Local<v8::Value> original) {
  v8::Local<v8::Value> wanted, plain;
  v8::Local<v8::String> key = name(v8::Isolate::GetCurrent(), "prototype");
  if (!new_target.As<v8::Object>()->Get(context, key).ToLocal(&wanted)) return false;
  if (!original.As<v8::Object>()->Get(context, key).ToLocal(&plain)) return false;
  if (wanted == plain || !wanted->IsObject()) return true;
  return object->SetPrototype(context, wanted).FromMaybe(false);
}

// Puts `wrapper` where the constructor `member` of WebAssembly stood. Its instances stay what they
// were.
void replace_class(v8::Local<v8::Context> context, v8::Local<v8::Object> wasm, const char* member,
                   v8::FunctionCallback callback) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  v8::Local<v8::String> key = name(isolate, member);
  v8::Local<v8::Value> original = wasm->Get(context, key).ToLocalChecked();
  v8::Local<v8::Value> prototype =
      original.As<v8::Object>()->Get(context, name(isolate, "prototype")).ToLocalChecked();
  v8::Local<v8::FunctionTemplate> made = v8::FunctionTemplate::New(
      isolate, callback, original, v8::Local<v8::Signature>(), 1, v8::ConstructorBehavior::kAllow);
  made->SetClassName(key);
  v8::Local<v8::Function> wrapper = made->GetFunction(context).ToLocalChecked();
  SKEP_ASSERT(wrapper->Set(context, name(isolate, "prototype"), prototype).FromMaybe(false));
  SKEP_ASSERT(wasm->DefineOwnProperty(context, key, wrapper, v8::DontEnum).FromMaybe(false));
  SKEP_ASSERT(prototype.As<v8::Object>()
                  ->DefineOwnProperty(context, name(isolate, "constructor"), wrapper, v8::DontEnum)
                  .FromMaybe(false));
}

}  // namespace

WasmMemories& WasmMemories::from(v8::Isolate* isolate) {
  return Tenant::from(isolate)->impl().wasm_memories;
}

void WasmMemories::wrap(v8::Local<v8::Context> context) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  v8::Local<v8::Value> value;
  if (!context->Global()->Get(context, name(isolate, "WebAssembly")).ToLocal(&value)) return;
  if (!value->IsObject()) return;  // V8 runs without Wasm
  auto wasm = value.As<v8::Object>();
  v8::Local<v8::String> key = name(isolate, "instantiate");
  v8::Local<v8::Value> original[] = {
      wasm->Get(context, key).ToLocalChecked(),
      wasm->Get(context, name(isolate, "Instance")).ToLocalChecked()};
  SKEP_ASSERT(
      context->Global()->SetPrivate(context, instance_key(isolate), original[1]).FromMaybe(false));
  replace_class(context, wasm, "Memory", construct_memory);
  replace_class(context, wasm, "Instance", construct_instance);
  v8::Local<v8::Function> wrapper =
      v8::Function::New(context, instantiate,
                        v8::Array::New(isolate, original, std::size(original)), 1,
                        v8::ConstructorBehavior::kThrow)
          .ToLocalChecked();
  wrapper->SetName(key);
  SKEP_ASSERT(wasm->DefineOwnProperty(context, key, wrapper).FromMaybe(false));
}

v8::MaybeLocal<v8::Object> WasmMemories::instance_of(v8::Local<v8::Context> context,
                                                     v8::Local<v8::Value> module,
                                                     v8::Local<v8::Value> imports) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  v8::Local<v8::Value> original;
  if (!context->Global()->GetPrivate(context, instance_key(isolate)).ToLocal(&original)) return {};
  return make_instance(context, original, module, imports);
}

// --- accounting ---

size_t WasmMemories::total_bytes(v8::Isolate* isolate) {
  v8::HandleScope scope(isolate);
  // The buffer of a memory that has grown is made at the first look, and belongs to a context.
  v8::Context::Scope context_scope(Tenant::from(isolate)->context());
  std::erase_if(known_, [](const Known& known) { return known.object.IsEmpty(); });
  size_t total = 0;
  for (const Known& known : known_) {
    total += known.charged_bytes > 0
                 ? known.charged_bytes
                 : known.object.Get(isolate).As<v8::WasmMemoryObject>()->Buffer()->ByteLength();
  }
  return total;
}

bool WasmMemories::has_room(v8::Isolate* isolate, size_t count, size_t bytes) {
  const size_t held_bytes = total_bytes(isolate);
  return count <= limits::kWasmMemories - std::min<size_t>(known_.size(), limits::kWasmMemories) &&
         bytes <= limit_bytes_ - std::min(held_bytes, limit_bytes_);
}

bool WasmMemories::admit(v8::Isolate* isolate, size_t count, size_t bytes) {
  if (count == 0 || has_room(isolate, count, bytes)) return true;
  isolate->LowMemoryNotification();  // those that nobody holds any more
  if (has_room(isolate, count, bytes)) return true;
  isolate->ThrowException(v8::Exception::RangeError(name(
      isolate, "WebAssembly.Memory(): could not allocate memory: the isolate's limit is reached")));
  return false;
}

void WasmMemories::track(v8::Isolate* isolate, v8::Local<v8::Object> object, size_t charged_bytes) {
  known_.push_back({v8::Global<v8::Object>(isolate, object), charged_bytes});
  known_.back().object.SetWeak();
}

// --- the wrapped functions ---

void WasmMemories::construct_memory(const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  if (!info.IsConstructCall()) {
    isolate->ThrowException(v8::Exception::TypeError(
        name(isolate, "WebAssembly.Memory(): WebAssembly.Memory must be invoked with 'new'")));
    return;
  }
  WasmMemories& memories = from(isolate);
  if (!memories.admit(isolate, 1, 0)) return;
  v8::Local<v8::Value> argument = info[0];
  v8::Local<v8::Object> memory;
  if (!info.Data().As<v8::Function>()->NewInstance(context, 1, &argument).ToLocal(&memory)) return;
  v8::Local<v8::ArrayBuffer> buffer = memory.As<v8::WasmMemoryObject>()->Buffer();
  if (buffer.As<v8::Value>()->IsSharedArrayBuffer()) {
    isolate->ThrowException(v8::Exception::RangeError(
        name(isolate, "WebAssembly.Memory(): shared memory is not supported")));
    return;
  }
  if (!memories.admit(isolate, 1, buffer->ByteLength())) return;
  memories.track(isolate, memory, 0);
  if (!set_prototype(context, memory, info.NewTarget(), info.Data())) return;
  info.GetReturnValue().Set(memory);
}

v8::MaybeLocal<v8::Object> WasmMemories::make_instance(v8::Local<v8::Context> context,
                                                       v8::Local<v8::Value> original,
                                                       v8::Local<v8::Value> module,
                                                       v8::Local<v8::Value> imports) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  WasmMemories& memories = from(isolate);
  WasmScan scan;
  if (module->IsWasmModuleObject()) scan = scan_module(module);
  size_t bytes = 0;
  for (const WasmMemory& memory : scan.memories) {
    bytes += memory.export_name.empty() ? hidden_bytes(memory) : memory.least_pages * kPageBytes;
  }
  if (!memories.admit(isolate, scan.memories.size(), bytes)) return {};
  v8::Local<v8::Value> arguments[] = {module, imports};
  v8::Local<v8::Object> instance;
  if (!original.As<v8::Function>()->NewInstance(context, 2, arguments).ToLocal(&instance))
    return {};
  if (scan.memories.empty()) return instance;
  v8::Local<v8::Value> exports;
  if (!instance->Get(context, name(isolate, "exports")).ToLocal(&exports)) return {};
  for (const WasmMemory& memory : scan.memories) {
    v8::Local<v8::Value> exported;
    if (!memory.export_name.empty() &&
        exports.As<v8::Object>()
            ->Get(context, name(isolate, memory.export_name))
            .ToLocal(&exported) &&
        exported->IsWasmMemoryObject()) {
      memories.track(isolate, exported.As<v8::Object>(), 0);
    } else {
      memories.track(isolate, instance, hidden_bytes(memory));
    }
  }
  return instance;
}

void WasmMemories::construct_instance(const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  if (!info.IsConstructCall()) {
    isolate->ThrowException(v8::Exception::TypeError(
        name(isolate, "WebAssembly.Instance(): WebAssembly.Instance must be invoked with 'new'")));
    return;
  }
  v8::Local<v8::Object> instance;
  if (!make_instance(context, info.Data(), info[0], info[1]).ToLocal(&instance)) return;
  if (!set_prototype(context, instance, info.NewTarget(), info.Data())) return;
  info.GetReturnValue().Set(instance);
}

// instantiate(module, imports): a promise of an instance. Given bytes, the original says why not.
void WasmMemories::instantiate(const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  auto originals = info.Data().As<v8::Array>();
  v8::Local<v8::Value> original, result;
  if (!originals->Get(context, info[0]->IsWasmModuleObject() ? 1 : 0).ToLocal(&original)) return;
  if (!info[0]->IsWasmModuleObject()) {
    v8::Local<v8::Value> arguments[] = {info[0], info[1]};
    if (!original.As<v8::Function>()
             ->Call(context, v8::Undefined(isolate), std::min(info.Length(), 2), arguments)
             .ToLocal(&result)) {
      return;
    }
    info.GetReturnValue().Set(result);
    return;
  }
  v8::Local<v8::Promise::Resolver> resolver;
  if (!v8::Promise::Resolver::New(context).ToLocal(&resolver)) return;
  v8::TryCatch caught(isolate);
  v8::Local<v8::Object> instance;
  if (make_instance(context, original, info[0], info[1]).ToLocal(&instance)) {
    (void)resolver->Resolve(context, instance);
  } else if (caught.HasTerminated()) {
    caught.ReThrow();
    return;
  } else {
    (void)resolver->Reject(context, caught.Exception());
  }
  info.GetReturnValue().Set(resolver->GetPromise());
}

}  // namespace skep::isolate
