// The commands of skep. Each function adds one to the command line; its callback runs the command
// and leaves the exit status in `status`. The texts are written as the man pages are.
#pragma once

namespace CLI {
class App;
}

namespace skep::cli {

void add_serve(CLI::App& app, int& status);
void add_dev(CLI::App& app, int& status);
void add_check(CLI::App& app, int& status);
void add_test(CLI::App& app, int& status);
void add_secret(CLI::App& app, int& status);
void add_top(CLI::App& app, int& status);
void add_bench(CLI::App& app, int& status);

}  // namespace skep::cli
