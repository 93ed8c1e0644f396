#include "config/toml.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

#include "base/limits.h"

namespace skep::config {
namespace {

Position position(const toml::source_region& source) {
  return {source.begin.line, source.begin.column};
}

template <typename T>
std::string iso_text(const T& value) {
  std::ostringstream out;
  out << value;
  return std::move(out).str();
}

class Converter {
 public:
  // False: too deep; `where` says at which value.
  bool convert(const toml::node& node, Value& value, int depth) {
    value.at = position(node.source());
    if (depth > limits::kConfigDepth) {
      too_deep_at = value.at;
      return false;
    }
    switch (node.type()) {
      case toml::node_type::table:
        return table(*node.as_table(), value, depth);
      case toml::node_type::array:
        return array(*node.as_array(), value, depth);
      case toml::node_type::string:
        value.type = Value::Type::string;
        value.string = node.as_string()->get();
        break;
      case toml::node_type::integer:
        value.type = Value::Type::integer;
        value.integer = node.as_integer()->get();
        value.number = static_cast<double>(value.integer);
        break;
      case toml::node_type::floating_point:
        value.type = Value::Type::number;
        value.number = node.as_floating_point()->get();
        break;
      case toml::node_type::boolean:
        value.type = Value::Type::boolean;
        value.boolean = node.as_boolean()->get();
        break;
      case toml::node_type::date:
        date(iso_text(node.as_date()->get()), value);
        break;
      case toml::node_type::time:
        date(iso_text(node.as_time()->get()), value);
        break;
      case toml::node_type::date_time:
        date(iso_text(node.as_date_time()->get()), value);
        break;
      case toml::node_type::none:
        break;
    }
    return true;
  }

  Position too_deep_at;

 private:
  static void date(std::string text, Value& value) {
    value.type = Value::Type::string;
    value.string = std::move(text);
  }

  bool table(const toml::table& table, Value& value, int depth) {
    value.type = Value::Type::object;
    value.members.reserve(table.size());
    for (const auto& [key, node] : table) {
      Member member{std::string(key.str()), position(key.source()), {}};
      if (!convert(node, member.value, depth + 1)) return false;
      value.members.push_back(std::move(member));
    }
    // toml++ sorts by key; a reader of messages thinks in the order of the file.
    std::ranges::sort(value.members, [](const Member& a, const Member& b) {
      return std::pair(a.key_at.line, a.key_at.column) < std::pair(b.key_at.line, b.key_at.column);
    });
    return true;
  }

  bool array(const toml::array& array, Value& value, int depth) {
    value.type = Value::Type::array;
    value.items.reserve(array.size());
    for (const toml::node& node : array) {
      if (!convert(node, value.items.emplace_back(), depth + 1)) return false;
    }
    return true;
  }
};

}  // namespace

std::expected<Value, ParseError> parse_toml(std::string_view text) {
  if (text.size() > limits::kConfigFileBytes) {
    return std::unexpected(
        ParseError{{}, fmt::format("the file is larger than {} bytes", limits::kConfigFileBytes)});
  }
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return std::unexpected(ParseError{position(error.source()), std::string(error.description())});
  }
  Converter converter;
  Value value;
  if (!converter.convert(parsed.table(), value, 0)) {
    return std::unexpected(
        ParseError{converter.too_deep_at,
                   fmt::format("more than {} levels of nesting", limits::kConfigDepth)});
  }
  value.at = {1, 1};
  return value;
}

}  // namespace skep::config
