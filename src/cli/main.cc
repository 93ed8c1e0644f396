// The command line: parses arguments and calls what does the work. Nothing else lives here.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "base/log.h"
#include "cli/commands.h"
#include "rpc/zygote_wire.h"
#include "shard/start.h"

int main(int argc, char** argv) {
  using namespace skep;
  // The broker starts this program again as the zygote; that is nobody's command.
  if (argc > 1 && argv[1] == rpc::zygote::kCommand) {
    return shard::zygote_main({argv + 2, argv + argc});
  }
  CLI::App app{
      "skep: a Workers appliance. Runs Cloudflare Workers projects on this machine, each\n"
      "tenant in an isolate, each isolate in a process that can open nothing."};
  app.set_version_flag("--version", std::string("skep " SKEP_VERSION));
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  // A tests' or benchmark's exit status is its own; a wrong command line is 2.
  int status = 0;
  cli::add_serve(app, status);
  cli::add_dev(app, status);
  cli::add_check(app, status);
  cli::add_test(app, status);
  cli::add_secret(app, status);
  cli::add_top(app, status);
  cli::add_bench(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  return status;
}
