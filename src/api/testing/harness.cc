#include "api/testing/harness.h"

#include <fmt/format.h>

#include <cstdlib>

#include "api/parts/parts.h"
#include "api/rpc/service_binding.h"
#include "api/snapshot.h"
#include "base/assert.h"
#include "base/time.h"
#include "config/compatibility.h"

namespace skep::api::testing {
namespace {

using isolate::ModuleSource;
using isolate::ModuleType;
using isolate::Resolved;

// The engine is one a process; its parts go in the order of a shard's end.
struct Process {
  std::unique_ptr<loop::Loop> loop;
  std::unique_ptr<isolate::Engine> engine;
  std::unique_ptr<isolate::Arena> arena;
};

Process& process() {
  static Process* instance = [] {
    auto* made = new Process;  // lives as long as the process: V8 cannot be started twice
    auto loop = loop::Loop::create(
        {.entries = 256, .fixed_files = 0, .recv_buffer_bytes = 0, .recv_buffer_count = 0});
    SKEP_ASSERT(loop);
    made->loop = std::move(*loop);
    // So that the same tests run under V8's GC stress.
    const char* flags = std::getenv("SKEP_TEST_V8_FLAGS");
    auto engine = isolate::Engine::create({.flags = flags ? flags : "",
                                           .snapshot = embedded_snapshot(),
                                           .external_references = external_references()});
    SKEP_ASSERT(engine);
    made->engine = std::move(*engine);
    SKEP_ASSERT(made->engine->start_threads(1));
    made->arena = std::make_unique<isolate::Arena>(*made->loop, *made->engine,
                                                   isolate::ArenaOptions{.ready = 0});
    return made;
  }();
  return *instance;
}

std::string folder_of(std::string_view name) {
  const size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? "" : std::string(name.substr(0, slash + 1));
}

// "a/b/../c.js" and "./c.js" made plain.
std::string normal_path(const std::string& path) {
  std::vector<std::string> parts;
  size_t start = 0;
  while (start <= path.size()) {
    const size_t slash = std::min(path.find('/', start), path.size());
    std::string part = path.substr(start, slash - start);
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(std::move(part));
    }
    start = slash + 1;
  }
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : "/") + part;
  return out;
}

ModuleType type_of(std::string_view name) {
  if (name.ends_with(".json")) return ModuleType::json;
  if (name.ends_with(".txt")) return ModuleType::text;
  if (name.ends_with(".bin")) return ModuleType::data;
  if (name.ends_with(".wasm")) return ModuleType::wasm;
  if (name.ends_with(".cjs")) return ModuleType::commonjs;
  return ModuleType::esm;
}

}  // namespace

// --- MemoryBundle ---

MemoryBundle::MemoryBundle(std::string main, std::map<std::string, std::string> modules)
    : main_(std::move(main)) {
  for (auto& [name, source] : modules) {
    auto module = std::make_unique<ModuleSource>();
    module->name = name;
    module->type = type_of(name);
    module->content = std::move(source);
    modules_[name] = std::move(module);
  }
}

ModuleSource& MemoryBundle::main() {
  return *modules_.at(main_);
}

Resolved MemoryBundle::look_up(std::string_view referrer, std::string_view specifier) {
  if (specifier.starts_with("cloudflare:")) {
    return {.builtin = specifier == "cloudflare:workers" || specifier == "cloudflare:sockets" ||
                       specifier == "cloudflare:node",
            .missing =
                fmt::format("No such module \"{}\".\n  imported from \"{}\"", specifier, referrer)};
  }
  if (specifier.starts_with("node:")) return {.builtin = true};
  std::string name = normal_path(folder_of(referrer) + std::string(specifier));
  if (!modules_.contains(name) && find) {
    if (auto source = find(name)) {
      auto module = std::make_unique<ModuleSource>();
      module->name = name;
      module->type = type_of(name);
      module->content = std::move(*source);
      modules_[name] = std::move(module);
    }
  }
  auto found = modules_.find(name);
  if (found != modules_.end()) return {.module = found->second.get()};
  return {.missing = fmt::format("No such module \"{}\".\n  imported from \"{}\"", name, referrer)};
}

std::optional<Resolved> MemoryBundle::resolve(std::string_view referrer, std::string_view specifier,
                                              isolate::ImportKind,
                                              std::function<void(Resolved)> later) {
  Resolved resolved = look_up(referrer, specifier);
  if (!answer_late) return resolved;
  answer_late->post([later = std::move(later), resolved] { later(resolved); });
  return std::nullopt;
}

// --- Exchange ---

std::string Exchange::header(std::string_view name) const {
  for (const auto& [key, value] : answer_headers) {
    if (key == name) return value;
  }
  return "";
}

std::span<const net::Header> Exchange::headers() const {
  header_views_.clear();
  for (const auto& [name, value] : request_headers) header_views_.push_back({name, value});
  return header_views_;
}

void Exchange::pull_body() {
  ++pulls;
  has_body_ = true;
  if (!request_body.empty()) {
    const std::string chunk = std::move(request_body.front());
    request_body.pop_front();
    if (events_) events_->on_body(chunk);
  } else if (!body_open) {
    if (events_) events_->on_body_end();
  } else {
    pull_waits_ = true;
  }
}

void Exchange::give(std::string chunk) {
  if (!pull_waits_) {
    request_body.push_back(std::move(chunk));
    return;
  }
  pull_waits_ = false;
  if (events_) events_->on_body(chunk);
}

void Exchange::end_body() {
  body_open = false;
  if (!pull_waits_) return;
  pull_waits_ = false;
  if (events_) events_->on_body_end();
}

