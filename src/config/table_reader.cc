#include "config/table_reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace skep::config {

void report_type(Diagnostics& diagnostics, const Value& value, std::string_view name,
                 std::string_view wanted) {
  diagnostics.error(
      value.at, fmt::format("\"{}\" must be {}, not {}", name, wanted, describe_type(value.type)));
}

std::string TableReader::full_name(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

const Value* TableReader::any(std::string_view key) {
  known_.push_back(key);
  return table_.find(key);
}

const Value* TableReader::typed(std::string_view key, Value::Type type) {
  const Value* value = any(key);
  if (value == nullptr || value->is(type)) return value;
  report_type(diagnostics_, *value, full_name(key), describe_type(type));
  return nullptr;
}

const Value* TableReader::table(std::string_view key) {
  return typed(key, Value::Type::object);
}
const Value* TableReader::array(std::string_view key) {
  return typed(key, Value::Type::array);
}

std::optional<std::string> TableReader::text(std::string_view key) {
  const Value* value = typed(key, Value::Type::string);
  return value != nullptr ? std::optional(value->string) : std::nullopt;
}

std::optional<bool> TableReader::boolean(std::string_view key) {
  const Value* value = typed(key, Value::Type::boolean);
  return value != nullptr ? std::optional(value->boolean) : std::nullopt;
}

std::optional<int64_t> TableReader::integer(std::string_view key, int64_t least, int64_t most) {
  const Value* value = typed(key, Value::Type::integer);
  if (value == nullptr) return std::nullopt;
  if (value->integer < least || value->integer > most) {
    diagnostics_.error(value->at, fmt::format("\"{}\" must lie between {} and {}, not {}",
                                              full_name(key), least, most, value->integer));
    return std::nullopt;
  }
  return value->integer;
}

std::optional<std::vector<std::string>> TableReader::texts(std::string_view key) {
  const Value* value = array(key);
  if (value == nullptr) return std::nullopt;
  std::vector<std::string> out;
  for (size_t i = 0; i < value->items.size(); i++) {
    const Value& item = value->items[i];
    if (item.is(Value::Type::string)) {
      out.push_back(item.string);
    } else {
      report_type(diagnostics_, item, fmt::format("{}[{}]", full_name(key), i), "a string");
    }
  }
  return out;
}

void TableReader::finish() {
  for (const Member& member : table_.members) {
    if (std::ranges::find(known_, member.key) != known_.end()) continue;
    const std::string_view nearest =
        diagnostics_.full() ? std::string_view() : nearest_name(member.key, known_);
    diagnostics_.warning(member.key_at, fmt::format("unknown key \"{}\"", full_name(member.key)),
                         nearest.empty() ? "" : fmt::format("did you mean \"{}\"?", nearest));
  }
}

}  // namespace skep::config
