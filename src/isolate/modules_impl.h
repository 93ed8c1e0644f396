// The inside of a ModuleLoader, for this folder only: modules.cc drives the load, module_compile.cc
// makes a module of each type, module_link.cc has V8's callbacks, commonjs.cc is require().
#pragma once

#include <v8.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "isolate/modules.h"
#include "isolate/source_map.h"
#include "isolate/tenant_impl.h"

namespace skep::isolate {

struct ModuleRecord;

// One import or require in a module's source.
struct ModuleRequest {
  std::string specifier;
  ImportKind kind = ImportKind::import;
  bool source_phase = false;  // import source x from
  std::string type;           // of `with { type: … }`; empty: none
  uint32_t line = 0;          // 1-based; 0: unknown
  uint32_t column = 0;
  bool resolved = false;
  ModuleRecord* target = nullptr;
  std::string missing;  // why there is no target
};

// A module of this isolate.
struct ModuleRecord {
  uint32_t index = 0;              // in Impl::records
  ModuleSource* source = nullptr;  // null: a built-in
  std::string name;                // the source's, or the built-in's specifier
  std::vector<ModuleRequest> requests;
  bool compiled = false;
  bool queued = false;  // of the load under way: to be compiled, or visited already

  v8::Global<v8::Module> module;  // source text, or synthetic (made when somebody links to it)
  // Text, data, JSON, Wasm: the default export. Built-in: the object. CommonJS: `module`.
  v8::Global<v8::Value> value;
  std::vector<std::string>
      export_names;                      // of a synthetic module; CommonJS: those of its own source
  std::vector<std::string> reexports;    // CommonJS: specifiers
  v8::Global<v8::UnboundScript> script;  // the main module, where it is a classic script
  v8::Global<v8::Function> function;     // CommonJS: its wrapper, once it was called
  bool started = false;                  // CommonJS: called

  ModuleType type() const { return source->type; }
  bool is(ModuleType wanted) const { return source && source->type == wanted; }
  ModuleRequest* find(std::string_view specifier, ImportKind kind);
};

struct ModuleLoader::Impl : std::enable_shared_from_this<ModuleLoader::Impl> {
  Impl(Tenant& tenant, std::shared_ptr<Bundle> bundle, ModuleOptions options);
  ~Impl();
  static Impl& from(v8::Isolate* isolate) {
    return *static_cast<Impl*>(isolate->GetData(kLoaderSlot));
  }

  // --- modules.cc: the load (loop) ---
  // Everything that static imports reach from a root. One at a time; the others wait.
  struct GraphLoad {
    ModuleRecord* root = nullptr;
    CpuMeter* meter = nullptr;
    bool report_all = false;  // go on after a failure
    std::function<void(GraphLoad&)> done;
    std::vector<ModuleRecord*> to_visit;  // compiled: its imports are next
    std::vector<ModuleRecord*> to_compile;
    std::vector<ModuleRecord*> reached;
    size_t waiting = 0;  // answers of the bundle
    bool compiling = false;
    std::vector<StackReport> failures;
    v8::Global<v8::Value> exception;  // of the first failure, where there is one
    StopReason stopped = StopReason::none;
  };
  struct DynamicImport;

  ModuleRecord& record_for(ModuleSource& source);
  ModuleRecord& record_for_builtin(std::string_view specifier);
  ModuleRecord* record_of(v8::Local<v8::Module> module);
  ModuleRecord* record_named(std::string_view name);
  void register_module(ModuleRecord& record, v8::Isolate* isolate, v8::Local<v8::Module> module);

  void load(CpuMeter* meter, std::function<void(std::expected<void, LoadFailure>)> done);
  void check(std::function<void(std::vector<StackReport>)> done);
  void start(std::unique_ptr<GraphLoad> load);
  void begin_front();
  void advance();
  void compile_wave();
  void wave_compiled(const std::vector<ModuleRecord*>& wave);
  void resolve_requests(ModuleRecord& record);
  void resolved(ModuleRecord& record, size_t request, Resolved answer);
  void reach(ModuleRecord& record);
  void fail_front(StackReport report);
  void finish_front();
  void evaluate_main();
  void look_at_main(v8::Isolate* isolate, v8::Local<v8::Context> context);  // job
  void main_looked_at(StopReason reason);
  void finish_main(std::expected<void, LoadFailure> result);
  StackReport report_at(const ModuleRecord& record, const ModuleRequest& request,
                        std::string message);
  // Runs `run` in the isolate and then `done` on the loop's stack.
  void run_job(CpuMeter* meter, std::function<void(v8::Isolate*, v8::Local<v8::Context>)> run,
               std::function<void(StopReason)> done);
  void start_imports();
  void start_import(std::shared_ptr<DynamicImport> import);
  void import_loaded(std::shared_ptr<DynamicImport> import, GraphLoad& load);
  void end_import(const DynamicImport& import);
  void make_code_caches();

