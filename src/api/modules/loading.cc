// Loads a worker into its tenant: configures the runtime, then compiles, links and evaluates the
// bundle's modules under the start-up CPU limit.
#include <map>

#include "api/base/values.h"
#include "api/event/errors.h"
#include "api/event/report.h"
#include "api/runtime_impl.h"

namespace skep::api {
namespace {

class LoadJob final : public isolate::Job {
 public:
  LoadJob(Runtime::Impl& runtime, std::shared_ptr<isolate::Bundle> bundle,
          std::function<void(std::expected<void, ExceptionReport>)> done)
      : runtime_(runtime), bundle_(std::move(bundle)), done_(std::move(done)) {
    meter_.limit_ns = runtime.options.startup_cpu_ms * 1'000'000;
  }

  void run(v8::Isolate* isolate, v8::Local<v8::Context> context) override {
    runtime_.take_hooks(isolate, context);
    v8::TryCatch caught(isolate);
    current_ = this;
    if (!load(isolate, context) && caught.HasCaught() && !caught.HasTerminated()) {
      error_ = make_report(isolate, context, caught.Exception());
    }
    current_ = nullptr;
  }

  void done(isolate::StopReason reason) override {
    if (reason == isolate::StopReason::cpu_limit) error_ = {.message = kExceededCpu};
    if (reason == isolate::StopReason::memory_limit) error_ = {.message = kExceededMemory};
    auto done = std::move(done_);
    auto error = std::move(error_);
    delete this;
    if (error.message.empty()) done({});
    else done(std::unexpected(std::move(error)));
  }
  isolate::CpuMeter* meter() override { return &meter_; }

 private:
  bool load(v8::Isolate* isolate, v8::Local<v8::Context> context) {
    if (!configure(isolate, context)) return false;
    v8::Local<v8::Module> module;
    if (!compile(isolate, context, bundle_->main()).ToLocal(&module)) return false;
    if (module->InstantiateModule(context, resolve).IsNothing()) return false;
    enter_event(isolate, 0);
    v8::Local<v8::Value> argv[1];
    v8::Local<v8::Value> result;
    if (!module->Evaluate(context).ToLocal(&result)) return false;
    if (!runtime_.drain(isolate, context)) return false;
    auto promise = result.As<v8::Promise>();
    if (promise->State() == v8::Promise::kRejected) {
      runtime_.rejections.clear();
      isolate->ThrowException(promise->Result());
      return false;
    }
    if (promise->State() == v8::Promise::kPending) {
      throw_error(isolate, "Top-level await in module is unsettled.");
      return false;
    }
    argv[0] = module->GetModuleNamespace();
    v8::Local<v8::Array> keys;
    if (!argv[0].As<v8::Object>()->GetOwnPropertyNames(context).ToLocal(&keys)) return false;
    if (keys->Length() == 0) argv[0] = v8::Undefined(isolate);
    return !call(isolate, context, Hook::set_main, 1, argv).IsEmpty();
  }

  bool configure(v8::Isolate* isolate, v8::Local<v8::Context> context) {
    v8::LocalVector<v8::Value> vars(isolate), flags(isolate);
    for (const EnvVar& variable : runtime_.options.env) {
      vars.push_back(js_text(isolate, variable.name));
      vars.push_back(js_text(isolate, variable.value));
      vars.push_back(v8::Boolean::New(isolate, variable.json));
    }
    for (const std::string& flag : runtime_.options.compatibility_flags) {
      flags.push_back(js_text(isolate, flag));
    }
    v8::Local<v8::Value> argv[2] = {v8::Array::New(isolate, vars.data(), vars.size()),
                                    v8::Array::New(isolate, flags.data(), flags.size())};
    return !call(isolate, context, Hook::configure, 2, argv).IsEmpty();
  }

  v8::MaybeLocal<v8::Value> call(v8::Isolate* isolate, v8::Local<v8::Context> context, Hook hook,
                                 int argc, v8::Local<v8::Value> argv[]) {
    return runtime_.hook(isolate, hook)->Call(context, v8::Undefined(isolate), argc, argv);
  }

