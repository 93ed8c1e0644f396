// A look at JavaScript (or TypeScript) without parsing it: a scan over tokens that skips comments,
// strings, templates and regular expressions. It answers two questions. Is a .js file an ES module
// or a CommonJS one, where its package.json does not say? Bundlers look at the syntax, so packages
// and Worker projects rely on it. And which modules will this one ask for? A guess that saves round
// trips: what is missed is found when the module runs, and what is too much costs a read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace skep::config {

enum class ModuleSyntax { esm, commonjs, neither };

struct ScannedImport {
  std::string specifier;
  bool require = false;  // else import or export … from
};

struct ModuleScan {
  ModuleSyntax syntax = ModuleSyntax::neither;
  // What is asked for at the top level as soon as the module runs, in the order of the text, at
  // most limits::kScannedImports: neither import() nor a require() inside of a function or block,
  // nor imports of types alone.
  std::vector<ScannedImport> imports;
};

// Reads the whole source.
ModuleScan scan_module(std::string_view source);
// The syntax alone: ends as soon as it is known.
ModuleSyntax module_syntax(std::string_view source);

// Puts the string `value` where the source reads `process.env.NODE_ENV`, as bundlers do: packages
// from npm rely on it, and a Worker has no `process`. Padded with spaces, so that nothing moves. A
// source in which the scan loses its way stays as it is.
inline constexpr std::string_view kNodeEnv = "process.env.NODE_ENV";
void replace_node_env(std::string& source, std::string_view value);

}  // namespace skep::config
