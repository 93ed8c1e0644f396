// Runs our JavaScript tests (x_test.js) in memory: each file is a Worker whose exports have test().
// usage: api_js_test ROOT FILE…   (files and what they import lie below ROOT)
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "api/testing/harness.h"

namespace {

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

struct Count {
  size_t passed = 0;
  size_t failed = 0;
};

// Tests of Node.js's modules are workers with the flag.
std::vector<std::string> flags_for(const std::string& name) {
  return name.starts_with("node/") ? std::vector<std::string>{"nodejs_compat"}
                                   : std::vector<std::string>{};
}

void run_file(const std::string& root, const std::string& name, Count& count) {
  auto source = read_file(root + "/" + name);
  if (!source) {
    fmt::print("FAIL {}: no such file\n", name);
    ++count.failed;
    return;
  }
  auto bundle = std::make_shared<skep::api::testing::MemoryBundle>(
      name, std::map<std::string, std::string>{{name, *source}});
  bundle->find = [&root](const std::string& module) { return read_file(root + "/" + module); };
  skep::api::testing::Worker worker({.env = {{.name = "TEXT", .value = "a text"},
                                             {.name = "LIST", .value = "[1,2]", .json = true}},
                                     .compatibility_flags = flags_for(name)});
  const std::string error = worker.load(bundle);
  if (!error.empty()) {
    fmt::print("FAIL {}: {}\n{}\n", name, error, worker.load_error.stack);
    ++count.failed;
    return;
  }
  for (const auto& result : worker.test()) {
    ++(result.ok ? count.passed : count.failed);
    fmt::print("{} {} {}{}{}\n", result.ok ? "PASS" : "FAIL", name, result.name,
               result.ok ? "" : ": " + result.message, result.ok ? "" : "\n" + result.stack);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: api_js_test ROOT FILE…\n");
    return 2;
  }
  Count count;
  for (int i = 2; i < argc; ++i) run_file(argv[1], argv[i], count);
  fmt::print("{} passed, {} failed\n", count.passed, count.failed);
  return count.failed == 0 && count.passed > 0 ? 0 : 1;
}
