// Loads a worker into its tenant: the runtime is configured, the bundle's modules are loaded under
// the start-up CPU limit (isolate/modules.h), and the main module's exports become the entry
// points.
#include "api/base/values.h"
#include "api/event/errors.h"
#include "api/event/report.h"
#include "api/runtime_impl.h"
#include "isolate/modules.h"

namespace skep::api {
namespace {

using LoadDone = std::function<void(std::expected<void, ExceptionReport>)>;

v8::MaybeLocal<v8::Value> call(Runtime::Impl& runtime, v8::Isolate* isolate,
                               v8::Local<v8::Context> context, Hook hook, int argc,
                               v8::Local<v8::Value> argv[]) {
  return runtime.hook(isolate, hook)->Call(context, v8::Undefined(isolate), argc, argv);
}

v8::MaybeLocal<v8::Object> builtin_module(Runtime::Impl& runtime, v8::Isolate* isolate,
                                          v8::Local<v8::Context> context, std::string_view name) {
  v8::Local<v8::Value> argv[1] = {js_text(isolate, name)};
  v8::Local<v8::Value> exports;
  if (!call(runtime, isolate, context, Hook::builtin_module, 1, argv).ToLocal(&exports) ||
      !exports->IsObject()) {
    return {};
  }
  return exports.As<v8::Object>();
}

// A job of the runtime's own around the load; deletes itself.
class LoadStep final : public isolate::Job {
 public:
  using Run = std::function<bool(v8::Isolate*, v8::Local<v8::Context>)>;
  using Then = std::function<void(ExceptionReport)>;  // an empty message: all is well

  static void start(Runtime::Impl& runtime, isolate::CpuMeter* meter, Run run, Then then) {
    auto* step = new LoadStep(runtime, meter, std::move(run), std::move(then));
    if (!runtime.tenant.run(*step)) step->done(isolate::StopReason::shutdown);
  }

  void run(v8::Isolate* isolate, v8::Local<v8::Context> context) override {
    runtime_.take_hooks(isolate, context);
    v8::TryCatch caught(isolate);
    if (run_(isolate, context)) return;
    error_.message = "Error: the worker could not be set up";
    if (caught.HasCaught() && !caught.HasTerminated()) {
      error_ = make_report(isolate, context, caught.Exception());
    }
  }
  void done(isolate::StopReason reason) override {
    if (reason != isolate::StopReason::none) error_ = stopped_report(reason);
    Then then = std::move(then_);
    ExceptionReport error = std::move(error_);
    delete this;
    then(std::move(error));
  }
  isolate::CpuMeter* meter() override { return meter_; }

 private:
  LoadStep(Runtime::Impl& runtime, isolate::CpuMeter* meter, Run run, Then then)
      : runtime_(runtime), meter_(meter), run_(std::move(run)), then_(std::move(then)) {}

