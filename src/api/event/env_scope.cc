// Scopes: what lasts through awaits, since it travels in V8's continuation data beside the event's
// id. Two things do: the `env` of withEnv() (cloudflare:workers), and the frame of
// AsyncLocalStorage (node/async_hooks.part.js), a Map that nobody changes. The data is the id alone
// where there is no scope, else an array [id, env, frame] that no code of a user sees.
#include "api/event/env_scope.h"

#include "api/base/ops.h"
#include "api/event/event.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

enum Part : uint32_t { kId, kEnv, kFrame, kParts };

v8::Local<v8::Array> current_scope(v8::Isolate* isolate) {
  v8::Local<v8::Data> data = isolate->GetContinuationPreservedEmbedderDataV2();
  if (!data->IsValue() || !data.As<v8::Value>()->IsArray()) return {};
  return data.As<v8::Array>();
}

v8::Local<v8::Value> scope_part(v8::Isolate* isolate, v8::Local<v8::Array> scope, Part part) {
  v8::Local<v8::Value> value;
  if (scope.IsEmpty() || !scope->Get(isolate->GetCurrentContext(), part).ToLocal(&value)) {
    return v8::Undefined(isolate);
  }
  return value;
}

void enter_scope(v8::Isolate* isolate, v8::Local<v8::Value> env, v8::Local<v8::Value> frame) {
  auto id = v8::Integer::NewFromUnsigned(isolate, current_event_id(isolate));
  if (env->IsUndefined() && frame->IsUndefined()) {
    return isolate->SetContinuationPreservedEmbedderDataV2(id);
  }
  v8::Local<v8::Value> parts[] = {id, env, frame};
  isolate->SetContinuationPreservedEmbedderDataV2(v8::Array::New(isolate, parts, kParts));
}

// Calls info[1](...info[2]) in a scope.
void call_in_scope(const Info& info, v8::Local<v8::Value> env, v8::Local<v8::Value> frame) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  v8::Local<v8::Data> before = isolate->GetContinuationPreservedEmbedderDataV2();
  v8::LocalVector<v8::Value> arguments(isolate);
  auto list = info[2].As<v8::Array>();
  for (uint32_t i = 0; i < list->Length(); ++i) {
    v8::Local<v8::Value> argument;
    if (!list->Get(context, i).ToLocal(&argument)) return;
    arguments.push_back(argument);
  }
  enter_scope(isolate, env, frame);
  v8::Local<v8::Value> result;
  const bool returned = info[1]
                            .As<v8::Function>()
                            ->Call(context, v8::Undefined(isolate),
                                   static_cast<int>(arguments.size()), arguments.data())
                            .ToLocal(&result);
  isolate->SetContinuationPreservedEmbedderDataV2(before);
  if (returned) info.GetReturnValue().Set(result);
}

// env_scope_env() -> the scope's env, undefined outside of one
void env_scope_env(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  info.GetReturnValue().Set(scope_part(isolate, current_scope(isolate), kEnv));
}

// env_scope_run(env, fn, args) -> what fn(...args) gives, called in a scope with that env
void env_scope_run(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  call_in_scope(info, info[0], scope_part(isolate, current_scope(isolate), kFrame));
}

// env_scope_current() -> the scope, for env_scope_resume alone; undefined outside of one
void env_scope_current(const Info& info) {
  v8::Local<v8::Array> scope = current_scope(info.GetIsolate());
  if (!scope.IsEmpty()) info.GetReturnValue().Set(scope);
}

// env_scope_resume(scope, fn, args) -> what fn(...args) gives: the env and the frame of then, the
// event of now
void env_scope_resume(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  auto scope = info[0].As<v8::Array>();
  call_in_scope(info, scope_part(isolate, scope, kEnv), scope_part(isolate, scope, kFrame));
}

// env_scope_frame() -> the frame in force, or undefined
void env_scope_frame(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  info.GetReturnValue().Set(scope_part(isolate, current_scope(isolate), kFrame));
}

// env_scope_set_frame(frame): until it is set again, or what runs now is through
void env_scope_set_frame(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  enter_scope(isolate, scope_part(isolate, current_scope(isolate), kEnv), info[0]);
}

}  // namespace

uint32_t scoped_event_id(v8::Isolate* isolate) {
  v8::Local<v8::Array> scope = current_scope(isolate);
  v8::Local<v8::Value> id;
  if (scope.IsEmpty() || !scope->Get(isolate->GetCurrentContext(), kId).ToLocal(&id)) return 0;
  return id->IsUint32() ? id.As<v8::Uint32>()->Value() : 0;
}

std::span<const Op> env_scope_ops() {
  static constexpr Op ops[] = {
      {"env_scope_env", env_scope_env},         {"env_scope_run", env_scope_run},
      {"env_scope_current", env_scope_current}, {"env_scope_resume", env_scope_resume},
      {"env_scope_frame", env_scope_frame},     {"env_scope_set_frame", env_scope_set_frame},
  };
  return ops;
}

}  // namespace skep::api
