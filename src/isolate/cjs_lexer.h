// Finds, without running it, what a CommonJS module exports and requires: a tokenizer and a few
// patterns, as bundlers and TypeScript write them (the approach of Node.js). Names are needed
// before evaluation, because an ES module that imports them is linked first; required modules are
// loaded before the first one runs. Hostile input is expected: time is linear in the source, with a
// bound on look-ahead.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace skep::isolate {

struct CjsScan {
  std::vector<std::string> requires_;  // arguments of require("…"), each once
  std::vector<std::string> exports;    // names, each once; without "default"
  std::vector<std::string> reexports;  // modules whose names are exported too (specifiers)
};

// `source` is UTF-8. Never fails: what is not understood is not found.
CjsScan scan_commonjs(std::string_view source);

}  // namespace skep::isolate