  Runtime::Impl& runtime_;
  isolate::CpuMeter* meter_;
  Run run_;
  Then then_;
  ExceptionReport error_;
};

bool configure(Runtime::Impl& runtime, v8::Isolate* isolate, v8::Local<v8::Context> context) {
  v8::LocalVector<v8::Value> vars(isolate), flags(isolate), bindings(isolate);
  for (const EnvVar& variable : runtime.options.env) {
    vars.push_back(js_text(isolate, variable.name));
    vars.push_back(js_text(isolate, variable.value));
    vars.push_back(v8::Boolean::New(isolate, variable.json));
  }
  for (const std::string& flag : runtime.options.compatibility_flags) {
    flags.push_back(js_text(isolate, flag));
  }
  for (const EnvBinding& binding : runtime.options.bindings) {
    bindings.push_back(js_text(isolate, binding.name));
  }
  v8::Local<v8::Value> argv[3] = {v8::Array::New(isolate, vars.data(), vars.size()),
                                  v8::Array::New(isolate, flags.data(), flags.size()),
                                  v8::Array::New(isolate, bindings.data(), bindings.size())};
  return !call(runtime, isolate, context, Hook::configure, 3, argv).IsEmpty();
}

// Scripts may be made from strings while the top level runs, whose CPU time is short; never later.
bool allows_eval(const Runtime::Impl& runtime) {
  return runtime.has_flag("allow_eval_during_startup");
}

// The top level has been evaluated.
bool take_main(Runtime::Impl& runtime, v8::Isolate* isolate, v8::Local<v8::Context> context) {
  context->AllowCodeGenerationFromStrings(false);
  v8::Local<v8::Value> argv[1] = {v8::Undefined(isolate)};
  v8::Local<v8::Object> exports;
  if (!runtime.loader->main_is_script() &&
      runtime.loader->main_namespace(isolate).ToLocal(&exports)) {
    argv[0] = exports;
  }
  return !call(runtime, isolate, context, Hook::set_main, 1, argv).IsEmpty();
}

void make_loader(Runtime::Impl& runtime, std::shared_ptr<isolate::Bundle> bundle) {
  isolate::ModuleOptions options;
  options.builtin = [&runtime](v8::Isolate* isolate, v8::Local<v8::Context> context,
                               std::string_view specifier) {
    return builtin_module(runtime, isolate, context, specifier);
  };
  options.after_import = [&runtime](v8::Isolate* isolate, v8::Local<v8::Context> context) {
    runtime.drain(isolate, context);
  };
  options.import_done = [&runtime] { runtime.after_job(); };
  options.require_returns_default_export = runtime.has_flag("require_returns_default_export");
  runtime.loader = std::make_unique<isolate::ModuleLoader>(runtime.tenant, std::move(bundle),
                                                           std::move(options));
}

}  // namespace

ExceptionReport stopped_report(isolate::StopReason reason) {
  switch (reason) {
    case isolate::StopReason::cpu_limit:
      return {.message = kExceededCpu};
    case isolate::StopReason::memory_limit:
      return {.message = kExceededMemory};
    default:
      return {.message = "The worker was stopped."};
  }
}

void Runtime::load(std::shared_ptr<isolate::Bundle> bundle, LoadDone done) {
  Impl& impl = *impl_;
  make_loader(impl, std::move(bundle));
  impl.startup_meter = {.used_ns = 0, .limit_ns = impl.options.startup_cpu_ms * 1'000'000};
  auto finished = [done](ExceptionReport error) {
    if (error.message.empty()) return done({});
    done(std::unexpected(std::move(error)));
  };
  auto evaluated = [&impl, finished](std::expected<void, isolate::LoadFailure> result) {
    if (!result) {
      const bool stopped = result.error().stopped != isolate::StopReason::none;
      return finished(stopped ? stopped_report(result.error().stopped)
                              : to_report(std::move(result.error().report)));
    }
    LoadStep::start(
        impl, &impl.startup_meter,
        [&impl](v8::Isolate* isolate, v8::Local<v8::Context> context) {
          return take_main(impl, isolate, context) && impl.drain(isolate, context);
        },
        finished);
  };
  LoadStep::start(
      impl, &impl.startup_meter,
      [&impl](v8::Isolate* isolate, v8::Local<v8::Context> context) {
        enter_event(isolate, 0);
        if (allows_eval(impl)) context->AllowCodeGenerationFromStrings(true);
        return configure(impl, isolate, context);
      },
      [&impl, evaluated, finished](ExceptionReport error) {
        if (!error.message.empty()) return finished(std::move(error));
        impl.loader->load(&impl.startup_meter, evaluated);
      });
}

void Runtime::check(std::shared_ptr<isolate::Bundle> bundle,
                    std::function<void(std::vector<ExceptionReport>)> done) {
  Impl& impl = *impl_;
  make_loader(impl, std::move(bundle));
  auto checked = [done](std::vector<isolate::StackReport> found) {
    std::vector<ExceptionReport> reports;
    for (isolate::StackReport& report : found) reports.push_back(to_report(std::move(report)));
    done(std::move(reports));
  };
  LoadStep::start(
      impl, nullptr, [](v8::Isolate*, v8::Local<v8::Context>) { return true; },
      [&impl, checked](ExceptionReport) { impl.loader->check(checked); });
}

}  // namespace skep::api
