// A configuration value with the place where it stands: what TOML and JSONC files are read into, so
// that one set of rules serves both and every message has a line. Broker and command line only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"

namespace skep::config {

struct Member;

struct Value {
  enum class Type { null, boolean, integer, number, string, array, object };

  Type type = Type::null;
  Position at;
  bool boolean = false;
  int64_t integer = 0;
  double number = 0;            // also set for an integer
  std::string string;           // of a TOML date: the date as it is written in ISO 8601
  std::vector<Value> items;     // array
  std::vector<Member> members;  // object, in the order of the file

  bool is(Type wanted) const { return type == wanted; }
  const Value* find(std::string_view key) const;
};

struct Member {
  std::string key;
  Position key_at;
  Value value;
};

// "a string", "a table": for messages.
std::string_view describe_type(Value::Type type);
// Compact JSON text. Infinities and NaN (TOML has them) become null, as JSON.stringify does.
std::string to_json(const Value& value);

}  // namespace skep::config
