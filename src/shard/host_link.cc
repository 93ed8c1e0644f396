#include "shard/host_link.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <unordered_map>
#include <utility>

#include "base/limits.h"
#include "base/limits_edge.h"
#include "bindings/assets/site.h"
#include "bindings/bindings.h"
#include "rpc/connection.h"
#include "rpc/descriptor.h"
#include "rpc/kj_loop.h"
#include "rpc/outcome.h"
#include "rpc/skep.capnp.h"
#include "shard/broker_signer.h"

namespace skep::shard {
namespace {

constexpr size_t kLogBatch = 256;

kj::StringPtr text_ptr(const std::string& text) {
  return {text.c_str(), text.size()};
}

capnp::Text::Reader text_of(std::string_view text, std::string& storage) {
  storage.assign(text);
  return {storage.c_str(), storage.size()};
}

std::string to_string(capnp::Text::Reader text) {
  return {text.begin(), text.size()};
}

std::string to_string(capnp::Data::Reader data) {
  return {reinterpret_cast<const char*>(data.begin()), data.size()};
}

capnp::Data::Reader data_of(std::string_view bytes) {
  return {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()};
}

rpc::ImportKind kind_of(isolate::ImportKind kind) {
  return kind == isolate::ImportKind::require ? rpc::ImportKind::REQUIRE : rpc::ImportKind::IMPORT;
}

ModuleFile read_module(rpc::Module::Reader module) {
  ModuleFile file;
  file.name = to_string(module.getName());
  file.content = to_string(module.getContent());
  file.source_map = to_string(module.getSourceMap());
  file.code_cache = to_string(module.getCodeCache());
  file.transformed = to_string(module.getTransformed());
  switch (module.getType()) {
    case rpc::ModuleType::ESM:
      file.type = isolate::ModuleType::esm;
      break;
    case rpc::ModuleType::COMMONJS:
      file.type = isolate::ModuleType::commonjs;
      break;
    case rpc::ModuleType::TEXT:
      file.type = isolate::ModuleType::text;
      break;
    case rpc::ModuleType::DATA:
      file.type = isolate::ModuleType::data;
      break;
    case rpc::ModuleType::JSON:
      file.type = isolate::ModuleType::json;
      break;
    case rpc::ModuleType::WASM:
      file.type = isolate::ModuleType::wasm;
      break;
    case rpc::ModuleType::TYPESCRIPT:
      file.type = isolate::ModuleType::esm;
      file.typescript = true;
      break;
    case rpc::ModuleType::TYPESCRIPT_COMMONJS:
      file.type = isolate::ModuleType::commonjs;
      file.typescript = true;
      break;
  }
  return file;
}

WorkerFiles read_worker(bindings::BindingContext& context, rpc::WorkerInfo::Reader worker,
                        std::shared_ptr<bindings::AssetSite> assets) {
  WorkerFiles files;
  files.version = worker.getVersion();
  files.assets = std::move(assets);
  files.has_code = worker.hasMain();
  if (files.has_code) files.modules.push_back(read_module(worker.getMain()));
  for (auto module : worker.getModules()) files.modules.push_back(read_module(module));
  for (auto row : worker.getResolutions()) {
    files.resolutions.push_back({to_string(row.getReferrer()), to_string(row.getSpecifier()),
                                 row.getKind() == rpc::ImportKind::REQUIRE
                                     ? isolate::ImportKind::require
                                     : isolate::ImportKind::import,
                                 to_string(row.getName())});
  }
  files.compatibility_date = to_string(worker.getCompatibilityDate());
  for (auto flag : worker.getCompatibilityFlags())
    files.compatibility_flags.push_back(to_string(flag));
  if (files.assets)
    files.assets->serves_navigation =
        std::ranges::find(files.compatibility_flags, "assets_navigation_prefers_asset_serving") !=
        files.compatibility_flags.end();
  for (auto binding : worker.getBindings()) {
    if (auto made = bindings::make_binding(context, binding, files.assets)) {
      files.bindings.push_back({to_string(binding.getName()), std::move(made)});
      continue;
    }
    api::EnvVar var;
    var.name = to_string(binding.getName());
    var.json = binding.isJson();
    var.value = to_string(var.json ? binding.getJson() : binding.getText());
    files.env.push_back(std::move(var));
  }
  files.cpu_ms = worker.getCpuMs();
  files.subrequests = worker.getSubrequests();
  return files;
}

ResolveAnswer read_answer(rpc::ResolveResult::Reader result) {
  ResolveAnswer answer;
  switch (result.which()) {
    case rpc::ResolveResult::MODULE:
      answer.module = std::make_unique<ModuleFile>(read_module(result.getModule()));
      break;
    case rpc::ResolveResult::BUILTIN:
      answer.builtin = true;
      break;
    case rpc::ResolveResult::MISSING:
      answer.missing = to_string(result.getMissing());
      break;
  }
  return answer;
}

rpc::LogEntry::Level level_of(api::ConsoleLevel level) {
  switch (level) {
    case api::ConsoleLevel::debug:
      return rpc::LogEntry::Level::DEBUG;
    case api::ConsoleLevel::log:
      return rpc::LogEntry::Level::LOG;
    case api::ConsoleLevel::info:
      return rpc::LogEntry::Level::INFO;
    case api::ConsoleLevel::warn:
      return rpc::LogEntry::Level::WARN;
    case api::ConsoleLevel::error:
      return rpc::LogEntry::Level::ERROR;
  }
  return rpc::LogEntry::Level::LOG;
}

rpc::LogEntry::Kind log_kind_of(LogRecord::Kind kind) {
  switch (kind) {
    case LogRecord::Kind::console:
      return rpc::LogEntry::Kind::CONSOLE;
    case LogRecord::Kind::exception:
      return rpc::LogEntry::Kind::EXCEPTION;
    case LogRecord::Kind::limit:
      return rpc::LogEntry::Kind::LIMIT;
    case LogRecord::Kind::request:
      return rpc::LogEntry::Kind::REQUEST;
    case LogRecord::Kind::shard:
      return rpc::LogEntry::Kind::SHARD;
  }
  return rpc::LogEntry::Kind::SHARD;
}

// A Worker's strings may hold anything; Text must at least be without NUL.
void scrub(std::string& text) {
  if (text.size() > limits::kLogMessageBytes) text.resize(limits::kLogMessageBytes);
  for (char& c : text) {
    if (c == '\0') c = ' ';
  }
}

void write_entry(rpc::LogEntry::Builder entry, LogRecord& record) {
  for (std::string* text :
       {&record.worker, &record.message, &record.stack, &record.method, &record.url}) {
    scrub(*text);
  }
  entry.setWorker(text_ptr(record.worker));
  entry.setRequestId(text_ptr(record.request_id));
  entry.setLevel(level_of(record.level));
  entry.setKind(log_kind_of(record.kind));
  entry.setMessage(text_ptr(record.message));
  entry.setStack(text_ptr(record.stack));
  entry.setTimeMs(record.time_ms);
  if (record.kind != LogRecord::Kind::request) return;
  auto line = entry.initRequest();
  line.setMethod(text_ptr(record.method));
  line.setUrl(text_ptr(record.url));
  line.setStatus(record.status);
  line.setDurationUs(record.duration_us);
  line.setCpuUs(record.cpu_us);
  line.setOutcome(text_ptr(record.outcome));
}

void write_report(rpc::Diagnostic::Builder to, const api::ExceptionReport& report) {
  to.setFile(text_ptr(report.file));
  to.setLine(report.line);
  to.setColumn(report.column);
  to.setMessage(text_ptr(report.message));
  to.setSourceLine(text_ptr(report.source_line));
}

template <typename List, typename Values>
void fill(List list, const Values& values) {
  for (capnp::uint i = 0; i < list.size(); i++) list.set(i, values[i]);
}

void write_edge_facts(rpc::ShardStats::Builder stats, const ShardFacts& facts) {
  stats.setHandshakes(facts.handshakes);
  stats.setHandshakesFailed(facts.handshakes_failed);
  stats.setRefused(facts.refused);
  stats.setProxyHeadersFailed(facts.proxy_headers_failed);
  stats.setUnrouted(facts.unrouted);
  stats.setRingDepth(facts.ring_depth);
  stats.setBufferedBytes(facts.buffered_bytes);
  stats.setCompressedIn(facts.compression.bytes_in);
  stats.setCompressedOut(facts.compression.bytes_out);
  stats.setCompressNs(facts.compression.cpu_ns);
  auto list = stats.initWorkers(static_cast<capnp::uint>(facts.workers.size()));
  for (capnp::uint i = 0; i < list.size(); i++) {
    const auto& from = facts.workers[i];
    auto to = list[i];
    to.setIndex(from.index);
    to.setRequests(from.metrics.requests);
    fill(to.initOutcomes(from.metrics.outcomes.size()), from.metrics.outcomes);
    fill(to.initStatuses(from.metrics.statuses.size()), from.metrics.statuses);
    fill(to.initDurations(from.metrics.durations.size()), from.metrics.durations);
    to.setDurationNs(from.metrics.duration_ns);
    to.setCpuNs(from.metrics.cpu_ns);
    to.setShed(from.shed);
    to.setColdStarts(from.cold_starts);
    to.setIsolates(from.isolates);
  }
}

void write_access(rpc::AccessEntry::Builder to, AccessRecord& record) {
  for (std::string* text :
       {&record.client, &record.method, &record.url, &record.referer, &record.user_agent}) {
    scrub(*text);
  }
  to.setWorker(text_ptr(record.worker));
  to.setClient(text_ptr(record.client));
  to.setMethod(text_ptr(record.method));
  to.setUrl(text_ptr(record.url));
  to.setProtocol(text_ptr(record.protocol));
  to.setStatus(record.status);
  to.setBytes(record.bytes);
  to.setReferer(text_ptr(record.referer));
  to.setUserAgent(text_ptr(record.user_agent));
  to.setRay(text_ptr(record.ray));
  to.setTrace(text_ptr(record.trace));
  to.setStartedMs(record.started_ms);
  to.setDurationUs(record.duration_us);
  to.setCpuUs(record.cpu_us);
  to.setOutcome(text_ptr(record.outcome));
  to.setTls(text_ptr(record.tls));
}

EdgeSettings read_edge(rpc::EdgeOptions::Reader from) {
  EdgeSettings out;
  for (auto peer : from.getTrustedProxies()) {
    // The broker has read them already.
    if (!out.trusted.add(std::string_view(peer.cStr(), peer.size()))) continue;
  }
  out.forwarded_by =
      from.getForwarded() ? net::ForwardedBy::forwarded : net::ForwardedBy::x_forwarded;
  out.colo = to_string(from.getColo());
  out.access_log = from.getAccessLog();
  return out;
}

// A callback that fulfils the call being served.
template <typename T>
auto fulfilling(kj::Own<kj::PromiseFulfiller<T>> fulfiller) {
  return std::make_shared<kj::Own<kj::PromiseFulfiller<T>>>(kj::mv(fulfiller));
}

std::string bytes_of(capnp::Data::Reader data) {
  return std::string(reinterpret_cast<const char*>(data.begin()), data.size());
}

net::tls::ServerConfig read_tls(rpc::TlsConfig::Reader config) {
  net::tls::ServerConfig out;
  for (auto certificate : config.getCertificates()) {
    net::tls::ServerCertificate one;
    for (auto der : certificate.getChain()) one.chain.push_back(bytes_of(der));
    for (auto name : certificate.getNames()) one.names.push_back(to_string(name));
    one.ocsp = bytes_of(certificate.getOcsp());
    one.client_auth = static_cast<net::tls::ClientAuth>(certificate.getClientAuth());
    for (auto der : certificate.getClientCa()) one.client_ca.push_back(bytes_of(der));
    one.key = certificate.getKey();
    out.certificates.push_back(std::move(one));
  }
  for (auto key : config.getTicketKeys()) out.ticket_keys.push_back(bytes_of(key));
  return out;
}

// What the broker calls.
class ShardServer final : public rpc::Shard::Server {
 public:
  explicit ShardServer(ShardControl& control) : control_(control) {}

