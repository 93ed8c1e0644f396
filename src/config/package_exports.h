// What a package says about its own modules: "exports" and "imports" of package.json, as the
// Node.js documentation specifies them (Modules: Packages, resolution algorithm). On parsed JSON
// alone; no file is touched.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/value.h"

namespace skep::config {

struct PackageTarget {
  enum class Kind {
    target,        // `target`: "./dist/x.js"; of imports also a bare specifier
    not_exported,  // no entry for the subpath, or none for the conditions
    blocked,       // null: the package hides this
    invalid,       // the package.json breaks the rules; `target` says how
  };
  Kind kind = Kind::not_exported;
  std::string target;
};

// subpath: "." or "./x". conditions: besides "default", which always holds.
PackageTarget resolve_package_exports(const Value& exports, std::string_view subpath,
                                      std::span<const std::string_view> conditions);
// specifier: "#x".
PackageTarget resolve_package_imports(const Value& imports, std::string_view specifier,
                                      std::span<const std::string_view> conditions);

}  // namespace skep::config
