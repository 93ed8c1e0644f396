#include "isolate/modules.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "isolate/modules_impl.h"

namespace skep::isolate {
namespace {

constexpr const char* kUnsettled = "Error: Top-level await in module is unsettled.";

class LoaderJob final : public Job {
 public:
  LoaderJob(CpuMeter* meter, std::function<void(v8::Isolate*, v8::Local<v8::Context>)> run,
            std::function<void(StopReason)> done)
      : meter_(meter), run_(std::move(run)), done_(std::move(done)) {}
  void run(v8::Isolate* isolate, v8::Local<v8::Context> context) override {
    run_(isolate, context);
  }
  void done(StopReason reason) override {
    const std::unique_ptr<LoaderJob> self(this);
    done_(reason);
  }
  CpuMeter* meter() override { return meter_; }

 private:
  CpuMeter* const meter_;
  std::function<void(v8::Isolate*, v8::Local<v8::Context>)> run_;
  std::function<void(StopReason)> done_;
};

StackReport plain_report(std::string message) {
  StackReport report;
  report.message = std::move(message);
  return report;
}

StackReport stop_report(StopReason reason) {
  switch (reason) {
    case StopReason::cpu_limit:
      return plain_report("Worker exceeded CPU time limit during start-up.");
    case StopReason::memory_limit:
      return plain_report("Worker exceeded memory limit during start-up.");
    default:
      return plain_report("The worker was stopped during start-up.");
  }
}

std::string_view line_of(std::string_view text, uint32_t line) {
  for (; line > 1; --line) {
    const size_t newline = text.find('\n');
    if (newline == std::string_view::npos) return {};
    text.remove_prefix(newline + 1);
  }
  return text.substr(0, text.find('\n'));
}

}  // namespace

ModuleRequest* ModuleRecord::find(std::string_view specifier, ImportKind kind) {
  const auto found =
      std::find_if(requests.begin(), requests.end(), [&](const ModuleRequest& request) {
        return request.kind == kind && request.specifier == specifier;
      });
  return found == requests.end() ? nullptr : &*found;
}

ModuleLoader::Impl::Impl(Tenant& tenant_in, std::shared_ptr<Bundle> bundle_in,
                         ModuleOptions options_in)
    : tenant(tenant_in), bundle(std::move(bundle_in)), options(std::move(options_in)) {
  v8::Isolate* isolate = tenant.isolate();
  isolate->SetData(kLoaderSlot, this);
  isolate->SetHostImportModuleWithPhaseDynamicallyCallback(import_dynamically);
  isolate->SetHostInitializeImportMetaObjectCallback(fill_import_meta);
}

ModuleLoader::Impl::~Impl() {
  tenant.isolate()->SetData(kLoaderSlot, nullptr);
}

// --- records ---

ModuleRecord& ModuleLoader::Impl::record_for(ModuleSource& source) {
  ModuleRecord*& record = by_source[&source];
  if (record) return *record;
  records.push_back(std::make_unique<ModuleRecord>());
  record = records.back().get();
  record->index = static_cast<uint32_t>(records.size() - 1);
  record->source = &source;
  record->name = source.name;
  by_name.emplace(record->name, record);
  return *record;
}

ModuleRecord& ModuleLoader::Impl::record_for_builtin(std::string_view specifier) {
  // A worker's own module may have this name as well: built-ins are looked up by a key of their
  // own.
  ModuleRecord*& record = by_name[std::string("\0", 1).append(specifier)];
  if (record) return *record;
  records.push_back(std::make_unique<ModuleRecord>());
  record = records.back().get();
  record->index = static_cast<uint32_t>(records.size() - 1);
  record->name = specifier;
  return *record;
}

ModuleRecord* ModuleLoader::Impl::record_of(v8::Local<v8::Module> module) {
  const auto [begin, end] = by_hash.equal_range(module->GetIdentityHash());
  for (auto at = begin; at != end; ++at) {
    if (at->second->module == module) return at->second;
  }
  return nullptr;
}

ModuleRecord* ModuleLoader::Impl::record_named(std::string_view name) {
  const auto found = by_name.find(std::string(name));
  return found == by_name.end() ? nullptr : found->second;
}

void ModuleLoader::Impl::register_module(ModuleRecord& record, v8::Isolate* isolate,
                                         v8::Local<v8::Module> module) {
  record.module.Reset(isolate, module);
  by_hash.emplace(module->GetIdentityHash(), &record);
}

const SourceMap* ModuleLoader::Impl::source_map(std::string_view name) {
  ModuleRecord* record = record_named(name);
  if (!record || !record->source || record->source->source_map.empty()) return nullptr;
  const auto [entry, fresh] = source_maps.try_emplace(record->name);
  if (fresh) {
    // One that cannot be read is as good as none: positions are then those of the code that runs.
    if (auto map = SourceMap::parse(record->source->source_map)) {
      entry->second = std::make_unique<SourceMap>(std::move(*map));
    }
  }
  return entry->second.get();
}

// --- jobs ---

void ModuleLoader::Impl::run_job(CpuMeter* meter,
                                 std::function<void(v8::Isolate*, v8::Local<v8::Context>)> run,
                                 std::function<void(StopReason)> done) {
  auto job = std::make_unique<LoaderJob>(meter, std::move(run), std::move(done));
  if (tenant.run(*job)) {
    job.release();  // deletes itself
  } else {
    job.release()->done(StopReason::memory_limit);
  }
}

// --- a graph ---

void ModuleLoader::Impl::start(std::unique_ptr<GraphLoad> load) {
  loads.push_back(std::move(load));
  if (loads.size() == 1) begin_front();
}

void ModuleLoader::Impl::begin_front() {
  reach(*loads.front()->root);
  advance();
}

// Visits a module: it is compiled if need be, and what it imports is visited after it.
void ModuleLoader::Impl::reach(ModuleRecord& record) {
  if (record.queued) return;
  record.queued = true;
  GraphLoad& load = *loads.front();
  load.reached.push_back(&record);
  (record.compiled ? load.to_visit : load.to_compile).push_back(&record);
}

void ModuleLoader::Impl::advance() {
  GraphLoad& load = *loads.front();
  while (!load.to_visit.empty()) {
    ModuleRecord* record = load.to_visit.back();
    load.to_visit.pop_back();
    resolve_requests(*record);
  }
  if (load.compiling || load.waiting > 0) return;
  const bool failed = !load.failures.empty() && !load.report_all;
  if (failed || load.stopped != StopReason::none || load.to_compile.empty()) return finish_front();
  compile_wave();
}

void ModuleLoader::Impl::compile_wave() {
  GraphLoad& load = *loads.front();
  load.compiling = true;
  auto wave = std::make_shared<std::vector<ModuleRecord*>>(std::exchange(load.to_compile, {}));
  run_job(
      load.meter,
      [this, wave](v8::Isolate* isolate, v8::Local<v8::Context> context) {
        GraphLoad& current = *loads.front();
        for (ModuleRecord* record : *wave) {
          v8::HandleScope scope(isolate);
          v8::TryCatch caught(isolate);
          bool compiled = compile(isolate, context, *record);
          if (!compiled && record == main && record->is(ModuleType::esm) && caught.HasCaught() &&
              !caught.HasTerminated()) {
            // A classic script may be no module at all: `with`, octal numbers, names such as
            // `await`.
            v8::TryCatch of_script(isolate);
            compiled = compile_script(isolate, context, *record);
          }
          if (compiled) {
            record->compiled = true;
            continue;
          }
          if (caught.HasTerminated() || !caught.HasCaught()) return;
          if (current.exception.IsEmpty()) current.exception.Reset(isolate, caught.Exception());
          current.failures.push_back(
              describe(isolate, context, caught.Exception(), caught.Message()));
        }
      },
      [this, wave](StopReason reason) {
        GraphLoad& current = *loads.front();
        current.compiling = false;
        current.stopped = reason;
        if (reason == StopReason::none) wave_compiled(*wave);
        advance();
      });
}

void ModuleLoader::Impl::wave_compiled(const std::vector<ModuleRecord*>& wave) {
  for (ModuleRecord* record : wave) {
    if (!record->compiled) continue;
    if (records.size() > limits::kModulesPerWorker) {
      return fail_front(plain_report("Error: the worker has too many modules."));
    }
    resolve_requests(*record);
  }
}

void ModuleLoader::Impl::resolve_requests(ModuleRecord& record) {
  for (size_t i = 0; i < record.requests.size(); ++i) {
    if (record.requests[i].resolved) {
      if (record.requests[i].target) reach(*record.requests[i].target);
      continue;
    }
    ++loads.front()->waiting;
    auto now = bundle->resolve(record.name, record.requests[i].specifier, record.requests[i].kind,
                               [weak = weak_from_this(), &record, i](Resolved answer) {
                                 const auto self = weak.lock();
                                 if (!self) return;
                                 self->resolved(record, i, std::move(answer));
                                 self->advance();
                               });
    if (now) resolved(record, i, std::move(*now));
  }
}

void ModuleLoader::Impl::resolved(ModuleRecord& record, size_t index, Resolved answer) {
  --loads.front()->waiting;
  ModuleRequest& request = record.requests[index];
  if (answer.module) {
    request.target = &record_for(*answer.module);
  } else if (answer.builtin) {
    request.target = &record_for_builtin(request.specifier);
  } else {
    request.missing = std::move(answer.missing);
    if (request.missing.empty()) request.missing = no_such_module(request.specifier, record.name);
  }
  // What is missing may be there next time for another isolate; in this graph it is settled.
  request.resolved = true;
  if (request.target) return reach(*request.target);
  if (request.kind == ImportKind::import) {
    fail_front(report_at(record, request, "Error: " + request.missing));
  }
}

StackReport ModuleLoader::Impl::report_at(const ModuleRecord& record, const ModuleRequest& request,
                                          std::string message) {
  StackReport report = plain_report(std::move(message));
  report.file = record.name;
  report.line = request.line;
  report.column = request.column;
  if (request.line == 0) return report;
  if (const SourceMap* map = source_map(record.name)) {
    if (const auto position = map->find(request.line, request.column)) {
      report.file = mapped_file(record.name, position->source);
      report.line = position->line;
      report.column = position->column;
      report.source_line = map->source_line(position->source_index, position->line);
      return report;
    }
  }
  report.source_line = line_of(record.source->content, request.line);
  return report;
}

void ModuleLoader::Impl::fail_front(StackReport report) {
  loads.front()->failures.push_back(std::move(report));
}

void ModuleLoader::Impl::finish_front() {
  std::unique_ptr<GraphLoad> load = std::move(loads.front());
  loads.pop_front();
  for (ModuleRecord* record : load->reached) record->queued = false;
  load->done(*load);
  if (!loads.empty() && loads.front()->reached.empty()) begin_front();
}

// --- the main module ---

void ModuleLoader::Impl::load(CpuMeter* meter,
                              std::function<void(std::expected<void, LoadFailure>)> done) {
  main = &record_for(bundle->main());
  main_meter = meter;
  main_done = std::move(done);
  auto graph = std::make_unique<GraphLoad>();
  graph->root = main;
  graph->meter = meter;
  graph->done = [this](GraphLoad& load) {
    if (load.stopped != StopReason::none) {
      return finish_main(std::unexpected(LoadFailure{stop_report(load.stopped), load.stopped}));
    }
    if (!load.failures.empty()) {
      return finish_main(std::unexpected(LoadFailure{std::move(load.failures.front())}));
    }
    evaluate_main();
  };
  start(std::move(graph));
}

void ModuleLoader::Impl::evaluate_main() {
  run_job(
      main_meter,
      [this](v8::Isolate* isolate, v8::Local<v8::Context> context) {
        v8::TryCatch caught(isolate);
        v8::Local<v8::Promise> promise;
        if (link_and_evaluate(context, *main).ToLocal(&promise)) {
          main_promise.Reset(isolate, promise);
          isolate->PerformMicrotaskCheckpoint();
          look_at_main(isolate, context);
        } else if (caught.HasCaught() && !caught.HasTerminated()) {
          main_failure =
              LoadFailure{describe(isolate, context, caught.Exception(), caught.Message())};
        }
      },
      [this](StopReason reason) { main_looked_at(reason); });
}

void ModuleLoader::Impl::look_at_main(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  v8::Local<v8::Promise> promise = main_promise.Get(isolate);
  main_pending = promise->State() == v8::Promise::kPending;
  if (promise->State() != v8::Promise::kRejected) return;
  promise->MarkAsHandled();
  main_failure = LoadFailure{describe(isolate, context, promise->Result())};
}

// After each job that may have settled the main module's promise.
void ModuleLoader::Impl::main_looked_at(StopReason reason) {
  if (!main_done) return;
  if (reason != StopReason::none) {
    return finish_main(std::unexpected(LoadFailure{stop_report(reason), reason}));
  }
  if (main_failure) return finish_main(std::unexpected(std::move(*main_failure)));
  if (!main_pending) return finish_main({});
  // An import() may be what it waits for; nothing else may be awaited at top level.
  if (imports == 0) finish_main(std::unexpected(LoadFailure{plain_report(kUnsettled)}));
}

void ModuleLoader::Impl::finish_main(std::expected<void, LoadFailure> result) {
  main_promise.Reset();
  main_meter = nullptr;
  auto done = std::exchange(main_done, nullptr);
  done(std::move(result));
}

void ModuleLoader::Impl::check(std::function<void(std::vector<StackReport>)> done) {
  main = &record_for(bundle->main());
  auto graph = std::make_unique<GraphLoad>();
  graph->root = main;
  graph->report_all = true;
  graph->done = [this, done = std::move(done)](GraphLoad& load) mutable {
    auto failures = std::make_shared<std::vector<StackReport>>(std::move(load.failures));
    if (load.stopped != StopReason::none) failures->push_back(stop_report(load.stopped));
    if (!failures->empty()) return done(std::move(*failures));
    // What is imported by name must be exported.
    run_job(
        nullptr,
        [this, failures](v8::Isolate* isolate, v8::Local<v8::Context> context) {
          if (!main->script.IsEmpty()) return;
          v8::TryCatch caught(isolate);
          if (link(context, ensure_module(isolate, context, *main)) || !caught.HasCaught()) return;
          failures->push_back(describe(isolate, context, caught.Exception(), caught.Message()));
        },
        [failures, done = std::move(done)](StopReason) { done(std::move(*failures)); });
  };
  start(std::move(graph));
}

// --- import() ---

void ModuleLoader::Impl::start_imports() {
  for (auto& import : std::exchange(new_imports, {})) start_import(std::move(import));
}

void ModuleLoader::Impl::start_import(std::shared_ptr<DynamicImport> import) {
  auto answered = [weak = weak_from_this(), import](Resolved answer) {
    const auto self = weak.lock();
    if (!self) return;
    ModuleRequest& request = import->request;
    request.resolved = true;
    request.missing = std::move(answer.missing);
    if (answer.module) request.target = &self->record_for(*answer.module);
    if (answer.builtin) request.target = &self->record_for_builtin(request.specifier);
    if (!request.target && request.missing.empty()) {
      request.missing = no_such_module(request.specifier, import->referrer);
    }
    auto graph = std::make_unique<GraphLoad>();
    if (!request.target) return self->import_loaded(import, *graph);
    graph->root = request.target;
    graph->meter = &import->meter;
    graph->done = [self = self.get(), import](GraphLoad& load) {
      self->import_loaded(import, load);
    };
    self->start(std::move(graph));
  };
  auto now =
      bundle->resolve(import->referrer, import->request.specifier, ImportKind::import, answered);
  if (now) answered(std::move(*now));
}

void ModuleLoader::Impl::import_loaded(std::shared_ptr<DynamicImport> import, GraphLoad& load) {
  if (!load.exception.IsEmpty()) {
    import->exception = std::move(load.exception);
  } else if (!load.failures.empty()) {
    import->request.missing = load.failures.front().message;
    constexpr std::string_view kError = "Error: ";
    if (import->request.missing.starts_with(kError))
      import->request.missing.erase(0, kError.size());
  }
  if (load.stopped != StopReason::none) return end_import(*import);
  run_job(
      &import->meter,
      [this, import](v8::Isolate* isolate, v8::Local<v8::Context> context) {
        settle_import(isolate, context, *import);
        if (isolate->IsExecutionTerminating()) return;
        isolate->PerformMicrotaskCheckpoint();
        if (options.after_import && !isolate->IsExecutionTerminating()) {
          options.after_import(isolate, context);
        }
      },
      [this, import](StopReason) { end_import(*import); });
}

void ModuleLoader::Impl::end_import(const DynamicImport&) {
  --imports;
  if (options.import_done) options.import_done();
  if (!main_done || main_promise.IsEmpty()) return;
  run_job(
      main_meter,
      [this](v8::Isolate* isolate, v8::Local<v8::Context> context) {
        if (main_done) look_at_main(isolate, context);
      },
      [this](StopReason reason) { main_looked_at(reason); });
}

// --- code caches ---

void ModuleLoader::Impl::make_code_caches() {
  if (std::exchange(caches_made, true)) return;
  auto made = std::make_shared<std::vector<std::pair<ModuleSource*, std::string>>>();
  run_job(
      nullptr,
      [this, made](v8::Isolate* isolate, v8::Local<v8::Context>) {
        for (const auto& record : records) {
          v8::HandleScope scope(isolate);
          std::string bytes = code_cache_of(isolate, *record);
          if (!bytes.empty()) made->emplace_back(record->source, std::move(bytes));
        }
      },
      [this, made](StopReason reason) {
        if (reason != StopReason::none) return;
        for (auto& [source, bytes] : *made) {
          if (!source->code_cache.empty()) continue;  // a sibling was faster
          source->code_cache = std::move(bytes);
          bundle->cache_made(*source);
        }
      });
}

// --- the public face ---

ModuleLoader::ModuleLoader(Tenant& tenant, std::shared_ptr<Bundle> bundle, ModuleOptions options)
    : impl_(std::make_shared<Impl>(tenant, std::move(bundle), std::move(options))) {}
ModuleLoader::~ModuleLoader() = default;

void ModuleLoader::load(CpuMeter* meter,
                        std::function<void(std::expected<void, LoadFailure>)> done) {
  impl_->load(meter, std::move(done));
}
void ModuleLoader::check(std::function<void(std::vector<StackReport>)> done) {
  impl_->check(std::move(done));
}
bool ModuleLoader::main_is_script() const {
  return impl_->main && !impl_->main->script.IsEmpty();
}
v8::MaybeLocal<v8::Object> ModuleLoader::main_namespace(v8::Isolate* isolate) const {
  if (!impl_->main || main_is_script() || impl_->main->module.IsEmpty()) return {};
  return impl_->main->module.Get(isolate)->GetModuleNamespace().As<v8::Object>();
}
bool ModuleLoader::importing() const {
  return impl_->imports > 0;
}
void ModuleLoader::make_code_caches() {
  impl_->make_code_caches();
}

}  // namespace skep::isolate
