#include "config/value.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace skep::config {
namespace {

void append_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void append_json(std::string& out, const Value& value) {
  switch (value.type) {
    case Value::Type::null:
      out += "null";
      break;
    case Value::Type::boolean:
      out += value.boolean ? "true" : "false";
      break;
    case Value::Type::integer:
      out += std::to_string(value.integer);
      break;
    case Value::Type::number:
      // JSON.stringify has no minus zero either.
      out += !std::isfinite(value.number) ? "null"
             : value.number == 0          ? "0"
                                          : fmt::format("{}", value.number);
      break;
    case Value::Type::string:
      append_string(out, value.string);
      break;
    case Value::Type::array:
      out += '[';
      for (size_t i = 0; i < value.items.size(); i++) {
        if (i > 0) out += ',';
        append_json(out, value.items[i]);
      }
      out += ']';
      break;
    case Value::Type::object:
      out += '{';
      for (size_t i = 0; i < value.members.size(); i++) {
        if (i > 0) out += ',';
        append_string(out, value.members[i].key);
        out += ':';
        append_json(out, value.members[i].value);
      }
      out += '}';
      break;
  }
}

}  // namespace

const Value* Value::find(std::string_view key) const {
  for (const Member& member : members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

std::string_view describe_type(Value::Type type) {
  switch (type) {
    case Value::Type::null:
      return "null";
    case Value::Type::boolean:
      return "true or false";
    case Value::Type::integer:
      return "a whole number";
    case Value::Type::number:
      return "a number";
    case Value::Type::string:
      return "a string";
    case Value::Type::array:
      return "an array";
    case Value::Type::object:
      return "a table";
  }
  return "";
}

std::string to_json(const Value& value) {
  std::string out;
  append_json(out, value);
  return out;
}

}  // namespace skep::config