void Exchange::respond(const net::ResponseHead& head, std::string_view bytes, bool finish_now) {
  SKEP_ASSERT(status == 0);
  status = head.status;
  content_length = head.content_length;
  for (const net::Header& header : head.headers)
    answer_headers.emplace_back(header.name, header.value);
  body = bytes;
  finished = finish_now;
}

bool Exchange::write(std::string_view data) {
  SKEP_ASSERT(status != 0 && !finished && !aborted);
  body += data;
  unsent_ += data.size();
  blocked_ = unsent_ > window;
  return !blocked_;
}

void Exchange::drain() {
  unsent_ = 0;
  if (!std::exchange(blocked_, false)) return;
  if (events_) events_->on_writable();
}

void Exchange::on_failed(const EventResult& event_result, bool pass) {
  SKEP_ASSERT(!ended && !failed);
  failed = event_result;
  pass_through = pass;
}

void Exchange::on_end(const EventResult& event_result) {
  SKEP_ASSERT(!ended);
  ended = true;
  result = event_result;
}

// --- Worker ---

namespace {

class TestService final : public Service {
 public:
  explicit TestService(Worker& worker) : worker_(worker) {}
  void acquire(Ready ready) override { ready(&worker_.runtime()); }

 private:
  Worker& worker_;
};

std::vector<EnvBinding> service_bindings(const std::vector<ServiceSetup>& services) {
  std::vector<EnvBinding> bindings;
  for (const ServiceSetup& service : services) {
    auto capability = std::make_shared<EntrypointCapability>(
        std::make_shared<TestService>(*service.worker),
        EntryChoice{
            .name = service.entrypoint, .props_json = service.props_json, .props = nullptr});
    bindings.push_back({service.name, std::make_shared<ServiceBinding>(std::move(capability))});
  }
  return bindings;
}

}  // namespace

Worker::Worker(WorkerSetup setup) {
  auto tenant = process().arena->take();
  SKEP_ASSERT(tenant);
  tenant_ = std::move(*tenant);
  tenant_->set_account(account_);
  constexpr std::string_view kDate = "2026-05-03";
  const std::string_view date =
      setup.compatibility_date.empty() ? kDate : std::string_view(setup.compatibility_date);
  runtime_ = &Runtime::attach(
      *tenant_, *this,
      {.name = "test",
       .compatibility_date = std::string(date),
       .compatibility_flags = config::enabled_flags(date, setup.compatibility_flags),
       .env = std::move(setup.env),
       .bindings = service_bindings(setup.services),
       .cpu_ms = setup.cpu_ms,
       .startup_cpu_ms = setup.startup_cpu_ms,
       .subrequests = setup.subrequests});
}

Worker::~Worker() {
  isolate::Arena& arena = *process().arena;
  arena.give_back(std::move(tenant_));
  // Disposed of now: the process may end next, and what V8 still holds would count as leaked.
  while (arena.refill_step()) continue;
}

const Parts& Worker::parts() {
  return embedded_parts();
}

loop::Loop& Worker::loop() {
  return *process().loop;
}

std::string Worker::load(std::string source) {
  return load(std::make_shared<MemoryBundle>(
      "main.js", std::map<std::string, std::string>{{"main.js", std::move(source)}}));
}

std::string Worker::load(std::shared_ptr<MemoryBundle> bundle) {
  bool loaded = false;
  std::string message;
  runtime_->load(std::move(bundle), [&](std::expected<void, ExceptionReport> result) {
    loaded = true;
    if (result) return;
    load_error = result.error();
    message = load_error.message;
  });
  SKEP_ASSERT(run_until([&] { return loaded; }));
  // Where loading took long (a busy machine, a sanitizer) the worker's next jobs would wait for
  // their turn, and tests look at what a job did at once.
  SKEP_ASSERT(run_until([&] { return !account_->heavy(monotonic_ns()); }));
  return message;
}

bool Worker::run_until(const std::function<bool()>& condition) {
  const int64_t end_ns = monotonic_ns() + 60'000'000'000;
  // Wakes the loop, so that a condition that never comes does not hang the test.
  loop::Timer tick(loop(), [] {});
  while (!condition()) {
    if (monotonic_ns() > end_ns) return false;
    tick.set_ms(10);
    SKEP_ASSERT(loop().turn(true));
  }
  return true;
}

Event* Worker::start(Exchange& exchange) {
  return runtime_->fetch(exchange, exchange, fmt::format("request-{}", ++requests_));
}

Event* Worker::begin(Exchange& exchange) {
  Event* event = start(exchange);
  SKEP_ASSERT(run_until([&] { return !tenant_->busy(); }));
  return event;
}

void Worker::send(Exchange& exchange) {
  SKEP_ASSERT(start(exchange) != nullptr);
  SKEP_ASSERT(run_until([&] { return exchange.ended; }));
}

std::string Worker::get(const std::string& url) {
  Exchange exchange;
  exchange.request_url = url;
  send(exchange);
  if (exchange.failed) return "failed: " + exchange.failed->exception.message;
  return exchange.body;
}

std::vector<TestResult> Worker::test() {
  std::vector<TestResult> results;
  bool done = false;
  runtime_->test([&](const TestResult& result) { results.push_back(result); },
                 [&] { done = true; });
  SKEP_ASSERT(run_until([&] { return done; }));
  return results;
}

void Worker::on_console(std::string_view, ConsoleLevel, std::string message) {
  console.push_back(std::move(message));
}

void Worker::on_exception(std::string_view request_id, std::string_view where,
                          const ExceptionReport& report) {
  exceptions.push_back({std::string(request_id), std::string(where), report});
}

}  // namespace skep::api::testing
