// What the tests of this folder share: a worker held in memory, run through the real engine, and
// channels that stand in for HTTP. Part of the tests, not of skep.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/runtime.h"
#include "isolate/arena.h"
#include "isolate/engine.h"
#include "loop/loop.h"

namespace skep::api::testing {

// The modules of a worker, by name. Relative specifiers resolve against the importer's folder.
class MemoryBundle final : public isolate::Bundle {
 public:
  MemoryBundle(std::string main, std::map<std::string, std::string> modules);
  isolate::ModuleSource& main() override;
  std::optional<isolate::Resolved> resolve(std::string_view referrer, std::string_view specifier,
                                           isolate::ImportKind kind,
                                           std::function<void(isolate::Resolved)> later) override;
  void cache_made(isolate::ModuleSource&) override {}

  // Called for a module that is not there; may add it (reads a file). Returns its source.
  std::function<std::optional<std::string>(const std::string& name)> find;
  // Set: answers come later, on the loop.
  loop::Loop* answer_late = nullptr;

 private:
  isolate::Resolved look_up(std::string_view referrer, std::string_view specifier);
  std::string main_;
  std::map<std::string, std::unique_ptr<isolate::ModuleSource>> modules_;
};

// One request and what came of it.
class Exchange final : public FetchChannel, public EventObserver {
 public:
  std::string request_method = "GET";
  std::string request_url = "http://worker.test/";
  std::vector<std::pair<std::string, std::string>> request_headers;
  std::deque<std::string> request_body;  // chunks still to be pulled
  bool body_open = false;                // more may come: give()
  size_t window = SIZE_MAX;              // bytes that write() takes before it says false

  int status = 0;
  std::vector<std::pair<std::string, std::string>> answer_headers;
  std::optional<uint64_t> content_length;
  std::string body;
  bool finished = false;
  bool aborted = false;
  bool ended = false;
  std::optional<EventResult> failed;
  bool pass_through = false;
  EventResult result;
  size_t pulls = 0;

  std::string header(std::string_view name) const;
  // More of the request body.
  void give(std::string chunk);
  void end_body();
  // The client takes what was written.
  void drain();
  size_t unsent() const { return unsent_; }

  // FetchChannel
  void set_events(FetchChannelEvents* events) override { events_ = events; }
  std::string_view method() const override { return request_method; }
  std::string_view url() const override { return request_url; }
  std::span<const net::Header> headers() const override;
  bool has_body() const override { return has_body_ || body_open || !request_body.empty(); }
  std::optional<uint64_t> body_length() const override { return std::nullopt; }
  std::string cf_json() const override { return R"({"colo":"TEST"})"; }
  void pull_body() override;
  void respond(const net::ResponseHead& head, std::string_view bytes, bool finish) override;
  bool write(std::string_view data) override;
  void finish() override { finished = true; }
  void abort() override { aborted = true; }
  // EventObserver
  void on_failed(const EventResult& event_result, bool pass) override;
  void on_end(const EventResult& event_result) override;

 private:
  FetchChannelEvents* events_ = nullptr;
  mutable std::vector<net::Header> header_views_;
  bool has_body_ = false;
  bool pull_waits_ = false;
  size_t unsent_ = 0;
  bool blocked_ = false;
};

struct LoggedException {
  std::string request_id;
  std::string where;
  ExceptionReport report;
};

class Worker;

// A service binding of a worker under test.
struct ServiceSetup {
  std::string name;
  Worker* worker = nullptr;  // must live as long as the one that has the binding
  std::string entrypoint;
  std::string props_json;
};

struct WorkerSetup {
  std::vector<EnvVar> env;
  std::vector<std::string> compatibility_flags;  // as a project asks for them
  std::string compatibility_date;                // empty: 2026-05-03
  int64_t cpu_ms = 0;
  int64_t startup_cpu_ms = 0;
  std::vector<ServiceSetup> services;
  uint32_t subrequests = limits::kSubrequestsPerEvent;
};

// One tenant with a worker in it.
class Worker final : public RuntimeHost {
 public:
  explicit Worker(WorkerSetup setup = {});
  ~Worker();

  // Loads; returns the error's message, "" when all is well.
  std::string load(std::string source);
  std::string load(std::shared_ptr<MemoryBundle> bundle);
  // Sends a request and runs the loop until it is over (or `turns` are through).
  void send(Exchange& exchange);
  Event* start(Exchange& exchange);
  // As start, and turns the loop until the handler waits for something, however slow the machine
  // is: it must do that, and its event must not end before.
  Event* begin(Exchange& exchange);
  // Turns the loop until `condition` holds; false when it does not within a minute.
  bool run_until(const std::function<bool()>& condition);
  std::vector<TestResult> test();

  // Fetches `url` and gives the body.
  std::string get(const std::string& url = "http://worker.test/");

  Runtime& runtime() { return *runtime_; }
  isolate::Tenant& tenant() { return *tenant_; }

  loop::Loop& loop() override;
  const Parts& parts() override;
  net::HttpClient* http_client() override { return client; }
  net::Connector* connector() override { return tcp; }
  void on_console(std::string_view request_id, ConsoleLevel level, std::string message) override;
  void on_exception(std::string_view request_id, std::string_view where,
                    const ExceptionReport& report) override;

  net::HttpClient* client = nullptr;  // where its fetch() goes
  net::Connector* tcp = nullptr;      // where its connect() goes
  std::vector<std::string> console;
  std::vector<LoggedException> exceptions;
  ExceptionReport load_error;

 private:
  std::shared_ptr<isolate::Account> account_ = std::make_shared<isolate::Account>();
  std::unique_ptr<isolate::Tenant> tenant_;
  Runtime* runtime_ = nullptr;
  size_t requests_ = 0;
};

}  // namespace skep::api::testing
