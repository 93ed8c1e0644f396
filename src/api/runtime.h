// The Workers runtime inside one tenant, as the shard sees it: load a worker, send it events. The
// native half of the web APIs hangs here, one folder an API; their JavaScript half is in the
// start-up snapshot (snapshot.h). All calls on the loop's thread and stack.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/binding.h"
#include "api/fetch_channel.h"
#include "base/limits_fetch.h"
#include "isolate/bundle.h"
#include "isolate/tenant.h"
#include "loop/loop.h"
#include "net/client/connector.h"
#include "net/client/exchange.h"

namespace skep::api {

// How an event ended; names as Workers' tail logs have them.
enum class Outcome {
  ok,
  exception,
  exceeded_cpu,
  exceeded_memory,
  canceled,  // the client went away, or the runtime gave up a hung handler
  script_not_found,
};
std::string_view outcome_name(Outcome outcome);

enum class ConsoleLevel { debug, log, info, warn, error };

// An exception as the log shows it: source maps applied where the module has one.
struct ExceptionReport {
  std::string message;      // "TypeError: x is not a function"
  std::string stack;        // lines "    at f (src/index.ts:3:5)", without the message line
  std::string file;         // of the topmost frame; "" when unknown
  uint32_t line = 0;        // 1-based; 0: unknown
  uint32_t column = 0;      // 1-based
  std::string source_line;  // for a code frame
};

// One variable of the worker's env.
struct EnvVar {
  std::string name;
  std::string value;
  bool json = false;  // value is JSON text, to be parsed
};

struct WorkerOptions {
  std::string name;
  std::string compatibility_date;
  std::vector<std::string> compatibility_flags;  // in effect
  std::vector<EnvVar> env;
  std::vector<EnvBinding> bindings;
  int64_t cpu_ms = 0;                                   // a request; 0: no limit
  int64_t startup_cpu_ms = 0;                           // top-level evaluation; 0: no limit
  uint32_t subrequests = limits::kSubrequestsPerEvent;  // and connect(), an event
};

class Parts;

// What the runtime asks of the shard.
class RuntimeHost {
 public:
  virtual loop::Loop& loop() = 0;
  // What its JavaScript loads when it first needs it.
  virtual const Parts& parts() = 0;
  // A part is about to be evaluated for the first time in this isolate: its function. For the maker
  // of code caches.
  virtual void on_part_compiled(std::string_view /*name*/, v8::Local<v8::Function> /*part*/) {}
  // Where outbound requests go; null: this worker has no network.
  virtual net::HttpClient* http_client() { return nullptr; }
  // Where connect() goes; null as above.
  virtual net::Connector* connector() { return nullptr; }
  virtual void on_console(std::string_view request_id, ConsoleLevel level, std::string message) = 0;
  // An exception that nobody caught: in a handler, in waitUntil, in a timer, an unhandled
  // rejection.
  virtual void on_exception(std::string_view request_id, std::string_view where,
                            const ExceptionReport& report) = 0;

 protected:
  ~RuntimeHost() = default;
};

struct EventResult {
  Outcome outcome = Outcome::ok;
  ExceptionReport exception;  // for exception and script errors
  int64_t cpu_ns = 0;
};

// The shard's side of a running event. on_end comes last, when the handler and all waitUntil
// promises are through and nothing of the event is left. Neither call may destroy the tenant.
class EventObserver {
 public:
  // The handler failed before a response was started: the shard answers with an error page, or goes
  // to the origin where passThroughOnException was called.
  virtual void on_failed(const EventResult& result, bool pass_through) = 0;
  virtual void on_end(const EventResult& result) = 0;

 protected:
  ~EventObserver() = default;
};

class Event;
class EventStart;
struct EntryChoice;

struct TestResult {
  std::string name;
  bool ok = false;
  std::string message;
  std::string stack;
};

class Runtime final : public isolate::Tenant::Attachment {
 public:
  // Makes the runtime of a fresh tenant and attaches it. `host` outlives the tenant.
  static Runtime& attach(isolate::Tenant& tenant, RuntimeHost& host, WorkerOptions options);
  // Null when the isolate is no tenant's, or has no runtime yet.
  static Runtime* from(v8::Isolate* isolate);
  ~Runtime() override;

  // Loads the bundle and evaluates it under the start-up CPU limit. `done` is called once.
  void load(std::shared_ptr<isolate::Bundle> bundle,
            std::function<void(std::expected<void, ExceptionReport>)> done);
  // Compiles every module that static imports reach, evaluates nothing. For `skep check`.
  void check(std::shared_ptr<isolate::Bundle> bundle,
             std::function<void(std::vector<ExceptionReport>)> done);

  // Dispatches a request to the default export's fetch (or the service-worker listener). `channel`
  // and `observer` stay valid until on_end. request_id: for the log (copied). Null when the tenant
  // takes no more events (queue full, condemned): nothing was started. Most events are over before
  // this returns: on_end (and on_failed before it) may come from within the call, and the pointer
  // is then no longer valid. Use it only while on_end has not come.
  // entry: for another entrypoint than the default one. depth: of nested workers.
  Event* fetch(FetchChannel& channel, EventObserver& observer, std::string_view request_id,
               const EntryChoice* entry = nullptr, unsigned depth = 0);
  // The client is gone: the channel is closed, pending reads and writes fail. The event goes on for
  // its waitUntil promises, bounded; on_end still comes. After this call `channel` is not used.
  void client_gone(Event& event);
  // An event that EventStart begins. Null when the tenant takes no more. It is started at once;
  // false: it took no job, and is gone.
  Event* make_event(std::string_view request_id);
  bool start(Event& event, std::unique_ptr<EventStart> start);
  // Ends an event by force (drain limit): on_end follows.
  void cancel(Event& event);

  // Runs the test() handlers of all exports in order, one event each; no CPU limit.
  void test(std::function<void(const TestResult&)> each, std::function<void()> done);

  size_t events_in_flight() const;
  // Those of them that have not become a WebSocket's.
  size_t requests_in_flight() const;
  // Says a Close frame on every WebSocket that is open.
  void close_web_sockets(uint16_t code, std::string_view reason);

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  explicit Runtime(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace skep::api