  kj::Promise<void> drain(DrainContext) override {
    auto paf = kj::newPromiseAndFulfiller<void>();
    control_.drain([done = fulfilling(kj::mv(paf.fulfiller))] { (*done)->fulfill(); });
    return kj::mv(paf.promise);
  }

  kj::Promise<void> reload(ReloadContext context) override {
    control_.reload(context.getParams().getWorker(), context.getParams().getVersion());
    return kj::READY_NOW;
  }

  kj::Promise<void> updateTls(UpdateTlsContext context) override {
    control_.update_tls(read_tls(context.getParams().getTls()));
    return kj::READY_NOW;
  }

  kj::Promise<void> stats(StatsContext context) override {
    const ShardFacts facts = control_.facts(context.getParams().getDetails());
    auto stats = context.getResults().initStats();
    write_edge_facts(stats, facts);
    stats.setConnections(facts.connections);
    stats.setRequests(facts.requests);
    stats.setIsolates(facts.isolates);
    stats.setIsolateGroups(facts.isolate_groups);
    stats.setColdStarts(facts.cold_starts);
    stats.setEvictions(facts.evictions);
    stats.setCpuNs(facts.cpu_ns);
    stats.setArenaReady(facts.arena_ready);
    stats.setRequestsInFlight(facts.requests_in_flight);
    stats.setRejected(facts.rejected);
    stats.setLeftBehind(static_cast<uint32_t>(facts.left_behind));
    return kj::READY_NOW;
  }

