#include "cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "base/log.h"
#include "broker/run.h"
#include "broker/secret_command.h"
#include "cli/bench.h"
#include "cli/metrics_top.h"

namespace skep::cli {
namespace {

// Options that the commands for one project share. They live as long as the command line.
void add_project_options(CLI::App& command, broker::ProjectArguments& arguments) {
  command.add_option(
      "PROJECT", arguments.paths,
      "A folder with a wrangler file, a wrangler file, or one .js, .mjs or .ts module. "
      "Default: the working directory");
  command
      .add_option("--config", arguments.configs,
                  "The same as PROJECT; further ones are other workers that the first may bind")
      ->type_name("FILE");
  command.add_option("--env", arguments.environment, "Use [env.NAME] of the wrangler file")
      ->type_name("NAME");
  command
      .add_option("--v8-flag", arguments.v8_flags, "A flag for V8, for example --stress-compaction")
      ->type_name("FLAG")
      ->allow_extra_args(false);
}

void add_sandbox_option(CLI::App& command, bool& reduced) {
  command
      .add_option_function<std::string>(
          "--sandbox", [&reduced](const std::string& level) { reduced = level == "reduced"; },
          "full: refuse to start where a piece of the sandbox can't be had. reduced: go on without "
          "it "
          "and say in the log what is missing")
      ->check(CLI::IsMember({"full", "reduced"}))
      ->type_name("LEVEL");
}

}  // namespace

void add_serve(CLI::App& app, int& status) {
  auto arguments = std::make_shared<broker::ServeArguments>();
  CLI::App* command =
      app.add_subcommand("serve", "Serve the workers that a configuration file names");
  command->add_option("--config", arguments->config_path, "The configuration; see skep.toml(5)")
      ->type_name("FILE")
      ->capture_default_str();
  add_sandbox_option(*command, arguments->reduced_sandbox);
  command->callback([arguments, &status] { status = broker::run_serve(*arguments); });
}

void add_dev(CLI::App& app, int& status) {
  auto arguments = std::make_shared<broker::ProjectArguments>();
  auto port = std::make_shared<uint16_t>(uint16_t{8787});
  CLI::App* command = app.add_subcommand(
      "dev", "Run a project on this machine and reload it when its files change");
  add_project_options(*command, *arguments);
  command->add_option("--port", *port, "Port on 127.0.0.1")->type_name("N")->capture_default_str();
  add_sandbox_option(*command, arguments->reduced_sandbox);
  auto https = std::make_shared<bool>(false);
  command->add_flag("--https", *https, "Over TLS, with a certificate made for it (.skep/tls)");
  command->callback(
      [arguments, port, https, &status] { status = broker::run_dev(*arguments, *port, *https); });
}

void add_check(CLI::App& app, int& status) {
  auto arguments = std::make_shared<broker::ProjectArguments>();
  CLI::App* command = app.add_subcommand(
      "check", "Validate a project's configuration and compile its modules, without running them");
  add_project_options(*command, *arguments);
  add_sandbox_option(*command, arguments->reduced_sandbox);
  command->callback([arguments, &status] { status = broker::run_check(*arguments); });
}

void add_test(CLI::App& app, int& status) {
  auto arguments = std::make_shared<broker::ProjectArguments>();
  CLI::App* command =
      app.add_subcommand("test", "Run the test(controller, env, ctx) method of each export");
  add_project_options(*command, *arguments);
  add_sandbox_option(*command, arguments->reduced_sandbox);
  command->callback([arguments, &status] { status = broker::run_test(*arguments); });
}

void add_secret(CLI::App& app, int& status) {
  auto options = std::make_shared<broker::SecretOptions>();
  CLI::App* command = app.add_subcommand("secret", "Keep the secrets of the Secrets Store");
  command->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, bool named,
                       int (*run)(const broker::SecretOptions&)) {
    CLI::App* one = command->add_subcommand(name, what);
    one->add_option("--data-dir", options->data_dir, "data_dir of skep.toml; of a project: .skep")
        ->type_name("DIR")
        ->capture_default_str();
    one->add_option("store", options->store, "The store_id of the binding")->required();
    if (named) one->add_option("name", options->name, "The secret_name")->required();
    one->callback([options, run, &status] { status = run(*options); });
  };
  add("put", "Take the value from standard input", true, broker::put_secret);
  add("list", "The names, not the values", false, broker::list_secrets);
  add("delete", "Forget a secret", true, broker::delete_secret);
}

