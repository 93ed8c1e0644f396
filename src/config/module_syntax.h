// Is a .js file an ES module or a CommonJS one, where its package.json does not say? Bundlers look
// at the syntax, so packages and Worker projects rely on it. A scan over tokens, not a parser: it
// skips comments, strings, templates and regular expressions, and looks for `import` and `export`
// where a statement can begin, and for what only CommonJS has.
#pragma once

#include <string_view>

namespace skep::config {

enum class ModuleSyntax { esm, commonjs, neither };

ModuleSyntax module_syntax(std::string_view source);

}  // namespace skep::config
