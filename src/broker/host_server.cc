#include "broker/host_server.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/limits.h"
#include "base/limits_edge.h"
#include "base/limits_tls.h"
#include "base/log.h"
#include "broker/outbound.h"
#include "broker/worker_source.h"
#include "rpc/descriptor.h"
#include "rpc/outcome.h"

namespace skep::broker {
namespace {

capnp::Text::Reader text(std::string_view text) {
  return {text.data(), text.size()};
}
std::string_view view(capnp::Text::Reader text) {
  return {text.cStr(), text.size()};
}

// Values off the list are the shard's mistake or its malice; they mean no harm as "log".
EntryLevel level_of(rpc::LogEntry::Level level) {
  switch (level) {
    case rpc::LogEntry::Level::DEBUG:
      return EntryLevel::debug;
    case rpc::LogEntry::Level::LOG:
      return EntryLevel::log;
    case rpc::LogEntry::Level::INFO:
      return EntryLevel::info;
    case rpc::LogEntry::Level::WARN:
      return EntryLevel::warn;
    case rpc::LogEntry::Level::ERROR:
      return EntryLevel::error;
  }
  return EntryLevel::log;
}

EntryKind kind_of(rpc::LogEntry::Kind kind) {
  switch (kind) {
    case rpc::LogEntry::Kind::CONSOLE:
      return EntryKind::console;
    case rpc::LogEntry::Kind::EXCEPTION:
      return EntryKind::exception;
    case rpc::LogEntry::Kind::LIMIT:
      return EntryKind::limit;
    case rpc::LogEntry::Kind::REQUEST:
      return EntryKind::request;
    case rpc::LogEntry::Kind::SHARD:
      return EntryKind::shard;
  }
  return EntryKind::console;
}

AccessEntryView access_view(rpc::AccessEntry::Reader entry) {
  const auto field = [](capnp::Text::Reader text) {
    return view(text).substr(0, limits::kAccessFieldBytes);
  };
  return {.worker = field(entry.getWorker()),
          .client = field(entry.getClient()),
          .method = field(entry.getMethod()),
          .url = field(entry.getUrl()),
          .protocol = field(entry.getProtocol()),
          .referer = field(entry.getReferer()),
          .user_agent = field(entry.getUserAgent()),
          .ray = field(entry.getRay()),
          .trace = field(entry.getTrace()),
          .outcome = field(entry.getOutcome()),
          .tls = field(entry.getTls()),
          .status = entry.getStatus(),
          .bytes = entry.getBytes(),
          .duration_us = entry.getDurationUs(),
          .cpu_us = entry.getCpuUs(),
          .started_ms = entry.getStartedMs()};
}

LogEntryView view_of(rpc::LogEntry::Reader entry) {
  LogEntryView out;
  out.level = level_of(entry.getLevel());
  out.kind = kind_of(entry.getKind());
  // Names are short; what is longer is none.
  out.worker = view(entry.getWorker()).substr(0, 128);
  out.request_id = view(entry.getRequestId()).substr(0, 64);
  out.message = view(entry.getMessage());
  out.stack = view(entry.getStack());
  if (out.kind == EntryKind::request) {
    const auto request = entry.getRequest();
    out.method = view(request.getMethod()).substr(0, 64);
    out.url = view(request.getUrl()).substr(0, limits::kRequestLineBytes);
    out.outcome = view(request.getOutcome()).substr(0, 64);
    out.status = request.getStatus();
    out.duration_us = request.getDurationUs();
    out.cpu_us = request.getCpuUs();
  }
  return out;
}

}  // namespace

HostServer::HostServer(HostServices& services, uint32_t shard_index, OnAttach on_attach)
    : services_(services),
      index_(shard_index),
      on_attach_(std::move(on_attach)),
      log_limit_(limits::kLogLinesPerSecond, limits::kLogBurstLines),
      access_limit_(limits::kAccessLinesPerSecond, limits::kAccessBurstLines),
      cache_budget_(std::make_shared<RateLimit>(limits::kCodeCacheBytesPerSecond,
                                                limits::kCodeCacheBurstBytes)) {}

kj::Promise<void> HostServer::attach(AttachContext context) {
  if (attached_) rpc::throw_error(Error{"this shard is attached already", 0});
  attached_ = true;
  std::vector<UniqueFd> listeners = rpc::or_throw(on_attach_(context.getParams().getShard()));
  auto results = context.getResults();
  write_config(results.initConfig());
  auto list = results.initListeners(static_cast<unsigned>(listeners.size()));
  for (unsigned i = 0; i < list.size(); ++i)
    list.set(i, kj::heap<rpc::DescriptorServer<rpc::Listener>>(std::move(listeners[i])));
  return kj::READY_NOW;
}

void HostServer::write_config(rpc::ShardConfig::Builder config) {
  const BrokerOptions& options = services_.options;
  config.setIndex(index_);
  config.setDev(options.mode == Mode::dev);
  auto limits = config.initLimits();
  limits.setCpuMs(options.limits.cpu_ms);
  limits.setStartupCpuMs(options.limits.startup_cpu_ms);
  limits.setMemoryBytes(options.limits.memory_bytes);
  limits.setScriptBytes(options.limits.script_bytes);
  limits.setRequestBodyBytes(options.limits.request_body_bytes);
  limits.setMaxConnections(options.limits.max_connections);
  limits.setIdleEvictMs(options.limits.idle_evict_ms);
  limits.setSubrequests(options.limits.subrequests);
  config.setArenaSize(options.arena_size);
  auto listeners = config.initListenerOptions(static_cast<unsigned>(options.listeners.size()));
  for (unsigned i = 0; i < listeners.size(); ++i) {
    listeners[i].setTls(options.listeners[i].tls);
    listeners[i].setHttp2(options.listeners[i].http2);
    listeners[i].setProxyProtocol(options.listeners[i].proxy_protocol);
  }
  write_edge(config.initEdge());
  write_tls(config.initTls());
  write_signer(config);
  write_workers(config);
}

void HostServer::write_edge(rpc::EdgeOptions::Builder to) const {
  const config::EdgeConfig& edge = services_.options.edge;
  auto trusted = to.initTrustedProxies(static_cast<unsigned>(edge.trusted_proxies.size()));
  for (unsigned i = 0; i < trusted.size(); ++i) trusted.set(i, text(edge.trusted_proxies[i]));
  to.setForwarded(edge.forwarded);
  to.setColo(text(edge.colo));
  to.setAccessLog(edge.access_log.format != config::AccessFormat::off);
}

void HostServer::write_signer(rpc::ShardConfig::Builder config) {
  if (services_.tls.empty()) return;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    rpc::throw_error(fail_errno("socketpair for signatures", errno).error());
  signing_.emplace(services_.loop, UniqueFd(ends[0]), services_.tls,
                   RateLimit(limits::kTlsSignsPerSecond, limits::kTlsSignBurst));
  config.setSigner(kj::heap<rpc::DescriptorServer<rpc::Signer>>(UniqueFd(ends[1])));
}

void HostServer::write_tls(rpc::TlsConfig::Builder to) const {
  services_.tls.write(to);
}

kj::Promise<void> HostServer::trustedRoots(TrustedRootsContext context) {
  const std::string& roots = services_.trusted_roots;
  context.getResults().setPem({reinterpret_cast<const kj::byte*>(roots.data()), roots.size()});
  return kj::READY_NOW;
}

void HostServer::write_workers(rpc::ShardConfig::Builder config) {
  const auto& options = services_.options.workers;
  size_t route_count = 0;
  for (const WorkerOptions& worker : options) route_count += worker.routes.size();
  auto routes = config.initRoutes(static_cast<unsigned>(route_count));
  const auto outbound = std::make_shared<OutboundShare>();
  const auto share = std::make_shared<bindings::ShardShare>();
  auto workers = config.initWorkers(static_cast<unsigned>(options.size()));
  unsigned route = 0;
  for (unsigned i = 0; i < workers.size(); ++i) {
    workers[i].setName(text(options[i].name));
    workers[i].setCompress(options[i].compress);
    workers[i].setSource(kj::heap<WorkerSourceServer>(
        services_.loop, services_.deployments, i, cache_budget_,
        kj::heap<OutboundServer>(services_.outbound, outbound), services_.bindings, share));
    for (const std::string& pattern : options[i].routes) {
      routes[route].setPattern(text(pattern));
      routes[route++].setWorker(i);
    }
  }
}

kj::Promise<void> HostServer::log(LogContext context) {
  const auto entries = context.getParams().getEntries();
  if (entries.size() > limits::kLogEntriesPerCall)
    rpc::throw_error(Error{"too many log entries in one call", 0});
  for (const rpc::LogEntry::Reader entry : entries) {
    if (!log_limit_.take(1, services_.loop.now_ns())) {
      ++dropped_;
      continue;
    }
    report_dropped();
    services_.log.write(view_of(entry));
  }
  return kj::READY_NOW;
}

kj::Promise<void> HostServer::accessLog(AccessLogContext context) {
  const auto params = context.getParams();
  const auto entries = params.getEntries();
  if (entries.size() > limits::kAccessEntriesPerCall)
    rpc::throw_error(Error{"too many lines of the access log in one call", 0});
  if (services_.access == nullptr) return kj::READY_NOW;
  uint64_t dropped = params.getDropped();
  for (const rpc::AccessEntry::Reader entry : entries) {
    if (access_limit_.take(1, services_.loop.now_ns())) {
      services_.access->write(access_view(entry));
    } else {
      ++dropped;
    }
  }
  services_.access->add_dropped(dropped);
  return kj::READY_NOW;
}

void HostServer::report_dropped() {
  if (dropped_ == 0) return;
  log_warn("shard {}: {} log lines were dropped: more than {} a second", index_, dropped_,
           limits::kLogLinesPerSecond);
  dropped_ = 0;
}

}  // namespace skep::broker