  // --- module_compile.cc (job) ---
  // False: an exception is pending or execution was terminated.
  bool compile(v8::Isolate* isolate, v8::Local<v8::Context> context, ModuleRecord& record);
  bool compile_esm(v8::Isolate* isolate, v8::Local<v8::Context> context, ModuleRecord& record);
  bool compile_script(v8::Isolate* isolate, v8::Local<v8::Context> context, ModuleRecord& record);
  bool compile_wasm(v8::Isolate* isolate, v8::Local<v8::Context> context, ModuleRecord& record);
  bool compile_builtin(v8::Isolate* isolate, v8::Local<v8::Context> context, ModuleRecord& record);
  void compile_commonjs(ModuleRecord& record);
  v8::Local<v8::String> source_string(v8::Isolate* isolate, const ModuleSource& source);
  std::string code_cache_of(v8::Isolate* isolate, ModuleRecord& record);

  // --- module_link.cc (job) ---
  static v8::MaybeLocal<v8::Module> resolve_module(v8::Local<v8::Context> context, size_t index,
                                                   v8::Local<v8::Module> referrer);
  static v8::MaybeLocal<v8::Object> resolve_source(v8::Local<v8::Context> context, size_t index,
                                                   v8::Local<v8::Module> referrer);
  static v8::MaybeLocal<v8::Value> evaluate_synthetic(v8::Local<v8::Context> context,
                                                      v8::Local<v8::Module> module);
  static v8::MaybeLocal<v8::Promise> import_dynamically(v8::Local<v8::Context> context,
                                                        v8::Local<v8::Data> host_defined_options,
                                                        v8::Local<v8::Value> resource_name,
                                                        v8::Local<v8::String> specifier,
                                                        v8::ModuleImportPhase phase,
                                                        v8::Local<v8::FixedArray> attributes);
  static void fill_import_meta(v8::Local<v8::Context> context, v8::Local<v8::Module> module,
                               v8::Local<v8::Object> meta);
  v8::Local<v8::Module> ensure_module(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                      ModuleRecord& record);
  // Links and evaluates; the promise of the evaluation. Empty: an exception is pending.
  v8::MaybeLocal<v8::Promise> link_and_evaluate(v8::Local<v8::Context> context,
                                                ModuleRecord& record);
  bool link(v8::Local<v8::Context> context, v8::Local<v8::Module> module);
  bool no_exports(v8::Isolate* isolate, v8::Local<v8::Context> context, ModuleRecord& record);
  bool attributes_fit(v8::Isolate* isolate, const ModuleRequest& request);
  void settle_import(v8::Isolate* isolate, v8::Local<v8::Context> context, DynamicImport& import);

  // --- commonjs.cc (job) ---
  static void require_callback(const v8::FunctionCallbackInfo<v8::Value>& info);
  v8::MaybeLocal<v8::Value> require(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                    ModuleRecord& record, const std::string& specifier);
  // What require() of the module gives.
  v8::MaybeLocal<v8::Value> required_value(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                           ModuleRecord& record);
  // Calls the module's function once, and gives module.exports as it is now.
  v8::MaybeLocal<v8::Value> run_commonjs(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                         ModuleRecord& record);
  v8::MaybeLocal<v8::Function> compile_function(v8::Isolate* isolate,
                                                v8::Local<v8::Context> context,
                                                ModuleRecord& record);
  void commonjs_names(ModuleRecord& record, std::vector<std::string>& names);

  // The source map of the module with this name; null where there is none that can be read.
  const SourceMap* source_map(std::string_view name);

  Tenant& tenant;
  const std::shared_ptr<Bundle> bundle;
  const ModuleOptions options;
  std::vector<std::unique_ptr<ModuleRecord>> records;
  std::unordered_map<const ModuleSource*, ModuleRecord*> by_source;
  std::unordered_map<std::string, ModuleRecord*> by_name;
  std::unordered_multimap<int, ModuleRecord*> by_hash;  // V8's identity hash of the module
  std::unordered_map<std::string, std::unique_ptr<SourceMap>> source_maps;

  std::deque<std::unique_ptr<GraphLoad>> loads;
  CpuMeter* main_meter = nullptr;
  ModuleRecord* main = nullptr;
  std::function<void(std::expected<void, LoadFailure>)> main_done;
  v8::Global<v8::Promise> main_promise;
  std::optional<LoadFailure> main_failure;
  bool main_pending = false;  // evaluated, its promise is not settled
  std::vector<std::shared_ptr<DynamicImport>> new_imports;
  size_t imports = 0;  // not yet over
  bool caches_made = false;
};

struct ModuleLoader::Impl::DynamicImport {
  ModuleRequest request;
  std::string referrer;
  v8::Global<v8::Promise::Resolver> resolver;
  v8::Global<v8::Value> exception;  // rejected with this, where it is set
  CpuMeter meter;
};

// Small helpers of these files.
v8::Local<v8::String> js_string(v8::Isolate* isolate, std::string_view text);
std::string cpp_string(v8::Isolate* isolate, v8::Local<v8::Value> value);
v8::Local<v8::Value> missing_error(v8::Isolate* isolate, std::string_view message);
std::string no_such_module(std::string_view specifier, std::string_view referrer);
// The value of the attribute `type`; V8 gives 3 entries for each attribute of a static import, 2
// for one of import().
std::string type_attribute(v8::Isolate* isolate, v8::Local<v8::FixedArray> attributes, int entries);

}  // namespace skep::isolate
