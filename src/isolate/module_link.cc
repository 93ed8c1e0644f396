// V8's callbacks around modules: which module an import means, what a synthetic one exports,
// import(), import.meta.
#include <utility>

#include "base/assert.h"
#include "base/limits.h"
#include "isolate/modules_impl.h"

namespace skep::isolate {

v8::Local<v8::String> js_string(v8::Isolate* isolate, std::string_view text) {
  v8::Local<v8::String> string;
  if (v8::String::NewFromUtf8(isolate, text.data(), v8::NewStringType::kNormal,
                              static_cast<int>(text.size()))
          .ToLocal(&string)) {
    return string;
  }
  // Longer than a string can be: an exception is pending.
  return {};
}

std::string cpp_string(v8::Isolate* isolate, v8::Local<v8::Value> value) {
  v8::String::Utf8Value utf8(isolate, value);
  return *utf8 ? std::string(*utf8, static_cast<size_t>(utf8.length())) : std::string();
}

v8::Local<v8::Value> missing_error(v8::Isolate* isolate, std::string_view message) {
  return v8::Exception::Error(js_string(isolate, message));
}

std::string no_such_module(std::string_view specifier, std::string_view referrer) {
  return std::string("No such module \"")
      .append(specifier)
      .append("\".\n  imported from \"")
      .append(referrer)
      .append("\"");
}

std::string type_attribute(v8::Isolate* isolate, v8::Local<v8::FixedArray> attributes,
                           int entries) {
  for (int i = 0; i + 1 < attributes->Length(); i += entries) {
    if (cpp_string(isolate, attributes->Get(i).As<v8::Value>()) == "type") {
      return cpp_string(isolate, attributes->Get(i + 1).As<v8::Value>());
    }
  }
  return {};
}

namespace {

// Resolved with undefined: what a synthetic module's evaluation gives.
v8::MaybeLocal<v8::Value> settled_promise(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  v8::Local<v8::Promise::Resolver> resolver;
  if (!v8::Promise::Resolver::New(context).ToLocal(&resolver)) return {};
  if (resolver->Resolve(context, v8::Undefined(isolate)).IsNothing()) return {};
  return resolver->GetPromise();
}

void reject_with(v8::Local<v8::Context> context, v8::Local<v8::Promise::Resolver> resolver,
                 v8::Local<v8::Value> exception) {
  (void)resolver->Reject(context, exception);  // fails only when execution is being terminated
}

// The end of import(): the promise of the evaluation is settled; `data` is [resolver, namespace].
void imported(const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Local<v8::Context> context = info.GetIsolate()->GetCurrentContext();
  auto data = info.Data().As<v8::Array>();
  v8::Local<v8::Value> resolver, result;
  if (!data->Get(context, 0).ToLocal(&resolver) || !data->Get(context, 1).ToLocal(&result)) return;
  (void)resolver.As<v8::Promise::Resolver>()->Resolve(context, result);
}
void not_imported(const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Local<v8::Context> context = info.GetIsolate()->GetCurrentContext();
  v8::Local<v8::Value> resolver;
  if (!info.Data().As<v8::Array>()->Get(context, 0).ToLocal(&resolver)) return;
  reject_with(context, resolver.As<v8::Promise::Resolver>(), info[0]);
}

// Settles `resolver` once `evaluation` is.
void follow(v8::Isolate* isolate, v8::Local<v8::Context> context, v8::Local<v8::Promise> evaluation,
            v8::Local<v8::Promise::Resolver> resolver, v8::Local<v8::Value> result) {
  v8::Local<v8::Value> elements[] = {resolver, result};
  v8::Local<v8::Array> data = v8::Array::New(isolate, elements, 2);
  v8::Local<v8::Function> resolved, rejected;
  v8::Local<v8::Promise> ignored;
  if (v8::Function::New(context, imported, data).ToLocal(&resolved) &&
      v8::Function::New(context, not_imported, data).ToLocal(&rejected)) {
    (void)evaluation->Then(context, resolved, rejected).ToLocal(&ignored);
  }
}

}  // namespace

// --- linking ---

bool ModuleLoader::Impl::attributes_fit(v8::Isolate* isolate, const ModuleRequest& request) {
  std::string problem;
  if (!request.type.empty() && request.type != "json") {
    problem = "Import attribute \"type\" with value \"" + request.type + "\" is not supported";
  } else if (request.type == "json" && !request.target->is(ModuleType::json)) {
    problem = "Module \"" + request.specifier + "\" is not of type \"json\"";
  } else if (request.source_phase && !request.target->is(ModuleType::wasm)) {
    isolate->ThrowException(v8::Exception::SyntaxError(js_string(
        isolate, "Source phase import is not available for module \"" + request.specifier + "\"")));
    return false;
  }
  if (problem.empty()) return true;
  isolate->ThrowException(v8::Exception::TypeError(js_string(isolate, problem)));
  return false;
}

v8::MaybeLocal<v8::Module> ModuleLoader::Impl::resolve_module(v8::Local<v8::Context> context,
                                                              size_t index,
                                                              v8::Local<v8::Module> referrer) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  Impl& self = from(isolate);
  ModuleRecord* record = self.record_of(referrer);
  SKEP_ASSERT(record && index < record->requests.size());
  const ModuleRequest& request = record->requests[index];
  if (!request.target) {
    isolate->ThrowException(missing_error(
        isolate, request.missing.empty() ? no_such_module(request.specifier, record->name)
                                         : request.missing));
    return {};
  }
  if (!self.attributes_fit(isolate, request)) return {};
  v8::Local<v8::Module> module = self.ensure_module(isolate, context, *request.target);
  if (module.IsEmpty()) {
    isolate->ThrowException(
        missing_error(isolate, no_such_module(request.specifier, record->name)));
    return {};
  }
  return module;
}

