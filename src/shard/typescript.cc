#include "shard/typescript.h"

#include <fmt/format.h>
#include <zstd.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "api/parts/parts.h"
#include "base/time.h"
#include "shard/memory_request.h"

// Embedded by the build: see typescript/build.mjs.
extern "C" const char skep_typescript_worker[];
extern "C" const char skep_typescript_worker_end[];
extern "C" const char skep_typescript_wasm_zst[];
extern "C" const char skep_typescript_wasm_zst_end[];

namespace skep::shard {
namespace {

// The two modules of the transformer.
class ToolBundle final : public isolate::Bundle {
 public:
  static Result<std::shared_ptr<ToolBundle>> create() {
    auto bundle = std::make_shared<ToolBundle>();
    bundle->main_.name = "typescript.js";
    bundle->main_.content.assign(skep_typescript_worker, skep_typescript_worker_end);
    bundle->wasm_.name = "swc.wasm";
    bundle->wasm_.type = isolate::ModuleType::wasm;
    const std::string_view packed(
        skep_typescript_wasm_zst,
        static_cast<size_t>(skep_typescript_wasm_zst_end - skep_typescript_wasm_zst));
    const auto size = ZSTD_getFrameContentSize(packed.data(), packed.size());
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) {
      return fail("the TypeScript transformer in this program is damaged");
    }
    bundle->wasm_.content.resize(size);
    const size_t got =
        ZSTD_decompress(bundle->wasm_.content.data(), size, packed.data(), packed.size());
    if (ZSTD_isError(got)) return fail("the TypeScript transformer in this program is damaged");
    return bundle;
  }

  isolate::ModuleSource& main() override { return main_; }
  std::optional<isolate::Resolved> resolve(std::string_view, std::string_view specifier,
                                           isolate::ImportKind,
                                           std::function<void(isolate::Resolved)>) override {
    if (specifier == "./swc.wasm") return isolate::Resolved{.module = &wasm_};
    return isolate::Resolved{.missing = "not part of the TypeScript transformer"};
  }
  void cache_made(isolate::ModuleSource&) override {}

 private:
  isolate::ModuleSource main_, wasm_;
};

api::ExceptionReport report_of(std::string message) {
  api::ExceptionReport report;
  report.message = std::move(message);
  return report;
}

std::string line_of(std::string_view source, uint32_t line) {
  size_t start = 0;
  for (uint32_t at = 1; at < line; at++) {
    start = source.find('\n', start);
    if (start == std::string_view::npos) return "";
    start++;
  }
  return std::string(source.substr(start, source.find('\n', start) - start));
}

}  // namespace

struct Typescript::Impl final : api::RuntimeHost {
  struct Task {
    std::string file;
    std::string source;
    std::function<void(std::expected<TransformedModule, api::ExceptionReport>)> done;
  };
  enum class State { absent, loading, ready };

  Impl(loop::Loop& l, isolate::Arena& a) : loop_(l), arena_(a) {}
  ~Impl() {
    if (tenant_) arena_.give_back(std::move(tenant_));
  }

  loop::Loop& loop() override { return loop_; }
  const api::Parts& parts() override { return api::embedded_parts(); }
  void on_console(std::string_view, api::ConsoleLevel, std::string) override {}
  void on_exception(std::string_view, std::string_view, const api::ExceptionReport&) override {}

  void load();
  void pump();
  void finish(std::expected<TransformedModule, api::ExceptionReport> result);
  static std::expected<TransformedModule, api::ExceptionReport> read(
      const Task& task, const MemoryResponse& response);

  loop::Loop& loop_;
  isolate::Arena& arena_;
  State state_ = State::absent;
  std::unique_ptr<isolate::Tenant> tenant_;
  api::Runtime* runtime_ = nullptr;
  std::deque<Task>
      tasks_;  // bounded by the modules of the workers that load: the front one is asked
  std::unique_ptr<MemoryRequest> request_;
  int64_t last_used_ns_ = 0;
};

void Typescript::Impl::load() {
  auto tenant = arena_.take();
  auto bundle = ToolBundle::create();
  if (!tenant || !bundle) {
    return finish(
        std::unexpected(report_of(!tenant ? tenant.error().message : bundle.error().message)));
  }
  state_ = State::loading;
  tenant_ = std::move(*tenant);
  api::WorkerOptions options;
  options.name = "typescript";
  options.compatibility_date = "2026-08-04";
  options.cpu_ms = limits::kRequestCpuMs;
  runtime_ = &api::Runtime::attach(*tenant_, *this, std::move(options));
  runtime_->load(*bundle, [this](std::expected<void, api::ExceptionReport> result) {
    if (result) {
      state_ = State::ready;
      return pump();
    }
    state_ = State::absent;
    arena_.give_back(std::move(tenant_));
    finish(std::unexpected(std::move(result.error())));
  });
}