  kj::Promise<void> scheduled(ScheduledContext context) override {
    const auto params = context.getParams();
    auto paf = kj::newPromiseAndFulfiller<std::string>();
    control_.scheduled(params.getWorker(), to_string(params.getCron()), params.getTimeMs(),
                       [done = fulfilling(kj::mv(paf.fulfiller))](std::string_view outcome) {
                         (*done)->fulfill(std::string(outcome));
                       });
    return paf.promise.then([context](std::string&& outcome) mutable {
      context.getResults().setOutcome(text_ptr(outcome));
    });
  }

  kj::Promise<void> check(CheckContext context) override {
    auto paf = kj::newPromiseAndFulfiller<std::vector<api::ExceptionReport>>();
    control_.check(context.getParams().getWorker(), [done = fulfilling(kj::mv(paf.fulfiller))](
                                                        std::vector<api::ExceptionReport> reports) {
      (*done)->fulfill(kj::mv(reports));
    });
    return paf.promise.then([context](std::vector<api::ExceptionReport>&& reports) mutable {
      auto list = context.getResults().initDiagnostics(static_cast<capnp::uint>(reports.size()));
      for (capnp::uint i = 0; i < list.size(); i++) write_report(list[i], reports[i]);
    });
  }

  kj::Promise<void> test(TestContext context) override {
    struct Totals {
      uint32_t passed, failed;
    };
    auto paf = kj::newPromiseAndFulfiller<Totals>();
    // Results go out in order, each when the one before it has arrived.
    auto sent = std::make_shared<kj::Promise<void>>(kj::READY_NOW);
    auto sink = std::make_shared<rpc::TestSink::Client>(context.getParams().getSink());
    control_.test(
        context.getParams().getWorker(),
        [sent, sink](const api::TestResult& result) {
          auto call = sink->resultRequest();
          call.setName(text_ptr(result.name));
          call.setOk(result.ok);
          call.setMessage(text_ptr(result.message));
          call.setStack(text_ptr(result.stack));
          *sent = sent->then([call = kj::mv(call)]() mutable { return call.send().ignoreResult(); })
                      .eagerlyEvaluate(nullptr);
        },
        [done = fulfilling(kj::mv(paf.fulfiller))](uint32_t passed, uint32_t failed) {
          (*done)->fulfill(Totals{passed, failed});
        });
    return paf.promise.then([context, sent](Totals totals) mutable {
      context.getResults().setPassed(totals.passed);
      context.getResults().setFailed(totals.failed);
      return kj::mv(*sent);
    });
  }

