#include "config/source_map.h"

#include <cstdint>

namespace skep::config {
namespace {

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  uint32_t bits = 0;
  int count = 0;
  while (text.ends_with('=')) text.remove_suffix(1);
  for (const char c : text) {
    const int digit = base64_digit(c);
    if (digit < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count);
  }
  return out;
}

std::string decode_percent(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); i++) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
                        hex_digit(text[i + 2]) >= 0;
    out +=
        escape ? static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return out;
}

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

std::string_view source_map_url(std::string_view source) {
  // The comment is the last line but for empty ones and other comments.
  while (!source.empty()) {
    const size_t start = source.find_last_of('\n');
    std::string_view line =
        trim(start == std::string_view::npos ? source : source.substr(start + 1));
    source = source.substr(0, start == std::string_view::npos ? 0 : start);
    if (line.empty()) continue;
    if (!line.starts_with("//")) return {};
    for (const std::string_view mark : {"//# sourceMappingURL=", "//@ sourceMappingURL="}) {
      if (!line.starts_with(mark)) continue;
      line.remove_prefix(mark.size());
      return line.find_first_of(" \t\"'") == std::string_view::npos ? line : std::string_view();
    }
  }
  return {};
}

std::optional<std::string> decode_data_url(std::string_view url) {
  if (!url.starts_with("data:application/json")) return std::nullopt;
  const size_t comma = url.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  const std::string_view content = url.substr(comma + 1);
  return url.substr(0, comma).ends_with(";base64") ? decode_base64(content)
                                                   : decode_percent(content);
}

}  // namespace skep::config
