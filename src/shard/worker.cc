#include "shard/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api/parts/parts.h"
#include "base/time.h"
#include "bindings/bindings.h"
#include "net/http2/client_session.h"

namespace skep::shard {
namespace {

net::PoolOptions client_options(loop::Loop& loop) {
  return {.http2 = [&loop](std::unique_ptr<net::Stream> stream, loop::PeerAddress,
                           std::function<void(bool)> on_change) {
    return net::http2::make_client_session(loop, std::move(stream), std::move(on_change));
  }};
}

}  // namespace

// ---- Instance
// --------------------------------------------------------------------------------------

Instance::Instance(Worker& owner, std::shared_ptr<WorkerVersion> code,
                   std::unique_ptr<isolate::Tenant> tenant)
    : worker(owner), version(std::move(code)), tenant_(std::move(tenant)) {
  last_used_ns = monotonic_ns();
}

Instance::~Instance() {
  if (tenant_) worker.context().arena.give_back(std::move(tenant_));
}

const api::Parts& Instance::parts() {
  return bindings::parts();
}

loop::Loop& Instance::loop() {
  return worker.context().loop;
}

net::HttpClient* Instance::http_client() {
  return &worker.http_client();
}

net::Connector* Instance::connector() {
  return &worker.connector();
}

void Instance::on_console(std::string_view request_id, api::ConsoleLevel level,
                          std::string message) {
  LogRecord record;
  record.worker = worker.name();
  record.request_id = request_id;
  record.level = level;
  record.message = std::move(message);
  record.time_ms = wall_clock_ms();
  worker.context().host.log(std::move(record));
}

void Instance::on_exception(std::string_view request_id, std::string_view where,
                            const api::ExceptionReport& report) {
  LogRecord record;
  record.worker = worker.name();
  record.request_id = request_id;
  record.level = api::ConsoleLevel::error;
  record.kind = LogRecord::Kind::exception;
  record.message =
      where.empty() ? report.message : fmt::format("{} (in {})", report.message, where);
  record.stack = report.stack;
  record.time_ms = wall_clock_ms();
  worker.context().host.log(std::move(record));
}

bool Instance::idle() const {
  return !tenant_->busy() && runtime->events_in_flight() == 0;
}

// ---- Worker
// ----------------------------------------------------------------------------------------

Worker::Worker(WorkerContext& context, uint32_t index, std::string name)
    : context_(context),
      index_(index),
      name_(std::move(name)),
      connector_(context.loop, context.host, context.outbound_tls, index) {}

net::HttpClient& Worker::http_client() {
  if (!http_client_) {
    http_client_ =
        std::make_unique<net::Pool>(context_.loop, connector_, client_options(context_.loop));
  }
  return *http_client_;
}

Worker::~Worker() = default;

api::WorkerOptions Worker::options() const {
  const WorkerFiles& files = version_->files();
  const ShardLimits& limits = context_.config.limits;
  api::WorkerOptions options;
  options.name = name_;
  options.compatibility_date = files.compatibility_date;
  options.compatibility_flags = files.compatibility_flags;
  options.env = files.env;
  options.bindings = files.bindings;
  options.cpu_ms = files.cpu_ms != 0 ? files.cpu_ms : limits.cpu_ms;
  options.subrequests =
      files.subrequests != 0 ? std::min(files.subrequests, limits.subrequests) : limits.subrequests;
  options.startup_cpu_ms = limits.startup_cpu_ms;
  return options;
}

Instance* Worker::ready() {
  if (current_ && current_->condemned()) retire(std::exchange(current_, nullptr));
  if (current_ && version_->number() < wanted_version_) retire(std::exchange(current_, nullptr));
  return current_.get();
}

const std::shared_ptr<bindings::AssetSite>* Worker::assets() const {
  const bool known = version_ && version_->number() >= wanted_version_;
  return known && version_->files().assets ? &version_->files().assets : nullptr;
}

void Worker::serve_assets() {
  const auto* site = assets();
  if (site == nullptr) return;
  const auto kept = *site;
  // Requests that begin while these are answered do not wait: they find the assets at once.
  auto waiting = std::exchange(waiters_, {});
  for (InstanceWaiter* waiter : waiting) {
    if (!waiter->on_assets(kept)) waiters_.push_back(waiter);
  }
}

void Worker::wait(InstanceWaiter& waiter) {
  if (const auto* site = assets(); site != nullptr && waiter.on_assets(*site)) return;
  if (Instance* instance = ready()) return waiter.on_instance(*instance);
  waiters_.push_back(&waiter);
  if (!starting_ && !loading_) start_instance();
}

void Worker::withdraw(InstanceWaiter& waiter) {
  waiters_.remove(&waiter);
}

void Worker::with_version(
    std::function<void(std::expected<std::shared_ptr<WorkerVersion>, api::ExceptionReport>)> done) {
  if (version_ && version_->number() >= wanted_version_) return done(version_);
  context_.host.load(index_, [this, done = std::move(done)](Result<WorkerFiles> files) mutable {
    if (!files) {
      api::ExceptionReport report;
      report.message = files.error().message;
      return done(std::unexpected(std::move(report)));
    }
    auto version = std::make_shared<WorkerVersion>(context_, index_, std::move(*files));
    version->prepare([this, version, done = std::move(done)](
                         std::expected<void, api::ExceptionReport> result) mutable {
      if (!result) return done(std::unexpected(std::move(result.error())));
      version_ = version;
      wanted_version_ = std::max(wanted_version_, version->number());
      done(std::move(version));
    });
  });
}

void Worker::start_instance() {
  loading_ = true;
  with_version([this](std::expected<std::shared_ptr<WorkerVersion>, api::ExceptionReport> version) {
    loading_ = false;
    if (!version) return fail_waiters(version.error());
    serve_assets();
    if (!(*version)->files().has_code) {
      api::ExceptionReport report;
      report.message = "the worker has only assets";
      return fail_waiters(report);
    }
    if ((*version)->files().assets && waiters_.empty()) return;
    auto tenant = context_.arena.take();
    if (!tenant && context_.evict_one()) tenant = context_.arena.take();
    if (!tenant) {
      auto waiters = std::exchange(waiters_, {});
      for (InstanceWaiter* waiter : waiters) waiter->on_no_room();
      return;
    }
    (*tenant)->set_account(account_);
    starting_ = std::make_unique<Instance>(*this, *version, std::move(*tenant));
    Instance& instance = *starting_;
    instance.runtime = &api::Runtime::attach(instance.tenant(), instance, options());
    cold_starts++;
    instance.runtime->load(*version, [this](std::expected<void, api::ExceptionReport> result) {
      made(std::exchange(starting_, nullptr), std::move(result));
    });
  });
}

void Worker::made(std::unique_ptr<Instance> instance,
                  std::expected<void, api::ExceptionReport> result) {
  if (!result) {
    // Whoever waits logs it with his request.
    if (waiters_.empty()) instance->on_exception("", "start-up", result.error());
    retire(std::move(instance));
    return fail_waiters(result.error());
  }
  if (instance->version->number() < wanted_version_) {
    // Reloaded while it started: what waits gets the newer code.
    retire(std::move(instance));
    return start_instance();
  }
  current_ = std::move(instance);
  // A waiter may withdraw others, add new ones or condemn the instance.
  while (!waiters_.empty()) {
    Instance* now = ready();
    if (now == nullptr) return start_instance();
    InstanceWaiter* waiter = waiters_.front();
    waiters_.pop_front();
    waiter->on_instance(*now);
  }
}

void Worker::fail_waiters(const api::ExceptionReport& report) {
  auto waiters = std::exchange(waiters_, {});
  for (InstanceWaiter* waiter : waiters) waiter->on_load_failed(report);
}

void Worker::reload(uint64_t version) {
  wanted_version_ = std::max(wanted_version_, version);
  ready();  // retires the old instance
}

void Worker::retire(std::unique_ptr<Instance> instance) {
  if (!instance) return;
  instance->retired = true;
  // Destroyed by sweep: this may be called from within a call of the instance's own runtime.
  retired_.push_back(std::move(instance));
}

void Worker::close_web_sockets(uint16_t code, std::string_view reason) {
  if (current_) current_->runtime->close_web_sockets(code, reason);
  for (const auto& instance : retired_) instance->runtime->close_web_sockets(code, reason);
}

size_t Worker::sweep(int64_t idle_before_ns) {
  // Else an old version would stay as long as the last of its WebSockets. RFC 6455's registry: 1012
  // is "Service Restart", on which clients connect again.
  for (const auto& instance : retired_) {
    if (std::exchange(instance->sockets_told, true)) continue;
    instance->runtime->close_web_sockets(1012, "A new version of the worker is here.");
  }
  size_t gone = std::erase_if(retired_, [](const auto& instance) { return instance->idle(); });
  if (current_ && current_->idle() &&
      (current_->last_used_ns <= idle_before_ns || current_->condemned())) {
    current_.reset();
    gone++;
  }
  return gone;
}

bool Worker::idle() const {
  return !current_ || current_->idle();
}

bool Worker::crowded() const {
  return current_ && context_.arena.crowded(current_->tenant());
}

int64_t Worker::last_used_ns() const {
  return current_ ? current_->last_used_ns : 0;
}

void Worker::event_ended(Instance& instance) {
  instance.last_used_ns = context_.loop.now_ns();
}

}  // namespace skep::shard
