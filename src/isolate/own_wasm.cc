#include "isolate/own_wasm.h"

#include "isolate/engine_impl.h"
#include "isolate/scheduler.h"
#include "isolate/tenant_impl.h"
#include "isolate/wasm_memories.h"

namespace skep::isolate {
namespace {

v8::MaybeLocal<v8::WasmModuleObject> own_module(v8::Isolate* isolate, const void* key,
                                                const std::function<std::string()>& bytes) {
  Tenant::Impl& tenant = Tenant::from(isolate)->impl();
  auto& modules = tenant.scheduler->engine.own_wasm;
  if (const auto found = modules.find(key); found != modules.end()) {
    return v8::WasmModuleObject::FromCompiledModule(isolate, found->second);
  }
  const std::string code = bytes();
  v8::Local<v8::WasmModuleObject> module;
  tenant.compiling_wasm = true;
  const bool compiled = v8::WasmModuleObject::Compile(
                            isolate, {reinterpret_cast<const uint8_t*>(code.data()), code.size()})
                            .ToLocal(&module);
  tenant.compiling_wasm = false;
  if (!compiled) return {};
  modules.emplace(key, module->GetCompiledModule());
  return module;
}

}  // namespace

v8::MaybeLocal<v8::Object> make_own_wasm(v8::Isolate* isolate, const void* key,
                                         const std::function<std::string()>& bytes,
                                         v8::Local<v8::Object> imports) {
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  v8::Local<v8::WasmModuleObject> module;
  v8::Local<v8::Object> instance;
  v8::Local<v8::Value> exports;
  if (!own_module(isolate, key, bytes).ToLocal(&module) ||
      !WasmMemories::instance_of(context, module, imports).ToLocal(&instance) ||
      !instance->Get(context, v8::String::NewFromUtf8Literal(isolate, "exports"))
           .ToLocal(&exports)) {
    return {};
  }
  return exports.As<v8::Object>();
}

}  // namespace skep::isolate
