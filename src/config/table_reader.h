// Takes the keys of one table of a configuration file, with the right types, and says which were
// wrong or not known. What a caller did not take by the time of finish() is unknown.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "config/value.h"

namespace skep::config {

class TableReader {
 public:
  // `path`: how the table is called in messages, "limits" or "env.x"; "" at the top. `table` and
  // `diagnostics` outlive the reader.
  TableReader(const Value& table, std::string path, Diagnostics& diagnostics)
      : table_(table), path_(std::move(path)), diagnostics_(diagnostics) {}

  // The value of a key, null when it is absent. Each marks the key as known.
  const Value* any(std::string_view key);
  const Value* table(std::string_view key);
  const Value* array(std::string_view key);
  std::optional<std::string> text(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  // Whole numbers within the bounds, which the error names.
  std::optional<int64_t> integer(std::string_view key, int64_t least, int64_t most);
  std::optional<std::vector<std::string>> texts(std::string_view key);

  // Warns of each key that nobody asked for, with the nearest of those that were.
  void finish();

  // "limits.cpu_ms".
  std::string full_name(std::string_view key) const;
  Diagnostics& diagnostics() { return diagnostics_; }
  Position at() const { return table_.at; }

 private:
  const Value* typed(std::string_view key, Value::Type type);

  const Value& table_;
  std::string path_;
  Diagnostics& diagnostics_;
  std::vector<std::string_view> known_;
};

// Reports that `value` should have been `wanted` ("a string").
void report_type(Diagnostics& diagnostics, const Value& value, std::string_view name,
                 std::string_view wanted);

}  // namespace skep::config
