// A module of each type from its source.
#include <algorithm>
#include <cstring>

#include "base/limits.h"
#include "isolate/cjs_lexer.h"
#include "isolate/modules_impl.h"
#include "isolate/wasm_scan.h"

namespace skep::isolate {
namespace {

// Below this a string of V8's own is smaller than the bookkeeping of a shared one.
constexpr size_t kSharedTextBytes = 4096;
// A source this small compiles as fast as its cache is read.
constexpr size_t kCachedSourceBytes = 1024;

// What a code cache was made of stands behind its bytes: V8 takes it for nothing else.
constexpr char kOfModule = 'M';
constexpr char kOfScript = 'S';
constexpr char kOfFunction = 'F';

bool is_ascii(std::string_view text) {
  uint64_t any = 0;
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    any |= word;
  }
  for (; at < text.size(); ++at) any |= static_cast<unsigned char>(text[at]);
  return (any & 0x8080808080808080) == 0;
}

// The text of a module, in the bundle, shared by all isolates of the version.
class SharedText final : public v8::String::ExternalOneByteStringResource {
 public:
  SharedText(std::shared_ptr<const Bundle> bundle, std::string_view text)
      : bundle_(std::move(bundle)), text_(text) {}
  const char* data() const override { return text_.data(); }
  size_t length() const override { return text_.size(); }

 private:
  const std::shared_ptr<const Bundle> bundle_;
  const std::string_view text_;
};

v8::ScriptCompiler::CachedData* cached_data(const ModuleSource& source, char what) {
  if (source.code_cache.size() < 2 || source.code_cache.back() != what) return nullptr;
  return new v8::ScriptCompiler::CachedData(
      reinterpret_cast<const uint8_t*>(source.code_cache.data()),
      static_cast<int>(source.code_cache.size() - 1));
}

v8::ScriptCompiler::CompileOptions options_for(const v8::ScriptCompiler::CachedData* cache) {
  return cache ? v8::ScriptCompiler::kConsumeCodeCache : v8::ScriptCompiler::kNoCompileOptions;
}

void note_rejection(ModuleSource& source, const v8::ScriptCompiler::Source& used) {
  const auto* cache = used.GetCachedData();
  if (!cache || !cache->rejected) return;
  source.code_cache_rejected = true;
  source.code_cache.clear();
}

v8::ScriptOrigin origin_of(v8::Isolate* isolate, const ModuleRecord& record, bool is_module) {
  return v8::ScriptOrigin(js_string(isolate, record.name), 0, 0, false, -1, v8::Local<v8::Value>(),
                          false, false, is_module);
}

}  // namespace

v8::Local<v8::String> ModuleLoader::Impl::source_string(v8::Isolate* isolate,
                                                        const ModuleSource& source) {
  if (source.content.size() < kSharedTextBytes || !is_ascii(source.content)) {
    return js_string(isolate, source.content);
  }
  auto text = std::make_unique<SharedText>(bundle, source.content);
  v8::Local<v8::String> string;
  if (!v8::String::NewExternalOneByte(isolate, text.get()).ToLocal(&string)) return {};
  (void)text.release();  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): the string's
  return string;
}

bool ModuleLoader::Impl::compile(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                 ModuleRecord& record) {
  if (!record.source) return compile_builtin(isolate, context, record);
  const std::string& content = record.source->content;
  v8::Local<v8::Value> value;
  switch (record.type()) {
    case ModuleType::esm:
      return compile_esm(isolate, context, record);
    case ModuleType::commonjs:
      compile_commonjs(record);
      return true;
    case ModuleType::wasm:
      return compile_wasm(isolate, context, record);
    case ModuleType::text:
      value = js_string(isolate, content);
      break;
    case ModuleType::data: {
      v8::Local<v8::ArrayBuffer> buffer;
      if (!v8::ArrayBuffer::MaybeNew(isolate, content.size(),
                                     v8::BackingStoreInitializationMode::kUninitialized)
               .ToLocal(&buffer)) {
        isolate->ThrowException(v8::Exception::RangeError(js_string(
            isolate, "The data module \"" + record.name + "\" is larger than the memory limit.")));
        return false;
      }
      std::memcpy(buffer->Data(), content.data(), content.size());
      value = buffer;
      break;
    }
    case ModuleType::json: {
      v8::Local<v8::String> text = js_string(isolate, content);
      if (text.IsEmpty() || !v8::JSON::Parse(context, text).ToLocal(&value)) return false;
      break;
    }
  }
  if (value.IsEmpty()) return false;
  record.value.Reset(isolate, value);
  return true;
}

