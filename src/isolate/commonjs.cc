// CommonJS: a module is a function that is called once, at its first require() or when the ES
// module that imports it is evaluated; require() finds what was loaded before.
#include <algorithm>

#include "isolate/modules_impl.h"

namespace skep::isolate {
namespace {

std::string folder_of(const std::string& name) {
  const size_t slash = name.rfind('/');
  return slash == std::string::npos ? "." : name.substr(0, slash);
}

// Node.js's code for it, by which packages know that something optional is not there.
v8::Local<v8::Value> not_found(v8::Isolate* isolate, std::string_view message) {
  v8::Local<v8::Value> error = missing_error(isolate, message);
  static_cast<void>(error.As<v8::Object>()->CreateDataProperty(
      isolate->GetCurrentContext(), js_string(isolate, "code"),
      js_string(isolate, "MODULE_NOT_FOUND")));
  return error;
}

}  // namespace

// Adds the names that the module exports, as far as its text shows them; `names` has "default"
// already.
void ModuleLoader::Impl::commonjs_names(ModuleRecord& record, std::vector<std::string>& names) {
  std::vector<ModuleRecord*> visited = {&record};
  for (size_t i = 0; i < visited.size(); ++i) {
    ModuleRecord& from = *visited[i];
    for (const std::string& name : from.export_names) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    for (const std::string& specifier : from.reexports) {
      ModuleRequest* request = from.find(specifier, ImportKind::require);
      if (!request || !request->target || !request->target->is(ModuleType::commonjs)) continue;
      if (std::find(visited.begin(), visited.end(), request->target) == visited.end()) {
        visited.push_back(request->target);
      }
    }
  }
}

v8::MaybeLocal<v8::Value> ModuleLoader::Impl::run_commonjs(v8::Isolate* isolate,
                                                           v8::Local<v8::Context> context,
                                                           ModuleRecord& record) {
  v8::Local<v8::String> exports_key = js_string(isolate, "exports");
  if (record.started) {  // through, or in a circle: what there is so far
    return record.value.Get(isolate).As<v8::Object>()->Get(context, exports_key);
  }
  v8::Local<v8::Function> function, require;
  if (!compile_function(isolate, context, record).ToLocal(&function)) return {};
  if (!v8::Function::New(context, require_callback,
                         v8::Integer::NewFromUnsigned(isolate, record.index))
           .ToLocal(&require)) {
    return {};
  }
  v8::Local<v8::Object> module = v8::Object::New(isolate);
  v8::Local<v8::Object> exports = v8::Object::New(isolate);
  v8::Local<v8::String> name = js_string(isolate, record.name);
  if (!module->CreateDataProperty(context, exports_key, exports).FromMaybe(false) ||
      !module->CreateDataProperty(context, js_string(isolate, "id"), name).FromMaybe(false) ||
      !module->CreateDataProperty(context, js_string(isolate, "filename"), name).FromMaybe(false)) {
    return {};
  }
  record.value.Reset(isolate, module);
  record.started = true;
  v8::Local<v8::Value> arguments[] = {exports, require, module, name,
                                      js_string(isolate, folder_of(record.name))};
  v8::Local<v8::Value> ignored;
  if (!function->Call(context, exports, std::size(arguments), arguments).ToLocal(&ignored)) {
    record.started = false;  // the next require() tries again, as Node.js does
    return {};
  }
  return module->Get(context, exports_key);
}

v8::MaybeLocal<v8::Value> ModuleLoader::Impl::required_value(v8::Isolate* isolate,
                                                             v8::Local<v8::Context> context,
                                                             ModuleRecord& record) {
  if (record.is(ModuleType::commonjs)) return run_commonjs(isolate, context, record);
  if (record.source && !record.is(ModuleType::esm)) return record.value.Get(isolate);
  v8::Local<v8::Object> object;
  if (record.source) {
    v8::Local<v8::Module> module = record.module.Get(isolate);
    v8::Local<v8::Value> evaluation;
    if (!link(context, module) || !module->Evaluate(context).ToLocal(&evaluation)) return {};
    if (module->GetStatus() == v8::Module::kErrored) {
      return isolate->ThrowException(module->GetException());
    }
    if (module->IsGraphAsync() && evaluation.As<v8::Promise>()->State() == v8::Promise::kPending) {
      return isolate->ThrowException(v8::Exception::Error(js_string(
          isolate, "Top-level await is not allowed in a module that is loaded by require()")));
    }
    object = module->GetModuleNamespace().As<v8::Object>();
  } else {
    object = record.value.Get(isolate).As<v8::Object>();
  }
  v8::Local<v8::String> key = js_string(isolate, "default");
  // What is built in and has a default export is a module of Node.js: require() gives that.
  if ((!record.source || options.require_returns_default_export) &&
      object->HasOwnProperty(context, key).FromMaybe(false)) {
    return object->Get(context, key);
  }
  return object;
}

v8::MaybeLocal<v8::Value> ModuleLoader::Impl::require(v8::Isolate* isolate,
                                                      v8::Local<v8::Context> context,
                                                      ModuleRecord& record,
                                                      const std::string& specifier) {
  ModuleRequest* request = record.find(specifier, ImportKind::require);
  if (!request || !request->resolved) {
    // A name that is computed. What the bundle knows already can be had; nothing can be waited for.
    auto known = bundle->resolve(record.name, specifier, ImportKind::require, [](Resolved) {});
    if (!known) {
      return isolate->ThrowException(not_found(isolate, no_such_module(specifier, record.name)));
    }
    if (!request) {
      record.requests.emplace_back();
      request = &record.requests.back();
      request->specifier = specifier;
      request->kind = ImportKind::require;
    }
    request->resolved = true;
    request->missing = std::move(known->missing);
    if (known->module) request->target = &record_for(*known->module);
    if (known->builtin) request->target = &record_for_builtin(specifier);
  }
  ModuleRecord* target = request->target;
  if (!target) {
    const std::string message =
        request->missing.empty() ? no_such_module(specifier, record.name) : request->missing;
    return isolate->ThrowException(not_found(isolate, message));
  }
  if (!target->compiled) {
    if (!compile(isolate, context, *target)) return {};
    target->compiled = true;
  }
  if (!target->source && target->value.IsEmpty()) {
    return isolate->ThrowException(not_found(isolate, no_such_module(specifier, record.name)));
  }
  return required_value(isolate, context, *target);
}

void ModuleLoader::Impl::require_callback(const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Isolate* isolate = info.GetIsolate();
  Impl& self = from(isolate);
  if (info.Length() < 1 || !info[0]->IsString()) {
    isolate->ThrowException(v8::Exception::TypeError(
        js_string(isolate, "require() takes a module specifier, a string")));
    return;
  }
  ModuleRecord& record = *self.records[info.Data().As<v8::Uint32>()->Value()];
  v8::Local<v8::Value> value;
  if (self.require(isolate, isolate->GetCurrentContext(), record, cpp_string(isolate, info[0]))
          .ToLocal(&value)) {
    info.GetReturnValue().Set(value);
  }
}

}  // namespace skep::isolate
