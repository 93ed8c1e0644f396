#include "isolate/hardening.h"

#include "base/assert.h"
#include "isolate/tenant_impl.h"
#include "isolate/wasm_memories.h"

namespace skep::isolate {
namespace {

bool allow_wasm_code(v8::Local<v8::Context> context, v8::Local<v8::String>) {
  return Tenant::from(v8::Isolate::GetCurrent())->impl().compiling_wasm;
}

bool no_shared_array_buffer(v8::Local<v8::Context>) {
  return false;
}

void remove(v8::Local<v8::Context> context, v8::Local<v8::Object> from, const char* name) {
  v8::Local<v8::String> key =
      v8::String::NewFromUtf8(v8::Isolate::GetCurrent(), name, v8::NewStringType::kInternalized)
          .ToLocalChecked();
  SKEP_ASSERT(from->Delete(context, key).FromMaybe(false));
}

}  // namespace

void harden_isolate(v8::Isolate* isolate) {
  isolate->SetAllowWasmCodeGenerationCallback(allow_wasm_code);
  isolate->SetSharedArrayBufferConstructorEnabledCallback(no_shared_array_buffer);
}

void harden_context(v8::Local<v8::Context> context) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  v8::Context::Scope scope(context);
  context->AllowCodeGenerationFromStrings(false);
  v8::Local<v8::Object> global = context->Global();
  remove(context, global, "SharedArrayBuffer");
  v8::Local<v8::Value> atomics;
  if (global->Get(context, v8::String::NewFromUtf8Literal(isolate, "Atomics")).ToLocal(&atomics) &&
      atomics->IsObject()) {
    remove(context, atomics.As<v8::Object>(), "wait");
    remove(context, atomics.As<v8::Object>(), "waitAsync");
  }
  WasmMemories::wrap(context);
}

}  // namespace skep::isolate