void add_top(CLI::App& app, int& status) {
  auto options = std::make_shared<TopOptions>();
  CLI::App* command =
      app.add_subcommand("top", "Show what the workers of a running skep serve are doing");
  command->add_option("--admin", options->admin, "The admin socket; see skep.toml(5)")
      ->type_name("FILE")
      ->capture_default_str();
  command->add_option("-n", options->count, "How many tables; 0: until interrupted")
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--interval", options->interval_s, "Seconds that a table stands for")
      ->type_name("S")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  command->callback([options, &status] { status = run_top(*options); });
}

namespace {

double quantile_ms(const std::vector<uint64_t>& sorted_ns, double q) {
  const size_t index = std::min(sorted_ns.size() - 1,
                                static_cast<size_t>(q * static_cast<double>(sorted_ns.size())));
  return static_cast<double>(sorted_ns[index]) / 1e6;
}

struct ColdOptions {
  broker::ProjectArguments project;
  uint32_t count = 200;
  bool json = false;
  bool dry = false;
};

int report_cold(const ColdOptions& options, bool density) {
  auto result = broker::run_cold(options.project, options.count, density, options.dry);
  if (!result) {
    log_error("{}", result.error().message);
    return 1;
  }
  std::vector<uint64_t> samples = result->samples_ns;
  if (samples.empty()) return 1;
  std::sort(samples.begin(), samples.end());
  const double each_kb = (static_cast<double>(result->resident_bytes_after) -
                          static_cast<double>(result->resident_bytes_before)) /
                         1024.0 / static_cast<double>(samples.size());
  if (options.json) {
    fmt::print(
        "{{\"isolates\":{},\"p50_ms\":{:.3f},\"p90_ms\":{:.3f},\"p99_ms\":{:.3f},\"max_ms\":{:.3f}",
        samples.size(), quantile_ms(samples, 0.5), quantile_ms(samples, 0.9),
        quantile_ms(samples, 0.99), quantile_ms(samples, 1));
    if (density) fmt::print(",\"resident_kb_each\":{:.0f}", each_kb);
    fmt::print("}}\n");
    return 0;
  }
  fmt::print(
      "{} isolates: start to first answer p50 {:.2f} ms, p90 {:.2f} ms, p99 {:.2f} ms, max {:.2f} "
      "ms\n",
      samples.size(), quantile_ms(samples, 0.5), quantile_ms(samples, 0.9),
      quantile_ms(samples, 0.99), quantile_ms(samples, 1));
  if (density) fmt::print("resident memory: {:.0f} KB an isolate\n", each_kb);
  return 0;
}

void add_cold(CLI::App& bench, int& status, bool density) {
  auto options = std::make_shared<ColdOptions>();
  if (density) options->count = 1000;
  CLI::App* command = bench.add_subcommand(
      density ? "density" : "cold",
      density ? "Keep many isolates of a project alive and measure the memory of each"
              : "Start a project's isolate over and over and time each to its first answer");
  add_project_options(*command, options->project);
  command->add_option("--count", options->count, "How many isolates")
      ->type_name("N")
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print one JSON object");
  command->add_flag("--dry", options->dry, "Each start finds no isolate ready, as after a burst");
  add_sandbox_option(*command, options->project.reduced_sandbox);
  command->callback([options, density, &status] { status = report_cold(*options, density); });
}

// Parses its own arguments: see bench.h.
void add_bench_http(CLI::App& bench, int& status) {
  CLI::App* command =
      bench.add_subcommand("http", "Load a server and measure latency and CPU time");
  command->prefix_command();
  command->set_help_flag();
  command->callback([command, &status] {
    std::vector<std::string> words = command->remaining();
    words.insert(words.begin(), "skep bench http");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    status = bench_main(static_cast<int>(words.size()), argv.data());
  });
}

}  // namespace

void add_bench(CLI::App& app, int& status) {
  CLI::App* bench = app.add_subcommand("bench", "Measure: a server over HTTP, cold starts, memory");
  bench->require_subcommand(1);
  add_bench_http(*bench, status);
  add_cold(*bench, status, false);
  add_cold(*bench, status, true);
}

}  // namespace skep::cli
