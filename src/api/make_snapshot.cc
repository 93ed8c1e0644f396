// Program of the build: evaluates the runtime's bundled JavaScript and writes the start-up
// snapshot. usage: make_snapshot BUNDLE.js OUTPUT
#include <fmt/format.h>
#include <libplatform/libplatform.h>
#include <v8.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "api/snapshot.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: make_snapshot BUNDLE.js OUTPUT\n");
    return 2;
  }
  std::ifstream in(argv[1], std::ios::binary);
  std::stringstream source;
  source << in.rdbuf();

  auto platform = v8::platform::NewSingleThreadedDefaultPlatform();
  v8::V8::InitializePlatform(platform.get());
  v8::V8::SetFlagsFromString("--single-threaded");
  v8::V8::Initialize();
  auto blob = skep::api::create_snapshot(source.str());
  v8::V8::Dispose();
  v8::V8::DisposePlatform();
  if (!blob) {
    fmt::print(stderr, "make_snapshot: {}\n", blob.error().message);
    return 1;
  }
  std::ofstream out(argv[2], std::ios::binary);
  out << *blob;
  fmt::print("runtime: {} KB of minified JavaScript (budget 150), snapshot {} KB\n",
             (source.str().size() + 1023) / 1024, (blob->size() + 1023) / 1024);
  constexpr size_t kBudgetBytes = 150 * 1024;
  if (source.str().size() > kBudgetBytes) {
    fmt::print(stderr, "make_snapshot: the runtime's JavaScript is over its budget\n");
    return 1;
  }
  return out.flush() ? 0 : 1;
}
