// The modules of one version of a worker, as this shard holds them: shared by all isolates of that
// version, so that an isolate made anew asks nobody. Owned by the shard (shared_ptr).
#pragma once

#include <v8.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace skep::isolate {

enum class ModuleType { esm, commonjs, text, data, json, wasm };
enum class ImportKind { import, require };

struct ModuleSource {
  std::string name;  // unique in the worker, relative to the main module's folder
  ModuleType type = ModuleType::esm;
  std::string content;     // JavaScript as it is compiled (TypeScript is transformed before)
  std::string source_map;  // JSON; empty: none
  std::string code_cache;  // empty: none yet
  bool code_cache_rejected = false;
  // Wasm: compiled once a process, instantiated from any isolate of any group.
  std::optional<v8::CompiledWasmModule> compiled_wasm;
};

// What a specifier means: a module of the bundle, a built-in ("cloudflare:workers"), or a message.
struct Resolved {
  ModuleSource* module = nullptr;
  bool builtin = false;
  std::string missing;  // the error text where both above are unset
};

class Bundle {
 public:
  virtual ~Bundle() = default;
  virtual ModuleSource& main() = 0;
  // Answers now when the answer is known; else nullopt, and `later` is called on the loop's stack
  // once the broker has answered (never from within resolve).
  virtual std::optional<Resolved> resolve(std::string_view referrer, std::string_view specifier,
                                          ImportKind kind, std::function<void(Resolved)> later) = 0;
  // V8 made a code cache for `module` (module.code_cache is set already): keep it for siblings.
  virtual void cache_made(ModuleSource& module) = 0;
};

}  // namespace skep::isolate