v8::MaybeLocal<v8::Object> ModuleLoader::Impl::resolve_source(v8::Local<v8::Context> context,
                                                              size_t index,
                                                              v8::Local<v8::Module> referrer) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  Impl& self = from(isolate);
  ModuleRecord* record = self.record_of(referrer);
  SKEP_ASSERT(record && index < record->requests.size());
  const ModuleRequest& request = record->requests[index];
  SKEP_ASSERT(request.target);
  if (!self.attributes_fit(isolate, request)) return {};
  return request.target->value.Get(isolate).As<v8::Object>();
}

// Empty: a built-in that there is not.
v8::Local<v8::Module> ModuleLoader::Impl::ensure_module(v8::Isolate* isolate,
                                                        v8::Local<v8::Context>,
                                                        ModuleRecord& record) {
  if (!record.module.IsEmpty()) return record.module.Get(isolate);
  if (!record.source && record.value.IsEmpty()) return {};
  std::vector<std::string> names = {"default"};
  if (record.is(ModuleType::commonjs)) {
    commonjs_names(record, names);
  } else {
    names.insert(names.end(), record.export_names.begin(), record.export_names.end());
  }
  std::vector<v8::Local<v8::String>> exports;
  exports.reserve(names.size());
  for (const std::string& name : names) {
    exports.push_back(v8::String::NewFromUtf8(isolate, name.data(),
                                              v8::NewStringType::kInternalized,
                                              static_cast<int>(name.size()))
                          .ToLocalChecked());
  }
  if (record.is(ModuleType::commonjs)) record.export_names = std::move(names);
  v8::Local<v8::Module> module =
      v8::Module::CreateSyntheticModule(isolate, js_string(isolate, record.name),
                                        {exports.data(), exports.size()}, evaluate_synthetic);
  register_module(record, isolate, module);
  return module;
}

v8::MaybeLocal<v8::Value> ModuleLoader::Impl::evaluate_synthetic(v8::Local<v8::Context> context,
                                                                 v8::Local<v8::Module> module) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  Impl& self = from(isolate);
  ModuleRecord* record = self.record_of(module);
  SKEP_ASSERT(record);
  v8::Local<v8::Value> value;
  if (record->is(ModuleType::commonjs)) {
    if (!self.run_commonjs(isolate, context, *record).ToLocal(&value)) return {};
  } else {
    value = record->value.Get(isolate);
  }
  v8::Local<v8::String> default_name = js_string(isolate, "default");
  v8::Local<v8::Value> default_value = value;
  const bool has_names = value->IsObject() && (!record->source || record->is(ModuleType::commonjs));
  if (!record->source) {
    auto object = value.As<v8::Object>();
    if (object->HasOwnProperty(context, default_name).FromMaybe(false) &&
        !object->Get(context, default_name).ToLocal(&default_value)) {
      return {};
    }
  }
  if (module->SetSyntheticModuleExport(isolate, default_name, default_value).IsNothing()) return {};
  for (const std::string& name : record->export_names) {
    if (name == "default") continue;
    v8::Local<v8::String> key = js_string(isolate, name);
    v8::Local<v8::Value> exported = v8::Undefined(isolate);
    if (has_names && !value.As<v8::Object>()->Get(context, key).ToLocal(&exported)) return {};
    if (module->SetSyntheticModuleExport(isolate, key, exported).IsNothing()) return {};
  }
  return settled_promise(isolate, context);
}

bool ModuleLoader::Impl::link(v8::Local<v8::Context> context, v8::Local<v8::Module> module) {
  if (module->GetStatus() >= v8::Module::kInstantiated) return true;
  return module->InstantiateModule(context, resolve_module, resolve_source).FromMaybe(false);
}

// A main module that nothing can call: as a classic script it may register listeners.
bool ModuleLoader::Impl::no_exports(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                    ModuleRecord& record) {
  if (!record.is(ModuleType::esm) || !record.requests.empty()) return false;
  v8::Local<v8::Module> module = record.module.Get(isolate);
  if (module->HasTopLevelAwait()) return false;
  auto exports = module->GetModuleNamespace().As<v8::Object>();
  v8::Local<v8::Array> names;
  return exports->GetOwnPropertyNames(context, v8::SKIP_SYMBOLS).ToLocal(&names) &&
         names->Length() == 0;
}

