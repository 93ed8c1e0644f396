#include "config/dotenv.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"

namespace skep::config {
namespace {

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::expected<std::vector<DotenvEntry>, ParseError> run() {
    if (text_.size() > limits::kConfigFileBytes) {
      return std::unexpected(ParseError{
          {}, fmt::format("the file is larger than {} bytes", limits::kConfigFileBytes)});
    }
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
    while (offset_ < text_.size()) {
      if (!parse_line()) return std::unexpected(std::move(error_));
    }
    return std::move(entries_);
  }

 private:
  char peek() const { return offset_ < text_.size() ? text_[offset_] : '\n'; }
  Position here() const { return {line_, static_cast<uint32_t>(offset_ - line_start_ + 1)}; }

  bool fail(Position at, std::string message) {
    error_ = {at, std::move(message)};
    return false;
  }

  void skip_blanks() {
    while (offset_ < text_.size() && (peek() == ' ' || peek() == '\t' || peek() == '\r')) offset_++;
  }

  void end_line() {
    const size_t end = text_.find('\n', offset_);
    offset_ = end == std::string_view::npos ? text_.size() : end + 1;
    line_++;
    line_start_ = offset_;
  }

  std::string_view take_name() {
    const size_t start = offset_;
    while (offset_ < text_.size() && is_name_byte(text_[offset_])) offset_++;
    return text_.substr(start, offset_ - start);
  }

  bool parse_line() {
    skip_blanks();
    if (peek() == '\n' || peek() == '#') {
      end_line();
      return true;
    }
    Position at = here();
    std::string_view name = take_name();
    skip_blanks();
    // "export NAME=…" of shell files; a variable that is called export has its "=" here.
    if (name == "export" && is_name_byte(peek())) {
      at = here();
      name = take_name();
      skip_blanks();
    }
    if (name.empty())
      return fail(at, "a line is NAME=value; a name has letters, digits, \"_\", \".\", \"-\"");
    // Not what stands there instead: it may be a part of a secret.
    if (peek() != '=') return fail(here(), "\"=\" is missing");
    offset_++;
    skip_blanks();
    DotenvEntry entry{std::string(name), {}, at};
    const char quote = peek();
    const bool quoted = quote == '"' || quote == '\'' || quote == '`';
    if (!(quoted ? parse_quoted(quote, entry.value) : parse_plain(entry.value))) return false;
    add(std::move(entry));
    if (entries_.size() <= limits::kVarsPerWorker) return true;
    return fail(at, fmt::format("more than {} variables", limits::kVarsPerWorker));
  }

  void add(DotenvEntry entry) {
    const auto same = std::ranges::find(entries_, entry.name, &DotenvEntry::name);
    if (same != entries_.end()) {
      *same = std::move(entry);
    } else {
      entries_.push_back(std::move(entry));
    }
  }

  // Up to the end of the line or a "#" that follows white space.
  bool parse_plain(std::string& out) {
    const size_t end = std::min(text_.find('\n', offset_), text_.size());
    std::string_view value = text_.substr(offset_, end - offset_);
    for (size_t i = 0; i < value.size(); i++) {
      if (value[i] == '#' && (i == 0 || value[i - 1] == ' ' || value[i - 1] == '\t')) {
        value = value.substr(0, i);
        break;
      }
    }
    out = trim(value);
    end_line();
    return true;
  }

  bool parse_quoted(char quote, std::string& out) {
    const Position start = here();
    offset_++;
    for (;; offset_++) {
      if (offset_ >= text_.size())
        return fail(start, fmt::format("the closing {} is missing", quote));
      const char c = text_[offset_];
      if (c == quote) break;
      if (c == '\n') {
        line_++;
        line_start_ = offset_ + 1;
      }
      if (c == '\r' && offset_ + 1 < text_.size() && text_[offset_ + 1] == '\n') continue;
      if (c == '\\' && quote == '"' && offset_ + 1 < text_.size()) {
        append_escape(out);
      } else {
        out += c;
      }
    }
    offset_++;
    skip_blanks();
    if (peek() != '\n' && peek() != '#') return fail(here(), "something follows the closing quote");
    end_line();
    return true;
  }

  // At a backslash. One that begins no escape stands for itself (Windows paths).
  void append_escape(std::string& out) {
    constexpr std::string_view kFrom = "nrt\"\\$", kTo = "\n\r\t\"\\$";
    const size_t known = kFrom.find(text_[offset_ + 1]);
    if (known == std::string_view::npos) {
      out += '\\';
      return;
    }
    out += kTo[known];
    offset_++;
  }

  std::string_view text_;
  size_t offset_ = 0;
  uint32_t line_ = 1;
  size_t line_start_ = 0;
  std::vector<DotenvEntry> entries_;
  ParseError error_;
};

}  // namespace

std::expected<std::vector<DotenvEntry>, ParseError> parse_dotenv(std::string_view text) {
  return Parser(text).run();
}

}  // namespace skep::config
