#include "isolate/source_map.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/limits.h"

namespace skep::isolate {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int8_t, 256> base64_table() {
  std::array<int8_t, 256> table{};
  table.fill(-1);
  for (size_t i = 0; i < kBase64.size(); ++i) {
    table[static_cast<unsigned char>(kBase64[i])] = static_cast<int8_t>(i);
  }
  return table;
}
constexpr std::array<int8_t, 256> kBase64Values = base64_table();

// One base64 VLQ at `at`; false when it is broken or does not fit 32 bits.
bool read_vlq(std::string_view text, size_t& at, int64_t& value) {
  uint64_t bits = 0;
  for (unsigned shift = 0; shift <= 30; shift += 5) {
    if (at >= text.size()) return false;
    const int8_t digit = kBase64Values[static_cast<unsigned char>(text[at++])];
    if (digit < 0) return false;
    bits |= static_cast<uint64_t>(digit & 31) << shift;
    if ((digit & 32) == 0) {
      value = static_cast<int64_t>(bits >> 1);
      if (bits & 1) value = -value;
      return true;
    }
  }
  return false;
}

bool fits(int64_t value) {
  return value >= 0 && value < std::numeric_limits<int32_t>::max();
}

std::string_view string_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return {};
  return found->get_ref<const std::string&>();
}

}  // namespace

Result<SourceMap> SourceMap::parse(std::string_view text) {
  // Some tools put ")]}'" and the rest of a line in front, against inclusion as a script.
  if (text.starts_with(")]}'")) text.remove_prefix(std::min(text.find('\n'), text.size()));
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return fail("the source map is not a JSON object");
  const auto version = json.find("version");
  if (version == json.end() || !version->is_number_integer() || version->get<int64_t>() != 3) {
    return fail("the source map is not of version 3");
  }
  SourceMap map;
  const std::string_view root = string_member(json, "sourceRoot");
  const auto sources = json.find("sources");
  if (sources == json.end() || !sources->is_array()) return fail("the source map has no sources");
  for (const Json& source : *sources) {
    std::string name(root);
    if (!name.empty() && name.back() != '/') name.push_back('/');
    if (source.is_string()) name += source.get_ref<const std::string&>();
    map.sources_.push_back(std::move(name));
  }
  map.contents_.resize(map.sources_.size());
  const auto contents = json.find("sourcesContent");
  if (contents != json.end() && contents->is_array()) {
    for (size_t i = 0; i < std::min(contents->size(), map.contents_.size()); ++i) {
      if ((*contents)[i].is_string()) map.contents_[i] = (*contents)[i].get<std::string>();
    }
  }
  SKEP_TRY(map.read_mappings(string_member(json, "mappings")));
  return map;
}

Result<> SourceMap::read_mappings(std::string_view mappings) {
  int64_t source = 0, source_line = 0, source_column = 0, column = 0, name = 0;
  line_begins_.push_back(0);
  for (size_t at = 0; at < mappings.size();) {
    if (mappings[at] == ';') {
      if (line_begins_.size() >= limits::kSourceMapSegments)
        return fail("the source map is too large");
      line_begins_.push_back(static_cast<uint32_t>(segments_.size()));
      column = 0;
      ++at;
      continue;
    }
    if (mappings[at] == ',') {
      ++at;
      continue;
    }
    // Each field is a difference from the one before; 1, 4 or 5 of them.
    std::array<int64_t*, 5> fields = {&column, &source, &source_line, &source_column, &name};
    size_t count = 0;
    while (at < mappings.size() && mappings[at] != ',' && mappings[at] != ';') {
      int64_t difference = 0;
      if (count == fields.size() || !read_vlq(mappings, at, difference)) {
        return fail("the source map's mappings are broken");
      }
      *fields[count] += difference;
      if (!fits(*fields[count++])) return fail("the source map's mappings are broken");
    }
    if (count == 1) continue;  // code that was generated
    if (count < 4 || static_cast<size_t>(source) >= sources_.size()) {
      return fail("the source map's mappings are broken");
    }
    if (segments_.size() >= limits::kSourceMapSegments) return fail("the source map is too large");
    segments_.push_back({static_cast<uint32_t>(column), static_cast<uint32_t>(source),
                         static_cast<uint32_t>(source_line), static_cast<uint32_t>(source_column)});
  }
  for (size_t i = 0; i < line_begins_.size(); ++i) {
    const size_t end = i + 1 < line_begins_.size() ? line_begins_[i + 1] : segments_.size();
    const auto begin = segments_.begin() + line_begins_[i];
    const auto last = segments_.begin() + static_cast<long>(end);
    const auto by_column = [](const Segment& a, const Segment& b) { return a.column < b.column; };
    if (!std::is_sorted(begin, last, by_column)) std::sort(begin, last, by_column);
  }
  return {};
}

std::optional<SourceMap::Position> SourceMap::find(uint32_t line, uint32_t column) const {
  if (line == 0 || column == 0 || line > line_begins_.size()) return std::nullopt;
  const auto begin = segments_.begin() + line_begins_[line - 1];
  const auto end =
      line < line_begins_.size() ? segments_.begin() + line_begins_[line] : segments_.end();
  auto after = std::upper_bound(
      begin, end, column - 1,
      [](uint32_t wanted, const Segment& segment) { return wanted < segment.column; });
  if (after == begin) return std::nullopt;
  const Segment& segment = *--after;
  return Position{.source = sources_[segment.source],
                  .line = segment.source_line + 1,
                  .column = segment.source_column + 1,
                  .source_index = segment.source};
}

std::string_view SourceMap::source_line(size_t source_index, uint32_t line) const {
  if (source_index >= contents_.size() || line == 0) return {};
  std::string_view text = contents_[source_index];
  for (; line > 1; --line) {
    const size_t newline = text.find('\n');
    if (newline == std::string_view::npos) return {};
    text.remove_prefix(newline + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

std::string mapped_file(std::string_view module_name, std::string_view source) {
  if (source.starts_with('/') || source.find("://") != std::string_view::npos) {
    return std::string(source);
  }
  std::string joined(module_name.substr(0, module_name.rfind('/') + 1));
  joined += source;
  std::vector<std::string_view> parts;
  std::string_view rest = joined;
  while (!rest.empty()) {
    const size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    if (part == "..") {
      if (!parts.empty() && parts.back() != "..") {
        parts.pop_back();
      } else {
        parts.push_back(part);
      }
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
  }
  std::string out;
  for (const std::string_view part : parts) {
    if (!out.empty()) out.push_back('/');
    out += part;
  }
  return out;
}

}  // namespace skep::isolate