  kj::Promise<void> cold(ColdContext context) override {
    auto paf = kj::newPromiseAndFulfiller<Result<std::vector<uint64_t>>>();
    auto params = context.getParams();
    control_.cold(
        params.getWorker(), {params.getCount(), params.getKeep(), params.getDry()},
        [done = fulfilling(kj::mv(paf.fulfiller))](Result<std::vector<uint64_t>> samples) {
          (*done)->fulfill(kj::mv(samples));
        });
    return paf.promise.then([context](Result<std::vector<uint64_t>>&& result) mutable {
      const std::vector<uint64_t> samples = rpc::or_throw(kj::mv(result));
      auto list = context.getResults().initSamplesNs(static_cast<capnp::uint>(samples.size()));
      for (capnp::uint i = 0; i < list.size(); i++) list.set(i, samples[i]);
    });
  }

 private:
  ShardControl& control_;
};

}  // namespace

struct HostLink::Impl final : private kj::TaskSet::ErrorHandler {
  Impl(loop::Loop& l, UniqueFd socket, ShardControl& c)
      : loop(l),
        control(c),
        signer(l, [this] { control.disconnected(); }),
        kj_loop(l),
        flush([this] {
          send_logs();
          send_access();
        }),
        // The same Shard that attach() hands over: a connection always has a bootstrap to give.
        connection(l, std::move(socket), rpc::Role::shard, kj::heap<ShardServer>(c)),
        host(connection.bootstrap().castAs<rpc::Host>()),
        tasks(*this) {
    tasks.add(connection.on_disconnect().then([this] { control.disconnected(); }));
    bindings->service = [this](uint32_t worker) { return control.service(worker); };
  }

