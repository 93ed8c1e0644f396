// The module graph of one isolate: loads a bundle's modules (ES modules, CommonJS, JSON, text,
// data, Wasm, built-ins), links and evaluates them, answers import() and require(), keeps code
// caches. Owned by the runtime that is attached to the tenant, and destroyed with it. All calls on
// the loop's stack unless a method says "job".
#pragma once

#include <v8.h>

#include <expected>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "isolate/bundle.h"
#include "isolate/stack_trace.h"
#include "isolate/tenant.h"

namespace skep::isolate {

struct ModuleOptions {
  // Job: the object whose own properties become the exports of the built-in module `specifier` (its
  // `default` too; without one, the default export is the object). Empty with nothing thrown: no
  // such module.
  std::function<v8::MaybeLocal<v8::Object>(v8::Isolate*, v8::Local<v8::Context>,
                                           std::string_view specifier)>
      builtin;
  // Job: after the JavaScript of an import() has run, while its code is still inside the isolate:
  // for what the runtime does at the end of each of its own jobs (rejections that nobody handled).
  std::function<void(v8::Isolate*, v8::Local<v8::Context>)> after_import;
  // Loop: an import() is over; the events that waited for it may have gone on.
  std::function<void()> import_done;
  // The compatibility flag of this name: require() of an ES module or built-in gives its default
  // export.
  bool require_returns_default_export = true;
};

struct LoadFailure {
  StackReport report;
  StopReason stopped = StopReason::none;  // a limit ended the load; the report says little then
};

class ModuleLoader {
 public:
  ModuleLoader(Tenant& tenant, std::shared_ptr<Bundle> bundle, ModuleOptions options);
  ~ModuleLoader();
  ModuleLoader(const ModuleLoader&) = delete;
  ModuleLoader& operator=(const ModuleLoader&) = delete;

  // Compiles what static imports reach from the main module, links and evaluates. CPU time goes to
  // `meter` (null: nobody's), which must live until `done` is called, once.
  void load(CpuMeter* meter, std::function<void(std::expected<void, LoadFailure>)> done);
  // Compiles what static imports reach, evaluates nothing, and reports everything that is wrong.
  void check(std::function<void(std::vector<StackReport>)> done);

  // After load. A main module without imports and exports is a classic script (service-worker
  // syntax) and has no namespace.
  bool main_is_script() const;
  v8::MaybeLocal<v8::Object> main_namespace(v8::Isolate* isolate) const;  // job

  // An import() is under way: it will wake the isolate.
  bool importing() const;

  // Makes the code caches of modules that have none, once: after the first event, when the
  // functions that matter have been compiled. Runs a job.
  void make_code_caches();

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace skep::isolate
