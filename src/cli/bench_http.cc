#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <string>

#include "base/log.h"
#include "base/time.h"
#include "cli/bench.h"
#include "cli/bench_cpu.h"
#include "cli/bench_load.h"
#include "cli/bench_options.h"
#include "cli/bench_report.h"

namespace skep::cli {
namespace {

constexpr unsigned kMostConnections = 100'000;

void describe(CLI::App& app, BenchOptions& options) {
  app.description(
      "Loads an HTTP server and reports latencies and CPU time.\n\n"
      "Without --rate, every connection asks again as soon as it was answered (closed loop): that "
      "shows\n"
      "the most the server can do. With --rate, requests are due at fixed times (open loop), and "
      "latency\n"
      "counts from the time a request was due: that shows what users of a service at this rate "
      "see.");
  app.add_option("url", options.url, "http://HOST[:PORT]/PATH")->required();
  app.add_option("-c,--connections", options.connections, "How many at once")
      ->check(CLI::Range(1u, kMostConnections))
      ->capture_default_str();
  app.add_option("-d,--duration", options.duration_s, "Seconds to measure")
      ->check(CLI::Range(0.01, 86'400.0))
      ->capture_default_str();
  app.add_option("--warmup", options.warmup_s, "Seconds of load before that, not counted")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("-r,--rate", options.rate,
                 "Requests a second over all connections; default: closed loop")
      ->check(CLI::Range(0.001, 1e7));
  app.add_option("--timeout", options.timeout_s, "Seconds after which a request has failed")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
  app.add_option("-X,--method", options.method, "Method of the requests")->capture_default_str();
  app.add_option("-H,--header", options.headers, "\"Name: value\"; may be repeated");
  app.add_option("--body", options.body, "Body of the requests");
  app.add_option("--connect", options.connect,
                 "ADDRESS:PORT or unix:PATH to connect to, whatever host the URL has");
  app.add_option(
      "--pid", options.pids,
      "A process of the server: its CPU time and its descendants' is reported a request; may be "
      "repeated");
  app.add_flag("--json", options.json, "Print one JSON object");
}

// Each connection is a descriptor.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

Result<BenchReport> measure(loop::Loop& loop, const BenchTarget& target,
                            const BenchOptions& options) {
  Load load(loop, target, options);
  SKEP_TRY(load.connect());
  if (options.warmup_s > 0) SKEP_TRY(load.run(options.warmup_s));
  BenchReport report;
  SKEP_TRY_ASSIGN(const CpuTimes before, cpu_times_of_trees(options.pids));
  const int64_t client_before_ns = process_cpu_ns();
  SKEP_TRY(load.run(options.duration_s));
  report.client_cpu_ns = process_cpu_ns() - client_before_ns;
  SKEP_TRY_ASSIGN(const CpuTimes after, cpu_times_of_trees(options.pids));
  report.server_cpu_ns = cpu_used_ns(before, after);
  report.server_processes = after.size();
  SKEP_TRY(load.finish());
  report.load = std::move(load.result());
  return report;
}

Result<BenchReport> run(const BenchOptions& options) {
  // The target outlives the loop, which sends its bytes.
  SKEP_TRY_ASSIGN(const BenchTarget target, make_target(options));
  SKEP_TRY_ASSIGN(const auto loop,
                  loop::Loop::create({.recv_buffer_count = limits::kRecvBufferCount}));
  return measure(*loop, target, options);
}

}  // namespace

int bench_main(int argc, char** argv) {
  BenchOptions options;
  CLI::App app;
  app.name(argv[0]);
  app.failure_message(CLI::FailureMessage::simple);
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  prctl(PR_SET_TIMERSLACK, 1UL);  // due times are microseconds apart
  auto report = run(options);
  if (!report) {
    log_error("{}", report.error().message);
    return 1;
  }
  const std::string text =
      options.json ? format_json(options, *report) : format_text(options, *report);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return report->load.unanswered() + report->load.refused() > 0 || report->load.requests == 0 ? 1
                                                                                              : 0;
}

}  // namespace skep::cli
