#include "config/package_exports.h"

#include <fmt/format.h>

#include <algorithm>

namespace skep::config {
namespace {

using Kind = PackageTarget::Kind;
using Conditions = std::span<const std::string_view>;

PackageTarget invalid(std::string message) {
  return {Kind::invalid, std::move(message)};
}

// A segment "", ".", ".." or "node_modules" anywhere in a path would lead out of the package.
bool has_bad_segment(std::string_view path) {
  while (true) {
    const size_t end = path.find_first_of("/\\");
    std::string part(path.substr(0, end));
    std::ranges::transform(part, part.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    for (const auto& [code, plain] : {std::pair("%2e", "."), std::pair("%6e", "n")}) {
      for (size_t at = part.find(code); at != std::string::npos; at = part.find(code)) {
        part.replace(at, 3, plain);
      }
    }
    if (part == "." || part == ".." || part == "node_modules" ||
        (part.empty() && end != path.npos)) {
      return true;
    }
    if (end == std::string_view::npos) return false;
    path = path.substr(end + 1);
  }
}

std::string replace_stars(std::string_view text, std::string_view with) {
  std::string out;
  for (const char c : text) {
    if (c == '*') {
      out += with;
    } else {
      out += c;
    }
  }
  return out;
}

class Resolver {
 public:
  Resolver(Conditions conditions, bool imports) : conditions_(conditions), imports_(imports) {}

  // PACKAGE_IMPORTS_EXPORTS_RESOLVE(matchKey, matchObj, …): the exact key, else the pattern key
  // that PATTERN_KEY_COMPARE puts first.
  PackageTarget match(std::string_view key, const Value& table) const {
    const Value* exact = table.find(key);
    if (exact != nullptr && key.find('*') == std::string_view::npos) return target(*exact, nullptr);
    const Member* best = nullptr;
    size_t best_star = 0;
    for (const Member& member : table.members) {
      const std::string_view pattern = member.key;
      const size_t star = pattern.find('*');
      if (star == std::string_view::npos || pattern.find('*', star + 1) != std::string_view::npos)
        continue;
      const std::string_view base = pattern.substr(0, star), trailer = pattern.substr(star + 1);
      if (!key.starts_with(base) || key == base || !key.ends_with(trailer) ||
          key.size() < pattern.size()) {
        continue;
      }
      const bool better = best == nullptr || star > best_star ||
                          (star == best_star && pattern.size() > best->key.size());
      if (better) {
        best = &member;
        best_star = star;
      }
    }
    if (best == nullptr) return {};
    const size_t trailer_size = best->key.size() - best_star - 1;
    const std::string_view matched = key.substr(best_star, key.size() - best_star - trailer_size);
    return target(best->value, &matched);
  }

  // PACKAGE_TARGET_RESOLVE. `matched`: what the "*" of the key stood for; null where it had none.
  PackageTarget target(const Value& value, const std::string_view* matched) const {
    switch (value.type) {
      case Value::Type::string:
        return text_target(value.string, matched);
      case Value::Type::object:
        return condition_target(value, matched);
      case Value::Type::array:
        return first_target(value, matched);
      case Value::Type::null:
        return {Kind::blocked, {}};
      default:
        return invalid("a target must be a string, a table of conditions, an array or null");
    }
  }

 private:
  PackageTarget text_target(const std::string& text, const std::string_view* matched) const {
    if (!text.starts_with("./")) {
      const bool bare =
          imports_ && !text.starts_with("../") && !text.starts_with('/') && !text.empty();
      if (!bare) return invalid(fmt::format("the target \"{}\" must begin with \"./\"", text));
      return {Kind::target, matched != nullptr ? replace_stars(text, *matched) : text};
    }
    if (has_bad_segment(std::string_view(text).substr(2))) {
      return invalid(fmt::format("the target \"{}\" leads out of its package", text));
    }
    if (matched == nullptr) return {Kind::target, text};
    if (has_bad_segment(*matched))
      return invalid(fmt::format("\"{}\" leads out of the package", *matched));
    return {Kind::target, replace_stars(text, *matched)};
  }

  PackageTarget condition_target(const Value& table, const std::string_view* matched) const {
    for (const Member& member : table.members) {
      if (member.key != "default" &&
          std::ranges::find(conditions_, member.key) == conditions_.end()) {
        continue;
      }
      PackageTarget found = target(member.value, matched);
      if (found.kind != Kind::not_exported) return found;
    }
    return {};
  }

  PackageTarget first_target(const Value& array, const std::string_view* matched) const {
    PackageTarget last;
    for (const Value& item : array.items) {
      last = target(item, matched);
      if (last.kind == Kind::target) return last;
    }
    return last;
  }

  Conditions conditions_;
  bool imports_;
};

}  // namespace

PackageTarget resolve_package_exports(const Value& exports, std::string_view subpath,
                                      Conditions conditions) {
  const Resolver resolver(conditions, false);
  bool subpaths = false, others = false;
  if (exports.is(Value::Type::object)) {
    for (const Member& member : exports.members) {
      (member.key.starts_with('.') ? subpaths : others) = true;
    }
  }
  if (subpaths && others) return invalid("\"exports\" mixes paths and conditions");
  if (!subpaths) {
    // A string, an array or a table of conditions stands for "." alone.
    return subpath == "." ? resolver.target(exports, nullptr) : PackageTarget{};
  }
  if (subpath == ".") {
    const Value* main = exports.find(".");
    return main != nullptr ? resolver.target(*main, nullptr) : PackageTarget{};
  }
  return resolver.match(subpath, exports);
}

PackageTarget resolve_package_imports(const Value& imports, std::string_view specifier,
                                      Conditions conditions) {
  if (specifier == "#" || specifier.starts_with("#/") || !imports.is(Value::Type::object))
    return {};
  return Resolver(conditions, true).match(specifier, imports);
}

}  // namespace skep::config