bool ModuleLoader::Impl::compile_esm(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                     ModuleRecord& record) {
  ModuleSource& source = *record.source;
  // A main module that an earlier isolate found to be a classic script.
  if (&record == main && source.code_cache.ends_with(kOfScript)) {
    return compile_script(isolate, context, record);
  }
  v8::Local<v8::String> text = source_string(isolate, source);
  if (text.IsEmpty()) return false;
  auto* cache = cached_data(source, kOfModule);
  v8::ScriptCompiler::Source compiled(text, origin_of(isolate, record, true), cache);
  v8::Local<v8::Module> module;
  if (!v8::ScriptCompiler::CompileModule(isolate, &compiled, options_for(cache)).ToLocal(&module)) {
    return false;
  }
  note_rejection(source, compiled);
  register_module(record, isolate, module);
  v8::Local<v8::FixedArray> requests = module->GetModuleRequests();
  for (int i = 0; i < requests->Length(); ++i) {
    auto from = requests->Get(i).As<v8::ModuleRequest>();
    ModuleRequest request;
    request.specifier = cpp_string(isolate, from->GetSpecifier());
    request.source_phase = from->GetPhase() == v8::ModuleImportPhase::kSource;
    request.type = type_attribute(isolate, from->GetImportAttributes(), 3);
    v8::Location at = module->SourceOffsetToLocation(from->GetSourceOffset());
    request.line = static_cast<uint32_t>(at.GetLineNumber()) + 1;
    request.column = static_cast<uint32_t>(at.GetColumnNumber()) + 1;
    record.requests.push_back(std::move(request));
  }
  return true;
}

bool ModuleLoader::Impl::compile_script(v8::Isolate* isolate, v8::Local<v8::Context>,
                                        ModuleRecord& record) {
  v8::Local<v8::String> text = source_string(isolate, *record.source);
  if (text.IsEmpty()) return false;
  auto* cache = cached_data(*record.source, kOfScript);
  v8::ScriptCompiler::Source compiled(text, origin_of(isolate, record, false), cache);
  v8::Local<v8::UnboundScript> script;
  if (!v8::ScriptCompiler::CompileUnboundScript(isolate, &compiled, options_for(cache))
           .ToLocal(&script)) {
    return false;
  }
  note_rejection(*record.source, compiled);
  record.script.Reset(isolate, script);
  return true;
}

void ModuleLoader::Impl::compile_commonjs(ModuleRecord& record) {
  // Its code is compiled when it is called; what it needs and gives must be known before.
  CjsScan scan = scan_commonjs(record.source->content);
  for (std::string& specifier : scan.requires_) {
    ModuleRequest request;
    request.specifier = std::move(specifier);
    request.kind = ImportKind::require;
    record.requests.push_back(std::move(request));
  }
  record.export_names = std::move(scan.exports);
  record.reexports = std::move(scan.reexports);
}

