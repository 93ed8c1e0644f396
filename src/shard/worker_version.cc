#include <fmt/format.h>

#include "shard/typescript.h"
#include "shard/worker.h"

namespace skep::shard {
namespace {

api::ExceptionReport plain_report(std::string message) {
  api::ExceptionReport report;
  report.message = std::move(message);
  return report;
}

// What is there without asking the broker, who knows whether a worker may have Node.js's modules.
bool is_builtin(std::string_view specifier) {
  return specifier.starts_with("cloudflare:");
}

}  // namespace

WorkerVersion::WorkerVersion(WorkerContext& context, uint32_t index, WorkerFiles files)
    : context_(context), index_(index), files_(std::move(files)) {}

std::string WorkerVersion::key(std::string_view referrer, std::string_view specifier,
                               isolate::ImportKind kind) {
  // NUL cannot stand in a module name or specifier that the broker accepts.
  std::string out(1, kind == isolate::ImportKind::require ? 'r' : 'i');
  out.append(referrer).push_back('\0');
  return out.append(specifier);
}

isolate::ModuleSource* WorkerVersion::insert(ModuleFile file) {
  auto source = std::make_unique<isolate::ModuleSource>();
  source->name = std::move(file.name);
  source->type = file.type;
  source->content = std::move(file.content);
  source->source_map = std::move(file.source_map);
  source->code_cache = std::move(file.code_cache);
  isolate::ModuleSource* raw = source.get();
  modules_.insert_or_assign(raw->name, std::move(source));
  return raw;
}

void WorkerVersion::add(
    ModuleFile file,
    std::function<void(std::expected<isolate::ModuleSource*, api::ExceptionReport>)> done) {
  bytes_ += file.content.size();
  if (bytes_ > context_.config.limits.script_bytes ||
      modules_.size() >= limits::kModulesPerWorker) {
    return done(std::unexpected(plain_report(fmt::format(
        "The worker's modules exceed the limit of {} bytes ([limits] script_bytes) or {} "
        "modules, at {}.",
        context_.config.limits.script_bytes, limits::kModulesPerWorker, file.name))));
  }
  if (!file.typescript) return done(insert(std::move(file)));

  auto self = shared_from_this();
  if (!file.transformed.empty()) {
    if (auto kept = Typescript::unpack(file.transformed)) {
      file.content = std::move(kept->code);
      file.source_map = std::move(kept->source_map);
      return done(insert(std::move(file)));
    }
  }
  const std::string name = file.name;
  std::string content = file.content;
  context_.typescript.transform(
      name, std::move(content),
      [self, this, file = std::move(file), done = std::move(done)](
          std::expected<TransformedModule, api::ExceptionReport> result) mutable {
        if (!result) return done(std::unexpected(std::move(result.error())));
        context_.host.store_cache(index_, files_.version, file.name, CacheKind::transformed,
                                  Typescript::pack(*result));
        file.content = std::move(result->code);
        file.source_map = std::move(result->source_map);
        file.code_cache.clear();
        done(insert(std::move(file)));
      });
}

void WorkerVersion::prepare(std::function<void(std::expected<void, api::ExceptionReport>)> done) {
  prepare_next(0, std::move(done));
}

void WorkerVersion::prepare_next(
    size_t index, std::function<void(std::expected<void, api::ExceptionReport>)> done) {
  if (index == files_.modules.size()) {
    for (ResolutionRow& row : files_.resolutions) {
      isolate::Resolved resolved;
      const auto found = modules_.find(row.name);
      if (row.name.empty()) {
        resolved.builtin = true;
      } else if (found != modules_.end()) {
        resolved.module = found->second.get();
      } else {
        continue;  // the broker did not send it: it will be asked when somebody imports it
      }
      resolutions_.emplace(key(row.referrer, row.specifier, row.kind), std::move(resolved));
    }
    files_.modules.clear();
    files_.resolutions.clear();
    return done({});
  }
  auto self = shared_from_this();
  add(std::move(files_.modules[index]),
      [self, this, index, done = std::move(done)](
          std::expected<isolate::ModuleSource*, api::ExceptionReport> result) mutable {
        if (!result) return done(std::unexpected(std::move(result.error())));
        if (index == 0) main_ = *result;
        prepare_next(index + 1, std::move(done));
      });
}

std::optional<isolate::Resolved> WorkerVersion::resolve(
    std::string_view referrer, std::string_view specifier, isolate::ImportKind kind,
    std::function<void(isolate::Resolved)> later) {
  if (is_builtin(specifier)) return isolate::Resolved{.builtin = true};
  ResolutionKey wanted = key(referrer, specifier, kind);
  if (const auto found = resolutions_.find(wanted); found != resolutions_.end())
    return found->second;
  auto self = shared_from_this();
  context_.host.resolve(index_, files_.version, referrer, specifier, kind,
                        [self, this, wanted = std::move(wanted),
                         later = std::move(later)](Result<ResolveAnswer> result) mutable {
                          answer(std::move(wanted), std::move(result), std::move(later));
                        });
  return std::nullopt;
}

void WorkerVersion::answer(ResolutionKey wanted, Result<ResolveAnswer> result,
                           std::function<void(isolate::Resolved)> later) {
  // A failed call is not remembered: the broker may answer the next one.
  if (!result) return later(isolate::Resolved{.missing = result.error().message});
  auto finish = [self = shared_from_this(), this, wanted = std::move(wanted),
                 later = std::move(later)](isolate::Resolved resolved) {
    resolutions_.insert_or_assign(wanted, resolved);
    later(std::move(resolved));
  };
  if (!result->module) {
    return finish(isolate::Resolved{.builtin = result->builtin, .missing = result->missing});
  }
  if (const auto found = modules_.find(result->module->name); found != modules_.end()) {
    return finish(isolate::Resolved{.module = found->second.get()});
  }
  add(std::move(*result->module),
      [finish =
           std::move(finish)](std::expected<isolate::ModuleSource*, api::ExceptionReport> added) {
        if (added) return finish(isolate::Resolved{.module = *added});
        const api::ExceptionReport& report = added.error();
        finish(isolate::Resolved{
            .missing = report.line == 0 ? report.message
                                        : fmt::format("{} ({}:{}:{})", report.message, report.file,
                                                      report.line, report.column)});
      });
}

void WorkerVersion::cache_made(isolate::ModuleSource& module) {
  context_.host.store_cache(index_, files_.version, module.name, CacheKind::v8_code_cache,
                            module.code_cache);
}

}  // namespace skep::shard