void Typescript::Impl::pump() {
  if (tasks_.empty() || request_) return;
  last_used_ns_ = monotonic_ns();
  if (state_ == State::ready && tenant_->condemned()) {
    arena_.give_back(std::move(tenant_));
    state_ = State::absent;
  }
  if (state_ == State::absent) return load();
  if (state_ == State::loading) return;
  Task& task = tasks_.front();
  request_ = std::make_unique<MemoryRequest>(
      loop_, "POST", "http://typescript/",
      std::vector<std::pair<std::string, std::string>>{{"x-file", task.file}}, task.source);
  request_->send(*runtime_, [this](MemoryResponse response) {
    // The request calls this as its last act; it is destroyed at a safe distance.
    loop_.post([old = std::shared_ptr<MemoryRequest>(std::move(request_))] {});
    finish(read(tasks_.front(), response));
  });
}

std::expected<TransformedModule, api::ExceptionReport> Typescript::Impl::read(
    const Task& task, const MemoryResponse& response) {
  if (response.status != 200) {
    const std::string& why = response.failure.exception.message;
    return std::unexpected(report_of(fmt::format(
        "{} could not be transformed: {}", task.file,
        why.empty() ? api::outcome_name(response.failure.outcome) : std::string_view(why))));
  }
  const auto json = nlohmann::json::parse(response.body, nullptr, false);
  if (json.is_object() && json.contains("code") && json["code"].is_string()) {
    TransformedModule module{json["code"].get<std::string>(), ""};
    if (json.contains("map") && json["map"].is_string())
      module.source_map = json["map"].get<std::string>();
    return module;
  }
  if (json.is_object() && json.contains("error")) {
    const auto& error = json["error"];
    api::ExceptionReport report =
        report_of("SyntaxError: " + error.value("message", std::string()));
    report.file = task.file;
    report.line = error.value("line", 0u);
    report.column = error.value("column", 0u);
    report.source_line = line_of(task.source, report.line);
    return std::unexpected(std::move(report));
  }
  return std::unexpected(report_of(task.file + ": the TypeScript transformer gave no answer"));
}

void Typescript::Impl::finish(std::expected<TransformedModule, api::ExceptionReport> result) {
  Task task = std::move(tasks_.front());
  tasks_.pop_front();
  task.done(std::move(result));
  pump();
}

Typescript::Typescript(loop::Loop& loop, isolate::Arena& arena)
    : impl_(std::make_unique<Impl>(loop, arena)) {}
Typescript::~Typescript() = default;

void Typescript::transform(
    std::string_view file, std::string source,
    std::function<void(std::expected<TransformedModule, api::ExceptionReport>)> done) {
  if (file.ends_with("x")) {
    api::ExceptionReport report =
        report_of(fmt::format("{}: JSX is not compiled here. Compile it first, for example with "
                              "`npx esbuild {} --bundle --format=esm --jsx=automatic "
                              "--outfile=dist/index.js`, and make the result the main module.",
                              file, file));
    report.file = file;
    return done(std::unexpected(std::move(report)));
  }
  impl_->tasks_.push_back({std::string(file), std::move(source), std::move(done)});
  impl_->pump();
}

void Typescript::sweep(int64_t before_ns) {
  if (impl_->state_ != Impl::State::ready || !impl_->tasks_.empty() || impl_->request_ ||
      impl_->last_used_ns_ > before_ns || impl_->runtime_->events_in_flight() > 0) {
    return;
  }
  impl_->arena_.give_back(std::move(impl_->tenant_));
  impl_->state_ = Impl::State::absent;
}

std::string Typescript::pack(const TransformedModule& module) {
  const uint64_t length = module.code.size();
  std::string out(sizeof length, '\0');
  std::memcpy(out.data(), &length, sizeof length);
  return out.append(module.code).append(module.source_map);
}

std::optional<TransformedModule> Typescript::unpack(std::string_view packed) {
  uint64_t length = 0;
  if (packed.size() < sizeof length) return std::nullopt;
  std::memcpy(&length, packed.data(), sizeof length);
  packed.remove_prefix(sizeof length);
  if (length > packed.size()) return std::nullopt;
  return TransformedModule{std::string(packed.substr(0, length)),
                           std::string(packed.substr(length))};
}

}  // namespace skep::shard