  v8::MaybeLocal<v8::Module> compile(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                     isolate::ModuleSource& source) {
    auto found = modules_.find(&source);
    if (found != modules_.end()) return found->second.Get(isolate);
    v8::ScriptOrigin origin(js_text(isolate, source.name), 0, 0, false, -1, {}, false, false, true);
    v8::Local<v8::String> text;
    if (!to_js_string(isolate, source.content).ToLocal(&text)) return {};
    v8::ScriptCompiler::Source script(text, origin);
    v8::Local<v8::Module> module;
    if (!v8::ScriptCompiler::CompileModule(isolate, &script).ToLocal(&module)) return {};
    modules_[&source].Reset(isolate, module);
    names_[module->GetIdentityHash()] = source.name;
    return module;
  }

  v8::MaybeLocal<v8::Module> builtin(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                     v8::Local<v8::String> name) {
    v8::Local<v8::Value> argv[1] = {name};
    v8::Local<v8::Value> exports;
    if (!call(isolate, context, Hook::builtin_module, 1, argv).ToLocal(&exports)) return {};
    builtin_exports_.Reset(isolate, exports.As<v8::Object>());
    v8::Local<v8::Array> keys;
    if (!exports.As<v8::Object>()->GetOwnPropertyNames(context).ToLocal(&keys)) return {};
    v8::LocalVector<v8::String> export_names(isolate);
    for (uint32_t i = 0; i < keys->Length(); ++i) {
      export_names.push_back(keys->Get(context, i).ToLocalChecked().As<v8::String>());
    }
    return v8::Module::CreateSyntheticModule(
        isolate, name, {export_names.data(), export_names.size()}, evaluate_builtin);
  }

  static v8::MaybeLocal<v8::Value> evaluate_builtin(v8::Local<v8::Context> context,
                                                    v8::Local<v8::Module> module) {
    v8::Isolate* isolate = v8::Isolate::GetCurrent();
    v8::Local<v8::Object> exports = current_->builtin_exports_.Get(isolate);
    v8::Local<v8::Array> keys = exports->GetOwnPropertyNames(context).ToLocalChecked();
    for (uint32_t i = 0; i < keys->Length(); ++i) {
      auto key = keys->Get(context, i).ToLocalChecked().As<v8::String>();
      (void)module->SetSyntheticModuleExport(isolate, key, exports->Get(context, key).ToLocalChecked());
    }
    auto resolver = v8::Promise::Resolver::New(context).ToLocalChecked();
    (void)resolver->Resolve(context, v8::Undefined(isolate));
    return resolver->GetPromise();
  }

  static v8::MaybeLocal<v8::Module> resolve(v8::Local<v8::Context> context,
                                            v8::Local<v8::String> specifier,
                                            v8::Local<v8::FixedArray>, v8::Local<v8::Module> referrer) {
    v8::Isolate* isolate = v8::Isolate::GetCurrent();
    LoadJob& self = *current_;
    auto resolved = self.bundle_->resolve(self.names_[referrer->GetIdentityHash()],
                                          to_utf8(isolate, specifier), isolate::ImportKind::import, {});
    if (resolved && resolved->module) return self.compile(isolate, context, *resolved->module);
    if (resolved && resolved->builtin) return self.builtin(isolate, context, specifier);
    throw_error(isolate, resolved ? resolved->missing : "not resolved");
    return {};
  }

  static inline LoadJob* current_ = nullptr;
  Runtime::Impl& runtime_;
  std::shared_ptr<isolate::Bundle> bundle_;
  std::function<void(std::expected<void, ExceptionReport>)> done_;
  isolate::CpuMeter meter_;
  ExceptionReport error_;
  std::map<isolate::ModuleSource*, v8::Global<v8::Module>> modules_;
  std::map<int, std::string> names_;
  v8::Global<v8::Object> builtin_exports_;
};

}  // namespace

void Runtime::load(std::shared_ptr<isolate::Bundle> bundle,
                   std::function<void(std::expected<void, ExceptionReport>)> done) {
  auto* job = new LoadJob(*impl_, std::move(bundle), std::move(done));
  if (!impl_->tenant.run(*job)) job->done(isolate::StopReason::shutdown);
}

}  // namespace skep::api
