// withEnv() of cloudflare:workers: a scope in which the imported `env` is another object. It lasts
// through awaits, since it travels in V8's continuation data beside the event's id: data is the id
// alone where there is no scope, else an array [id, env] that JavaScript never sees.
#include "api/event/env_scope.h"

#include "api/base/ops.h"
#include "api/event/event.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

enum Part : uint32_t { kId, kEnv };

v8::Local<v8::Array> current_scope(v8::Isolate* isolate) {
  v8::Local<v8::Data> data = isolate->GetContinuationPreservedEmbedderDataV2();
  if (!data->IsValue() || !data.As<v8::Value>()->IsArray()) return {};
  return data.As<v8::Array>();
}

// env_scope_env() -> the scope's env, undefined outside of one
void env_scope_env(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Array> scope = current_scope(isolate);
  v8::Local<v8::Value> env;
  if (scope.IsEmpty() || !scope->Get(isolate->GetCurrentContext(), kEnv).ToLocal(&env)) return;
  info.GetReturnValue().Set(env);
}

// env_scope_run(env, fn, args) -> what fn(...args) gives, called in a scope
void env_scope_run(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  v8::Local<v8::Data> before = isolate->GetContinuationPreservedEmbedderDataV2();
  v8::Local<v8::Value> parts[] = {v8::Integer::NewFromUnsigned(isolate, current_event_id(isolate)),
                                  info[0]};
  v8::LocalVector<v8::Value> arguments(isolate);
  auto list = info[2].As<v8::Array>();
  for (uint32_t i = 0; i < list->Length(); ++i) {
    v8::Local<v8::Value> argument;
    if (!list->Get(context, i).ToLocal(&argument)) return;
    arguments.push_back(argument);
  }
  isolate->SetContinuationPreservedEmbedderDataV2(v8::Array::New(isolate, parts, 2));
  v8::Local<v8::Value> result;
  const bool returned = info[1]
                            .As<v8::Function>()
                            ->Call(context, v8::Undefined(isolate),
                                   static_cast<int>(arguments.size()), arguments.data())
                            .ToLocal(&result);
  isolate->SetContinuationPreservedEmbedderDataV2(before);
  if (returned) info.GetReturnValue().Set(result);
}

}  // namespace

uint32_t scoped_event_id(v8::Isolate* isolate) {
  v8::Local<v8::Array> scope = current_scope(isolate);
  v8::Local<v8::Value> id;
  if (scope.IsEmpty() || !scope->Get(isolate->GetCurrentContext(), kId).ToLocal(&id)) return 0;
  return id->IsUint32() ? id.As<v8::Uint32>()->Value() : 0;
}

std::span<const Op> env_scope_ops() {
  static constexpr Op ops[] = {{"env_scope_env", env_scope_env}, {"env_scope_run", env_scope_run}};
  return ops;
}

}  // namespace skep::api