v8::MaybeLocal<v8::Promise> ModuleLoader::Impl::link_and_evaluate(v8::Local<v8::Context> context,
                                                                  ModuleRecord& record) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  v8::Local<v8::Value> result;
  if (record.script.IsEmpty()) {
    v8::Local<v8::Module> module = ensure_module(isolate, context, record);
    if (module.IsEmpty()) {
      isolate->ThrowException(missing_error(isolate, no_such_module(record.name, record.name)));
      return {};
    }
    if (!link(context, module)) return {};
    if (&record == main && no_exports(isolate, context, record)) {
      v8::TryCatch ignored(isolate);  // what is no script is a module after all
      compile_script(isolate, context, record);
    }
    if (record.script.IsEmpty()) {
      if (!module->Evaluate(context).ToLocal(&result)) return {};
      return result.As<v8::Promise>();
    }
  }
  v8::Local<v8::Script> script = record.script.Get(isolate)->BindToCurrentContext();
  if (!script->Run(context).ToLocal(&result) ||
      !settled_promise(isolate, context).ToLocal(&result)) {
    return {};
  }
  return result.As<v8::Promise>();
}

// --- import() ---

v8::MaybeLocal<v8::Promise> ModuleLoader::Impl::import_dynamically(
    v8::Local<v8::Context> context, v8::Local<v8::Data>, v8::Local<v8::Value> resource_name,
    v8::Local<v8::String> specifier, v8::ModuleImportPhase phase,
    v8::Local<v8::FixedArray> attributes) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  auto* self = static_cast<Impl*>(isolate->GetData(kLoaderSlot));
  v8::Local<v8::Promise::Resolver> resolver;
  if (!v8::Promise::Resolver::New(context).ToLocal(&resolver)) return {};
  auto import = std::make_shared<DynamicImport>();
  import->request.specifier = cpp_string(isolate, specifier);
  import->request.source_phase = phase == v8::ModuleImportPhase::kSource;
  import->request.type = type_attribute(isolate, attributes, 2);
  if (resource_name->IsString()) import->referrer = cpp_string(isolate, resource_name);
  if (!self || self->imports >= limits::kImportsInFlight) {
    reject_with(context, resolver,
                v8::Exception::Error(js_string(isolate, "Too many import() calls at once.")));
    return resolver->GetPromise();
  }
  import->resolver.Reset(isolate, resolver);
  import->meter.limit_ns = limits::kStartupCpuMs * 1'000'000;
  ++self->imports;
  // Names are resolved on the loop's stack, after this job.
  if (self->new_imports.empty()) {
    self->tenant.impl().scheduler->loop.post([weak = self->weak_from_this()] {
      if (const auto loader = weak.lock()) loader->start_imports();
    });
  }
  self->new_imports.push_back(std::move(import));
  return resolver->GetPromise();
}

void ModuleLoader::Impl::settle_import(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                       DynamicImport& import) {
  v8::Local<v8::Promise::Resolver> resolver = import.resolver.Get(isolate);
  v8::TryCatch caught(isolate);
  if (!import.exception.IsEmpty()) {
    return reject_with(context, resolver, import.exception.Get(isolate));
  }
  if (!import.request.missing.empty()) {
    return reject_with(context, resolver, missing_error(isolate, import.request.missing));
  }
  ModuleRecord& record = *import.request.target;
  v8::Local<v8::Promise> evaluation;
  if (attributes_fit(isolate, import.request)) {
    if (import.request.source_phase) {
      (void)resolver->Resolve(context, record.value.Get(isolate));
      return;
    }
    if (link_and_evaluate(context, record).ToLocal(&evaluation)) {
      // The main module of a classic script has no namespace.
      v8::Local<v8::Value> result = record.module.IsEmpty()
                                        ? v8::Undefined(isolate).As<v8::Value>()
                                        : record.module.Get(isolate)->GetModuleNamespace();
      return follow(isolate, context, evaluation, resolver, result);
    }
  }
  if (caught.HasCaught() && !caught.HasTerminated()) {
    reject_with(context, resolver, caught.Exception());
  }
}

void ModuleLoader::Impl::fill_import_meta(v8::Local<v8::Context> context,
                                          v8::Local<v8::Module> module,
                                          v8::Local<v8::Object> meta) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  Impl& self = from(isolate);
  const ModuleRecord* record = self.record_of(module);
  if (!record) return;
  (void)meta->CreateDataProperty(context, js_string(isolate, "url"),
                                 js_string(isolate, "file:///" + record->name));
  (void)meta->CreateDataProperty(context, js_string(isolate, "main"),
                                 v8::Boolean::New(isolate, record == self.main));
}

}  // namespace skep::isolate
