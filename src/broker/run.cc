#include "broker/run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iterator>
#include <optional>

#include "base/log.h"
#include "broker/broker.h"
#include "broker/check_assets.h"
#include "broker/log_output.h"
#include "config/check.h"
#include "rpc/outcome.h"

namespace skep::broker {
namespace {

void print_line(std::string line) {
  line += '\n';
  fwrite(line.data(), 1, line.size(), stdout);
  fflush(stdout);
}

int failed(const Error& error) {
  log_error("{}", error.message);
  return 1;
}

std::string join(const std::vector<std::string>& parts) {
  return fmt::format("{}", fmt::join(parts, ", "));
}

// Tests and checks make an isolate or two; a benchmark wants what a server has.
constexpr uint32_t kSmallArena = 2;
constexpr uint32_t kUsualArena = 16;

// Runs one task on the one shard of a broker. `task` is called when the shard is there; the promise
// it gives is the task.
int run_once(Result<BrokerOptions> options, const std::function<kj::Promise<int>(Broker&)>& task) {
  if (!options) return failed(options.error());
  Broker broker(std::move(*options));
  kj::Maybe<kj::Promise<void>> running;
  broker.on_ready([&] {
    running = rpc::when_done(kj::evalNow([&] { return task(broker); }), [&](Result<int> status) {
      if (!status) log_error("{}", printable(status.error().message, true));
      broker.finish(status ? *status : 1);
    });
  });
  if (auto started = broker.start(); !started) return failed(started.error());
  return broker.run();
}

class PrintingSink final : public rpc::TestSink::Server {
 public:
  kj::Promise<void> result(ResultContext context) override {
    const auto params = context.getParams();
    const std::string name = printable(params.getName().cStr());
    if (params.getOk()) {
      print_line(fmt::format("PASS {}", name));
      return kj::READY_NOW;
    }
    print_line(fmt::format("FAIL {}: {}", name, printable(params.getMessage().cStr())));
    // A line each, indented, so that none can be taken for a PASS.
    std::string_view stack(params.getStack().cStr(), params.getStack().size());
    while (!stack.empty()) {
      const size_t end = std::min(stack.find('\n'), stack.size());
      std::string_view line = stack.substr(0, end);
      while (line.starts_with(' ')) line.remove_prefix(1);
      if (!line.empty()) print_line(fmt::format("    {}", printable(line)));
      stack.remove_prefix(std::min(end + 1, stack.size()));
    }
    return kj::READY_NOW;
  }
};

// The line with a caret below the column, as far as it fits a terminal.
std::string frame_of(rpc::Diagnostic::Reader diagnostic) {
  constexpr size_t kWidth = 100;
  std::string_view line(diagnostic.getSourceLine().cStr(), diagnostic.getSourceLine().size());
  if (line.empty() || diagnostic.getLine() == 0) return "";
  size_t column = diagnostic.getColumn() == 0 ? 0 : diagnostic.getColumn() - 1;
  column = std::min(column, line.size());
  const size_t start = column > kWidth / 2 ? column - kWidth / 2 : 0;
  std::string shown(line.substr(start, kWidth));
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  const std::string number = fmt::format("{}", diagnostic.getLine());
  return fmt::format("  {} | {}\n  {} | {}^", number, printable(shown),
                     std::string(number.size(), ' '), std::string(column - start, ' '));
}

// A shard knows modules by name; a person wants the file, from where he stands.
std::string file_of(const Deployment& deployment, std::string_view module) {
  const std::string path = deployment.path_of(module);
  if (path.empty()) return printable(module);
  std::error_code error;
  const std::filesystem::path here = std::filesystem::current_path(error);
  const std::filesystem::path relative = std::filesystem::path(path).lexically_relative(here);
  const bool below = !error && !relative.empty() && *relative.begin() != "..";
  return below ? relative.string() : path;
}

void print_diagnostic(const Deployment& deployment, rpc::Diagnostic::Reader diagnostic) {
  std::string place = file_of(deployment, diagnostic.getFile().cStr());
  if (diagnostic.getLine() != 0) {
    place += fmt::format(":{}", diagnostic.getLine());
    if (diagnostic.getColumn() != 0) place += fmt::format(":{}", diagnostic.getColumn());
  }
  print_line(fmt::format("{}: error: {}", place, printable(diagnostic.getMessage().cStr(), true)));
  const std::string frame = frame_of(diagnostic);
  if (!frame.empty()) print_line(frame);
}

}  // namespace

int run_serve(const ServeArguments& arguments) {
  config::LoadedServeConfig loaded = config::load_serve_config(arguments.config_path);
  std::string text = config::format_diagnostics(loaded.diagnostics);
  while (text.ends_with('\n')) text.pop_back();
  const bool broken = std::any_of(loaded.diagnostics.begin(), loaded.diagnostics.end(),
                                  [](const config::Diagnostic& diagnostic) {
                                    return diagnostic.severity == config::Severity::error;
                                  });
  if (broken) return failed(Error{text, 0});
  if (!text.empty()) log_warn("{}", text);

  BrokerOptions options = options_from(loaded.config, arguments.config_path);
  if (arguments.reduced_sandbox) options.sandbox = config::SandboxLevel::reduced;
  Broker broker(std::move(options));
  broker.on_ready([&] {
    const size_t workers = broker.deployments().size();
    log_info("skep {} serves {} worker{} at {} with {} shard{}", SKEP_VERSION, workers,
             workers == 1 ? "" : "s", join(broker.listeners().names()), broker.attached(),
             broker.attached() == 1 ? "" : "s");
  });
  if (auto started = broker.start(); !started) return failed(started.error());
  return broker.run();
}

int run_dev(const ProjectArguments& arguments, uint16_t port, bool https) {
  auto options = dev_options(arguments, port, https);
  if (!options) return failed(options.error());
  Broker broker(std::move(*options));
  broker.on_ready([&] {
    print_line(fmt::format("{} is ready at {}", broker.deployments().at(0).name(),
                           join(broker.listeners().names())));
  });
  if (auto started = broker.start(); !started) return failed(started.error());
  return broker.run();
}

int run_check(const ProjectArguments& arguments) {
  auto options = once_options(arguments, kSmallArena);
  if (!options) return failed(options.error());
  const config::CheckedProject checked =
      config::check_project(options->workers.front().path, {arguments.environment, true},
                            {options->workers.front().reach, options->limits.script_bytes});
  std::vector<config::Diagnostic> found = checked.diagnostics;
  if (checked.config) std::ranges::move(check_assets(*checked.config), std::back_inserter(found));
  std::string text = config::format_diagnostics(found);
  fwrite(text.data(), 1, text.size(), stdout);
  if (std::ranges::find(found, config::Severity::error, &config::Diagnostic::severity) !=
      found.end())
    return 1;
  if (checked.project == nullptr && checked.config && checked.config->main.empty()) {
    print_line(fmt::format("{}: no errors", checked.config->name));
    return 0;
  }
  if (checked.project == nullptr) return 1;
  options->config_known = true;
  return run_once(std::move(options), [](Broker& broker) {
    auto request = broker.shard(0).checkRequest();
    request.setWorker(0);
    return request.send().then([&broker](auto&& answer) {
      const auto diagnostics = answer.getDiagnostics();
      for (const auto& diagnostic : diagnostics)
        print_diagnostic(broker.deployments().at(0), diagnostic);
      if (diagnostics.size() == 0)
        print_line(fmt::format("{}: no errors", broker.deployments().at(0).name()));
      return diagnostics.size() == 0 ? 0 : 1;
    });
  });
}

int run_test(const ProjectArguments& arguments) {
  return run_once(once_options(arguments, kSmallArena), [](Broker& broker) {
    auto request = broker.shard(0).testRequest();
    request.setWorker(0);
    request.setSink(kj::heap<PrintingSink>());
    return request.send().then([](auto&& answer) {
      print_line(fmt::format("{} passed, {} failed", answer.getPassed(), answer.getFailed()));
      return answer.getFailed() == 0 && answer.getPassed() > 0 ? 0 : 1;
    });
  });
}

Result<ColdResult> run_cold(const ProjectArguments& arguments, uint32_t count, bool keep,
                            bool dry) {
  ColdResult result;
  auto options = once_options(arguments, kUsualArena);
  if (options) options->development = false;
  const int status = run_once(std::move(options), [&](Broker& broker) {
    result.resident_bytes_before = rpc::or_throw(broker.resident_bytes(0));
    auto request = broker.shard(0).coldRequest();
    request.setWorker(0);
    request.setCount(count);
    request.setKeep(keep);
    request.setDry(dry);
    return request.send().then([&](auto&& answer) {
      for (uint64_t sample : answer.getSamplesNs()) result.samples_ns.push_back(sample);
      result.resident_bytes_after = rpc::or_throw(broker.resident_bytes(0));
      return 0;
    });
  });
  if (status != 0) return fail("the shard did not finish the benchmark");
  return result;
}

}  // namespace skep::broker
