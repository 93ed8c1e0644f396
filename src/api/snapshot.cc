#include "api/snapshot.h"

#include <fmt/format.h>
#include <v8.h>

#include <array>
#include <memory>
#include <vector>

#include "api/base/ops.h"
#include "api/base/values.h"
#include "api/parts/parts.h"

namespace skep::api {
namespace {

// set_hooks({…}): what native code calls. Kept in the context's embedder data until the blob is
// made.
constexpr int kHooksSlot = 1;

void set_hooks(const v8::FunctionCallbackInfo<v8::Value>& info) {
  info.GetIsolate()->GetCurrentContext()->SetEmbedderDataV2(kHooksSlot, info[0]);
}

constexpr Op kSnapshotOps[] = {{"set_hooks", set_hooks}};

v8::Local<v8::Object> make_ops(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  v8::Local<v8::Object> ops = v8::Object::New(isolate, v8::Null(isolate), nullptr, nullptr, 0);
  const auto add = [&](const Op& op) {
    auto function = v8::Function::New(context, op.callback, {}, 0, v8::ConstructorBehavior::kThrow)
                        .ToLocalChecked();
    function->SetName(js_name(isolate, op.name));
    ops->CreateDataProperty(context, js_name(isolate, op.name), function).Check();
  };
  for (const auto& table : all_ops()) {
    for (const Op& op : table) add(op);
  }
  for (const Op& op : kSnapshotOps) add(op);
  ops->SetIntegrityLevel(context, v8::IntegrityLevel::kFrozen).Check();
  return ops;
}

Result<> evaluate(v8::Isolate* isolate, v8::Local<v8::Context> context, std::string_view source) {
  v8::TryCatch caught(isolate);
  v8::Local<v8::String> parameter = js_name(isolate, "__skep_ops");
  v8::ScriptOrigin origin(js_name(isolate, "skep:runtime"));
  v8::ScriptCompiler::Source script(js_text(isolate, source), origin);
  v8::Local<v8::Function> bundle;
  v8::Local<v8::Value> argument = make_ops(isolate, context);
  v8::Local<v8::Value> ignored;
  if (v8::ScriptCompiler::CompileFunction(context, &script, 1, &parameter).ToLocal(&bundle) &&
      bundle->Call(context, v8::Undefined(isolate), 1, &argument).ToLocal(&ignored)) {
    return {};
  }
  std::string where;
  if (!caught.Message().IsEmpty()) {
    where = fmt::format(" ({}:{})", caught.Message()->GetLineNumber(context).FromMaybe(0),
                        caught.Message()->GetStartColumn());
  }
  v8::String::Utf8Value text(isolate, caught.Exception());
  v8::Local<v8::Value> stack;
  if (caught.StackTrace(context).ToLocal(&stack)) where += "\n" + to_utf8(isolate, stack);
  return fail(fmt::format("the runtime's JavaScript threw: {}{}", *text ? *text : "?", where));
}

}  // namespace

const intptr_t* external_references() {
  static const std::vector<intptr_t> references = [] {
    std::vector<intptr_t> list;
    for (const auto& table : all_ops()) {
      for (const Op& op : table) list.push_back(reinterpret_cast<intptr_t>(op.callback));
    }
    for (const Op& op : kSnapshotOps) list.push_back(reinterpret_cast<intptr_t>(op.callback));
    list.push_back(lazy_global_reference());
    list.push_back(0);
    return list;
  }();
  return references.data();
}

Result<std::string> create_snapshot(std::string_view runtime_source) {
  std::unique_ptr<v8::ArrayBuffer::Allocator> allocator(
      v8::ArrayBuffer::Allocator::NewDefaultAllocator());
  v8::Isolate::CreateParams params;
  params.array_buffer_allocator = allocator.get();
  params.external_references = external_references();
  v8::SnapshotCreator creator(params);
  v8::Isolate* isolate = creator.GetIsolate();
  {
    v8::HandleScope scope(isolate);
    v8::Local<v8::Context> context = v8::Context::New(isolate);
    v8::Context::Scope entered(context);
    SKEP_TRY(evaluate(isolate, context, runtime_source));
    v8::Local<v8::Value> hooks = context->GetEmbedderDataV2(kHooksSlot).As<v8::Value>();
    if (!hooks->IsObject()) return fail("the runtime's JavaScript did not call set_hooks");
    creator.AddData(context, hooks);
    context->SetEmbedderDataV2(kHooksSlot, v8::Undefined(isolate));
    creator.SetDefaultContext(context);
  }
  v8::StartupData blob = creator.CreateBlob(v8::SnapshotCreator::FunctionCodeHandling::kKeep);
  std::string bytes(blob.data, static_cast<size_t>(blob.raw_size));
  delete[] blob.data;
  return bytes;
}

}  // namespace skep::api