v8::MaybeLocal<v8::Function> ModuleLoader::Impl::compile_function(v8::Isolate* isolate,
                                                                  v8::Local<v8::Context> context,
                                                                  ModuleRecord& record) {
  v8::Local<v8::String> text = source_string(isolate, *record.source);
  if (text.IsEmpty()) return {};
  auto* cache = cached_data(*record.source, kOfFunction);
  v8::ScriptCompiler::Source compiled(text, origin_of(isolate, record, false), cache);
  v8::Local<v8::String> parameters[] = {
      js_string(isolate, "exports"), js_string(isolate, "require"), js_string(isolate, "module"),
      js_string(isolate, "__filename"), js_string(isolate, "__dirname")};
  v8::Local<v8::Function> function;
  if (!v8::ScriptCompiler::CompileFunction(context, &compiled, std::size(parameters), parameters, 0,
                                           nullptr, options_for(cache))
           .ToLocal(&function)) {
    return {};
  }
  note_rejection(*record.source, compiled);
  record.function.Reset(isolate, function);
  return function;
}

bool ModuleLoader::Impl::compile_wasm(v8::Isolate* isolate, v8::Local<v8::Context>,
                                      ModuleRecord& record) {
  ModuleSource& source = *record.source;
  v8::Local<v8::WasmModuleObject> module;
  if (source.compiled_wasm) {
    if (!v8::WasmModuleObject::FromCompiledModule(isolate, *source.compiled_wasm)
             .ToLocal(&module)) {
      return false;
    }
  } else {
    if (std::string refused = scan_wasm(source.content).refused; !refused.empty()) {
      isolate->ThrowException(
          v8::Exception::WasmCompileError(js_string(isolate, record.name + ": " + refused)));
      return false;
    }
    tenant.impl().compiling_wasm = true;
    const bool compiled = v8::WasmModuleObject::Compile(
                              isolate, {reinterpret_cast<const uint8_t*>(source.content.data()),
                                        source.content.size()})
                              .ToLocal(&module);
    tenant.impl().compiling_wasm = false;
    if (!compiled) return false;
    source.compiled_wasm.emplace(module->GetCompiledModule());
  }
  record.value.Reset(isolate, module);
  return true;
}

bool ModuleLoader::Impl::compile_builtin(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                         ModuleRecord& record) {
  v8::Local<v8::Object> object;
  if (!options.builtin || !options.builtin(isolate, context, record.name).ToLocal(&object)) {
    return !isolate->HasPendingException() && !isolate->IsExecutionTerminating();
  }
  v8::Local<v8::Array> names;
  if (!object->GetOwnPropertyNames(context, v8::SKIP_SYMBOLS).ToLocal(&names)) return false;
  for (uint32_t i = 0; i < names->Length(); ++i) {
    v8::Local<v8::Value> name;
    if (!names->Get(context, i).ToLocal(&name)) return false;
    record.export_names.push_back(cpp_string(isolate, name));
  }
  std::erase(record.export_names, "default");
  record.value.Reset(isolate, object);
  return true;
}

std::string ModuleLoader::Impl::code_cache_of(v8::Isolate* isolate, ModuleRecord& record) {
  if (!record.source || !record.source->code_cache.empty()) return {};
  if (record.source->content.size() < kCachedSourceBytes) return {};
  std::unique_ptr<v8::ScriptCompiler::CachedData> data;
  char what = 0;
  if (!record.script.IsEmpty()) {
    data.reset(v8::ScriptCompiler::CreateCodeCache(record.script.Get(isolate)));
    what = kOfScript;
  } else if (!record.function.IsEmpty()) {
    data.reset(v8::ScriptCompiler::CreateCodeCacheForFunction(record.function.Get(isolate)));
    what = kOfFunction;
  } else if (record.is(ModuleType::esm) && !record.module.IsEmpty()) {
    v8::Local<v8::Module> module = record.module.Get(isolate);
    if (module->GetStatus() < v8::Module::kInstantiated) return {};
    data.reset(v8::ScriptCompiler::CreateCodeCache(module->GetUnboundModuleScript()));
    what = kOfModule;
  }
  if (!data || data->length <= 0) return {};
  std::string bytes(reinterpret_cast<const char*>(data->data), static_cast<size_t>(data->length));
  bytes.push_back(what);
  return bytes;
}

}  // namespace skep::isolate
