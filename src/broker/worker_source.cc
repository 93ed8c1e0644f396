#include "broker/worker_source.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "rpc/outcome.h"

namespace skep::broker {
namespace {

// What a message may hold besides the modules' bytes: names, resolutions, pointers.
constexpr uint64_t kMessageBytes = limits::kRpcMessageWords * 8 / 8 * 7;

// Cap'n Proto's Text ends at a NUL for whoever reads it as a C string.
capnp::Text::Reader text(std::string_view text) {
  return {text.data(), text.size()};
}
capnp::Data::Reader bytes(std::string_view text) {
  return {reinterpret_cast<const kj::byte*>(text.data()), text.size()};
}
std::string_view view(capnp::Text::Reader text) {
  return {text.cStr(), text.size()};
}
std::string_view view(capnp::Data::Reader data) {
  return {reinterpret_cast<const char*>(data.begin()), data.size()};
}

rpc::ModuleType wire(config::ModuleType type) {
  switch (type) {
    case config::ModuleType::esm:
      return rpc::ModuleType::ESM;
    case config::ModuleType::commonjs:
      return rpc::ModuleType::COMMONJS;
    case config::ModuleType::text:
      return rpc::ModuleType::TEXT;
    case config::ModuleType::data:
      return rpc::ModuleType::DATA;
    case config::ModuleType::json:
      return rpc::ModuleType::JSON;
    case config::ModuleType::wasm:
      return rpc::ModuleType::WASM;
    case config::ModuleType::typescript:
      return rpc::ModuleType::TYPESCRIPT;
    case config::ModuleType::typescript_commonjs:
      return rpc::ModuleType::TYPESCRIPT_COMMONJS;
  }
  rpc::throw_error(Error{"a module of a type without a name on the wire", 0});
}

rpc::ImportKind wire(config::ImportKind kind) {
  return kind == config::ImportKind::import ? rpc::ImportKind::IMPORT : rpc::ImportKind::REQUIRE;
}

config::ImportKind checked(rpc::ImportKind kind) {
  switch (kind) {
    case rpc::ImportKind::IMPORT:
      return config::ImportKind::import;
    case rpc::ImportKind::REQUIRE:
      return config::ImportKind::require;
  }
  rpc::throw_error(Error{"no such kind of import", 0});
}

CacheKind checked(rpc::CacheKind kind) {
  switch (kind) {
    case rpc::CacheKind::V8_CODE_CACHE:
      return CacheKind::v8_code_cache;
    case rpc::CacheKind::TRANSFORMED:
      return CacheKind::transformed;
  }
  rpc::throw_error(Error{"no such kind of cache", 0});
}

// Everything about a module that fits. Returns the bytes it took.
uint64_t write_module(rpc::Module::Builder out, Deployment& deployment,
                      const DeployedModule& module, uint64_t room) {
  out.setName(text(module.file->name));
  out.setType(wire(module.file->type));
  out.setContent(bytes(module.content));
  uint64_t taken = module.content.size();
  // What is derived from the content can be derived again.
  const auto fits = [&](std::string_view data) {
    if (taken + data.size() > room) return false;
    taken += data.size();
    return true;
  };
  if (fits(module.source_map)) out.setSourceMap(bytes(module.source_map));
  const auto code = deployment.cached(module, CacheKind::v8_code_cache);
  if (code != nullptr && fits(*code)) out.setCodeCache(bytes(*code));
  const auto transformed = deployment.cached(module, CacheKind::transformed);
  if (transformed != nullptr && fits(*transformed)) out.setTransformed(bytes(*transformed));
  return taken;
}

// Modules beyond the room are left out: the shard asks for them by resolve().
void write_modules(rpc::WorkerInfo::Builder out, Deployment& deployment,
                   const Deployment::Version& version) {
  uint64_t room = kMessageBytes;
  uint64_t contents = 0;  // of those that are still to be written
  size_t count = 0;
  for (; count < version.modules.size(); ++count) {
    const size_t size = version.modules[count]->content.size();
    if (contents + size > room) break;
    contents += size;
  }
  if (version.modules.empty()) return;  // there are only assets
  if (count == 0)
    rpc::throw_error(Error{
        fmt::format("{}: the main module is too big to be handed to a shard", deployment.name()),
        0});
  // A later module's content goes before an earlier one's caches.
  const auto write = [&](rpc::Module::Builder builder, const DeployedModule& module) {
    contents -= module.content.size();
    room -= write_module(builder, deployment, module, room - contents);
  };
  write(out.initMain(), *version.modules[0]);
  auto modules = out.initModules(static_cast<unsigned>(count - 1));
  for (unsigned i = 1; i < count; ++i) write(modules[i - 1], *version.modules[i]);
}

void write_resolutions(rpc::WorkerInfo::Builder out, const Deployment::Version& version) {
  auto list = out.initResolutions(static_cast<unsigned>(version.resolutions.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    const KnownResolution& known = version.resolutions[i];
    list[i].setReferrer(text(known.referrer));
    list[i].setSpecifier(text(known.specifier));
    list[i].setKind(wire(known.kind));
    list[i].setName(text(known.name));
  }
}

void write_config(rpc::WorkerInfo::Builder out, const config::WorkerConfig& config) {
  out.setCompatibilityDate(text(config.compatibility_date));
  auto flags = out.initCompatibilityFlags(static_cast<unsigned>(config.enabled_flags.size()));
  for (unsigned i = 0; i < flags.size(); ++i) flags.set(i, text(config.enabled_flags[i]));
  out.setCpuMs(config.cpu_ms.value_or(0));
  out.setSubrequests(config.subrequests.value_or(0));
}

}  // namespace

WorkerSourceServer::WorkerSourceServer(loop::Loop& loop, Deployments& deployments, size_t index,
                                       std::shared_ptr<RateLimit> cache_budget,
                                       rpc::Outbound::Client outbound,
                                       bindings::BrokerBindings* bindings,
                                       std::shared_ptr<bindings::ShardShare> share)
    : loop_(loop),
      deployments_(deployments),
      index_(index),
      cache_budget_(std::move(cache_budget)),
      outbound_(kj::mv(outbound)),
      bindings_(bindings),
      share_(std::move(share)) {}

// Variables, then what is more than a value.
void WorkerSourceServer::write_bindings(rpc::WorkerInfo::Builder out,
                                        const Deployment::Version& version) {
  const config::WorkerConfig& config = version.config();
  const auto variables = static_cast<unsigned>(config.vars.size());
  const auto capabilities =
      static_cast<unsigned>(bindings_ != nullptr ? config.bindings.size() : 0);
  auto list = out.initBindings(variables + capabilities);
  for (unsigned i = 0; i < variables; ++i) {
    const config::Var& var = config.vars[i];
    list[i].setName(text(var.name));
    if (var.json) {
      list[i].setJson(text(var.value));
    } else {
      list[i].setText(text(var.value));
    }
  }
  const bindings::BindingOwner owner{deployments_.at(index_).name(), share_, version.id,
                                     version.created_ms};
  for (unsigned i = 0; i < capabilities; ++i) {
    auto one = list[variables + i];
    one.setName(text(config.bindings[i].name));
    rpc::or_throw(bindings_->write(config.bindings[i], owner, one));
  }
}

kj::Promise<void> WorkerSourceServer::load(LoadContext context) {
  Deployment& deployment = deployments_.at(index_);
  const auto version = deployment.load();
  deployments_.used(index_);
  const Deployment::Version& loaded = *rpc::or_throw(Result(version));
  auto worker = context.getResults().initWorker();
  worker.setName(text(deployment.name()));
  worker.setVersion(loaded.number);
  write_modules(worker, deployment, loaded);
  write_resolutions(worker, loaded);
  write_config(worker, loaded.config());
  write_bindings(worker, loaded);
  if (loaded.assets != nullptr) {
    bindings::write_assets(loaded.assets, loaded.project != nullptr, share_, worker.initAssets());
  }
  worker.setOutbound(outbound_);
  return kj::READY_NOW;
}

kj::Promise<void> WorkerSourceServer::resolve(ResolveContext context) {
  auto params = context.getParams();
  const std::string_view referrer = view(params.getReferrer());
  const std::string_view specifier = view(params.getSpecifier());
  if (referrer.size() > limits::kSpecifierBytes || specifier.size() > limits::kSpecifierBytes)
    rpc::throw_error(Error{"the import's specifier is too long", 0});
  Deployment& deployment = deployments_.at(index_);
  auto answer =
      deployment.resolve(params.getVersion(), referrer, specifier, checked(params.getKind()));
  deployments_.used(index_);
  const Deployment::Answer resolved = rpc::or_throw(std::move(answer));
  auto result = context.getResults().initResult();
  switch (resolved.kind) {
    case Deployment::Answer::Kind::builtin:
      result.setBuiltin();
      break;
    case Deployment::Answer::Kind::missing:
      result.setMissing(text(resolved.message));
      break;
    case Deployment::Answer::Kind::module:
      write_module(result.initModule(), deployment, *resolved.module, kMessageBytes);
      break;
  }
  return kj::READY_NOW;
}

kj::Promise<void> WorkerSourceServer::storeCache(StoreCacheContext context) {
  auto params = context.getParams();
  const std::string_view data = view(params.getData());
  const CacheKind kind = checked(params.getKind());
  if (data.empty() || data.size() > limits::kCodeCacheEntryBytes)
    rpc::throw_error(Error{"a cache entry of that size is not kept", 0});
  // Over its budget: dropped without a word, as the interface allows.
  if (!cache_budget_->take(static_cast<int64_t>(data.size()), loop_.now_ns())) return kj::READY_NOW;
  rpc::or_throw(deployments_.at(index_).store_cache(params.getVersion(), view(params.getModule()),
                                                    kind, data));
  return kj::READY_NOW;
}

}  // namespace skep::broker
