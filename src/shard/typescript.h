// TypeScript to JavaScript: types stripped, enums, namespaces and parameter properties transformed,
// with a source map. The engine is swc's WebAssembly build (npm @swc/wasm-typescript), run as an
// ordinary worker in an isolate of this shard: its input is a tenant's, so it belongs in the
// sandbox. Owned by the shard; on the loop's thread. Loaded at the first TypeScript module, dropped
// when idle.
#pragma once

#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/runtime.h"
#include "isolate/arena.h"

namespace skep::shard {

struct TransformedModule {
  std::string code;
  std::string source_map;  // JSON
};

class Typescript {
 public:
  Typescript(loop::Loop& loop, isolate::Arena& arena);
  ~Typescript();

  // `done` is called once, possibly from within. Errors carry file, line, column and source line.
  void transform(std::string_view file, std::string source,
                 std::function<void(std::expected<TransformedModule, api::ExceptionReport>)> done);

  // Gives back the isolate when nothing was transformed since `before_ns`.
  void sweep(int64_t before_ns);

  // The form in which the broker keeps a transformed module: length of the code (8 bytes, little
  // endian), code, map. Unpacking refuses what is malformed.
  static std::string pack(const TransformedModule& module);
  static std::optional<TransformedModule> unpack(std::string_view packed);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skep::shard