  void taskFailed(kj::Exception&& exception) override { control.disconnected(); }

  template <typename T, typename Done>
  void call(kj::Promise<T>&& promise, Done done) {
    tasks.add(rpc::when_done(kj::mv(promise), std::move(done)));
  }

  void send_logs();
  void send_access();
  Result<ShardConfig> read_config(rpc::ShardConfig::Reader config);

  loop::Loop& loop;
  ShardControl& control;
  BrokerSigner signer;
  rpc::KjLoop kj_loop;
  loop::Deferred flush;
  rpc::Connection connection;
  rpc::Host::Client host;
  std::vector<rpc::WorkerSource::Client> sources;
  std::unordered_map<uint32_t, rpc::Outbound::Client> outbound;  // by worker, as it was loaded
  std::deque<LogRecord> logs;
  uint64_t logs_dropped = 0;
  bool logs_sending = false;
  std::deque<AccessRecord> accesses;
  uint64_t access_dropped = 0, access_told = 0;
  bool access_sending = false;
  // Before the tasks, which may still hold what remembers values.
  std::unique_ptr<bindings::BindingContext> bindings =
      std::make_unique<bindings::BindingContext>(loop, tasks);
  kj::TaskSet tasks;
};

HostLink::HostLink(loop::Loop& loop, UniqueFd socket, ShardControl& control)
    : impl_(std::make_unique<Impl>(loop, std::move(socket), control)) {}
HostLink::~HostLink() = default;

Result<ShardConfig> HostLink::Impl::read_config(rpc::ShardConfig::Reader config) {
  ShardConfig out;
  out.index = config.getIndex();
  out.dev = config.getDev();
  const auto limits = config.getLimits();
  out.limits.cpu_ms = limits.getCpuMs();
  out.limits.startup_cpu_ms = limits.getStartupCpuMs();
  out.limits.memory_bytes = limits.getMemoryBytes();
  out.limits.script_bytes = limits.getScriptBytes();
  out.limits.request_body_bytes = limits.getRequestBodyBytes();
  out.limits.max_connections = limits.getMaxConnections();
  out.limits.idle_evict_ms = limits.getIdleEvictMs();
  out.limits.subrequests = limits.getSubrequests();
  for (auto route : config.getRoutes()) {
    out.routes.push_back({to_string(route.getPattern()), route.getWorker()});
  }
  for (auto worker : config.getWorkers()) {
    out.workers.push_back(to_string(worker.getName()));
    out.worker_compress.push_back(worker.getCompress());
    sources.push_back(worker.getSource());
  }
  out.arena_size = config.getArenaSize();
  for (auto listener : config.getListenerOptions())
    out.ports.push_back({.tls = listener.getTls(),
                         .http2 = listener.getHttp2(),
                         .proxy_protocol = listener.getProxyProtocol()});
  out.edge = read_edge(config.getEdge());
  out.tls = read_tls(config.getTls());
  return out;
}

namespace {

// None where there are no certificates.
kj::Promise<UniqueFd> take_signer(rpc::ShardConfig::Reader config) {
  if (!config.hasSigner()) return UniqueFd();
  return rpc::take_descriptor(config.getSigner());
}

}  // namespace

void HostLink::attach(std::function<void(Result<ShardConfig>)> done) {
  auto request = impl_->host.attachRequest();
  request.setShard(kj::heap<ShardServer>(impl_->control));
  request.setPid(getpid());
  auto promise = request.send().then([this](auto&& response) {
    auto config = std::make_shared<Result<ShardConfig>>(impl_->read_config(response.getConfig()));
    auto fds = kj::heapArrayBuilder<kj::Promise<UniqueFd>>(response.getListeners().size() + 1);
    for (auto listener : response.getListeners()) fds.add(rpc::take_descriptor(listener));
    fds.add(take_signer(response.getConfig()));
    return kj::joinPromises(fds.finish()).then([this, config](kj::Array<UniqueFd>&& got) {
      for (UniqueFd& fd : got) (*config)->listeners.push_back(std::move(fd));
      UniqueFd signer = std::move((*config)->listeners.back());
      (*config)->listeners.pop_back();
      if (signer) impl_->signer.open(std::move(signer));
      return rpc::or_throw(std::move(*config));
    });
  });
  impl_->call(kj::mv(promise), std::move(done));
}

void HostLink::load(uint32_t worker, std::function<void(Result<WorkerFiles>)> done) {
  if (worker >= impl_->sources.size()) return done(fail("no such worker"));
  impl_->call(impl_->sources[worker].loadRequest().send().then(
                  [impl = impl_.get(), worker](auto&& response) {
                    const auto info = response.getWorker();
                    impl->outbound.insert_or_assign(worker, info.getOutbound());
                    using Site = std::shared_ptr<bindings::AssetSite>;
                    kj::Promise<Site> site = Site();
                    if (info.hasAssets())
                      site = bindings::AssetSite::make(*impl->bindings, info.getAssets());
                    return site.then([impl, response = kj::mv(response)](Site&& assets) {
                      return read_worker(*impl->bindings, response.getWorker(), std::move(assets));
                    });
                  }),
              std::move(done));
}

void HostLink::resolve(uint32_t worker, uint64_t version, std::string_view referrer,
                       std::string_view specifier, isolate::ImportKind kind,
                       std::function<void(Result<ResolveAnswer>)> done) {
  std::string storage;
  auto request = impl_->sources[worker].resolveRequest();
  request.setVersion(version);
  request.setReferrer(text_of(referrer, storage));
  request.setSpecifier(text_of(specifier, storage));
  request.setKind(kind_of(kind));
  impl_->call(
      request.send().then([](auto&& response) { return read_answer(response.getResult()); }),
      std::move(done));
}

void HostLink::store_cache(uint32_t worker, uint64_t version, std::string_view module,
                           CacheKind kind, std::string_view data) {
  std::string storage;
  auto request = impl_->sources[worker].storeCacheRequest();
  request.setVersion(version);
  request.setModule(text_of(module, storage));
  request.setKind(kind == CacheKind::transformed ? rpc::CacheKind::TRANSFORMED
                                                 : rpc::CacheKind::V8_CODE_CACHE);
  request.setData(data_of(data));
  // A cache that is not kept costs time at the next start, nothing else.
  impl_->call(request.send().ignoreResult(), [](Result<>) {});
}

void HostLink::connect(uint32_t worker, std::string_view host, uint16_t port,
                       std::function<void(Result<OutboundSocket>)> done) {
  const auto found = impl_->outbound.find(worker);
  if (found == impl_->outbound.end()) {
    return impl_->loop.post([done] { done(fail_errno("this worker has no network", EACCES)); });
  }
  std::string storage;
  auto request = found->second.connectRequest();
  request.setHost(text_of(host, storage));
  request.setPort(port);
  auto promise = request.send().then([](auto&& response) -> kj::Promise<Result<OutboundSocket>> {
    auto result = response.getResult();
    if (result.isFailed()) {
      return Result<OutboundSocket>(
          std::unexpected(Error{to_string(result.getFailed()), result.getCode()}));
    }
    return rpc::take_descriptor(result.getConnection())
        .then([address = to_string(result.getAddress())](UniqueFd&& fd) {
          return Result<OutboundSocket>(OutboundSocket{std::move(fd), address});
        });
  });
  impl_->call(kj::mv(promise), [done = std::move(done)](Result<Result<OutboundSocket>> result) {
    done(result ? std::move(*result) : std::unexpected(std::move(result.error())));
  });
}

void HostLink::trusted_roots(std::function<void(Result<std::string>)> done) {
  impl_->call(impl_->host.trustedRootsRequest().send().then(
                  [](auto&& response) { return bytes_of(response.getPem()); }),
              std::move(done));
}

void HostLink::sign(uint32_t key, uint16_t algorithm, std::span<const uint8_t> input,
                    std::function<void(Result<std::string>)> done) {
  impl_->signer.sign(key, algorithm, input, std::move(done));
}

void HostLink::log(LogRecord record) {
  Impl& impl = *impl_;
  if (impl.logs.size() >= limits::kLogQueueEntries) {
    impl.logs_dropped++;
    return;
  }
  impl.logs.push_back(std::move(record));
  impl.loop.defer(impl.flush);
}

void HostLink::access(AccessRecord record) {
  Impl& impl = *impl_;
  if (impl.accesses.size() >= limits::kAccessQueueEntries) {
    impl.access_dropped++;
    return;
  }
  impl.accesses.push_back(std::move(record));
  impl.loop.defer(impl.flush);
}

uint64_t HostLink::access_dropped() const {
  return impl_->access_dropped;
}

void HostLink::Impl::send_access() {
  if (access_sending || accesses.empty()) return;
  auto request = host.accessLogRequest();
  const size_t count = std::min(accesses.size(), limits::kAccessEntriesPerCall);
  auto entries = request.initEntries(static_cast<capnp::uint>(count));
  for (size_t i = 0; i < count; i++) {
    write_access(entries[static_cast<capnp::uint>(i)], accesses.front());
    accesses.pop_front();
  }
  request.setDropped(access_dropped - std::exchange(access_told, access_dropped));
  access_sending = true;
  call(request.send(), [this](Result<>) {
    access_sending = false;
    send_access();
  });
}

void HostLink::Impl::send_logs() {
  if (logs_sending || logs.empty()) return;
  if (logs_dropped > 0 && logs.size() < limits::kLogQueueEntries) {
    LogRecord record;
    record.kind = LogRecord::Kind::shard;
    record.level = api::ConsoleLevel::warn;
    record.message = std::to_string(std::exchange(logs_dropped, 0)) + " log entries were dropped";
    logs.push_back(std::move(record));
  }
  auto request = host.logRequest();
  const size_t count = std::min(logs.size(), kLogBatch);
  auto entries = request.initEntries(static_cast<capnp::uint>(count));
  for (size_t i = 0; i < count; i++) {
    write_entry(entries[static_cast<capnp::uint>(i)], logs.front());
    logs.pop_front();
  }
  logs_sending = true;
  // Streaming: the promise is done when the broker can take more.
  call(request.send(), [this](Result<>) {
    logs_sending = false;
    send_logs();
  });
}

}  // namespace skep::shard
