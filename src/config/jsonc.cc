#include "config/jsonc.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/limits.h"

namespace skep::config {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void append_utf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

// Recursive descent; the first error ends it.
class Parser {
 public:
  Parser(std::string_view text, JsonDialect dialect) : text_(text), dialect_(dialect) {}

  std::expected<Value, ParseError> run() {
    if (text_.size() > limits::kConfigFileBytes) {
      fail_at({}, fmt::format("the file is larger than {} bytes", limits::kConfigFileBytes));
      return std::unexpected(std::move(*error_));
    }
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
    Value value;
    if (skip_space() && parse_value(value, 0) && skip_space() && offset_ < text_.size()) {
      fail("something follows the end of the value");
    }
    if (error_) return std::unexpected(std::move(*error_));
    return value;
  }

 private:
  bool at_end() const { return offset_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[offset_]; }

  Position here() const { return {line_, static_cast<uint32_t>(offset_ - line_start_ + 1)}; }

  bool fail_at(Position at, std::string message) {
    if (!error_) error_ = ParseError{at, std::move(message)};
    return false;
  }
  bool fail(std::string message) { return fail_at(here(), std::move(message)); }

  void newline() {
    line_++;
    line_start_ = offset_;
  }

  // White space and, in JSONC, comments. False: a comment does not end.
  bool skip_space() {
    while (!at_end()) {
      const char c = text_[offset_];
      if (c == '\n') {
        offset_++;
        newline();
      } else if (c == ' ' || c == '\t' || c == '\r') {
        offset_++;
      } else if (c == '/') {
        if (!skip_comment()) return false;
      } else {
        break;
      }
    }
    return true;
  }

  bool skip_comment() {
    const std::string_view rest = text_.substr(offset_);
    if (dialect_ == JsonDialect::json) return fail("JSON has no comments");
    if (rest.starts_with("//")) {
      const size_t end = rest.find('\n');
      offset_ += end == std::string_view::npos ? rest.size() : end;
      return true;
    }
    if (!rest.starts_with("/*")) return fail("unexpected \"/\"");
    const Position start = here();
    const size_t end = rest.find("*/", 2);
    if (end == std::string_view::npos) return fail_at(start, "this comment has no end");
    const size_t stop = offset_ + end + 2;
    while (offset_ < stop) {
      if (text_[offset_++] == '\n') newline();
    }
    return true;
  }

  std::string unexpected(std::string_view wanted) const {
    if (at_end()) return fmt::format("the file ends where {} should be", wanted);
    const char c = peek();
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) {
      return fmt::format("unexpected byte 0x{:02x} where {} should be",
                         static_cast<unsigned char>(c), wanted);
    }
    return fmt::format("unexpected \"{}\" where {} should be", c, wanted);
  }

  bool parse_value(Value& value, int depth) {
    value.at = here();
    switch (peek()) {
      case '{':
        return parse_object(value, depth);
      case '[':
        return parse_array(value, depth);
      case '"':
        value.type = Value::Type::string;
        return parse_string(value.string);
      default:
        if (peek() == '-' || is_digit(peek())) return parse_number(value);
        if (is_letter(peek())) return parse_word(value);
        return fail(unexpected("a value"));
    }
  }

  bool parse_word(Value& value) {
    size_t end = offset_;
    while (end < text_.size() && is_letter(text_[end])) end++;
    const std::string_view word = text_.substr(offset_, end - offset_);
    if (word == "null") {
      value.type = Value::Type::null;
    } else if (word == "true" || word == "false") {
      value.type = Value::Type::boolean;
      value.boolean = word == "true";
    } else {
      return fail(
          fmt::format("unexpected \"{}\" where a value should be; strings stand in double quotes",
                      word.substr(0, 40)));
    }
    offset_ = end;
    return true;
  }

  // RFC 8259, section 6: no leading zeros, digits on both sides of the point.
  bool parse_number(Value& value) {
    const size_t start = offset_;
    bool whole = true;
    if (peek() == '-') offset_++;
    if (!is_digit(peek())) return fail(unexpected("a digit"));
    if (peek() == '0') {
      offset_++;
      if (is_digit(peek())) return fail("a number has no leading zeros");
    }
    while (is_digit(peek())) offset_++;
    if (peek() == '.') {
      whole = false;
      offset_++;
      if (!is_digit(peek())) return fail(unexpected("a digit"));
      while (is_digit(peek())) offset_++;
    }
    if (peek() == 'e' || peek() == 'E') {
      whole = false;
      offset_++;
      if (peek() == '+' || peek() == '-') offset_++;
      if (!is_digit(peek())) return fail(unexpected("a digit"));
      while (is_digit(peek())) offset_++;
    }
    const char* first = text_.data() + start;
    const char* last = text_.data() + offset_;
    const auto read = std::from_chars(first, last, value.number);
    // Too small a number is zero and too large a one infinity to JavaScript; neither is meant in a
    // file.
    if (read.ec != std::errc() || !std::isfinite(value.number)) {
      return fail_at(value.at, "this number is out of range");
    }
    value.type = Value::Type::number;
    if (whole && std::from_chars(first, last, value.integer).ec == std::errc()) {
      value.type = Value::Type::integer;
    }
    return true;
  }

  bool parse_hex4(uint32_t& code) {
    code = 0;
    for (int i = 0; i < 4; i++, offset_++) {
      const char c = peek();
      uint32_t digit = 0;
      if (is_digit(c)) {
        digit = static_cast<uint32_t>(c - '0');
      } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
        digit = static_cast<uint32_t>((c | 0x20) - 'a' + 10);
      } else {
        return fail(unexpected("a hexadecimal digit"));
      }
      code = code * 16 + digit;
    }
    return true;
  }

  bool parse_unicode_escape(std::string& out) {
    uint32_t code = 0;
    if (!parse_hex4(code)) return false;
    if (code >= 0xd800 && code < 0xdc00 && text_.substr(offset_).starts_with("\\u")) {
      const size_t back = offset_;
      uint32_t low = 0;
      offset_ += 2;
      if (!parse_hex4(low)) return false;
      if (low >= 0xdc00 && low < 0xe000) {
        append_utf8(out, 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
        return true;
      }
      offset_ = back;
    }
    // UTF-8 cannot hold half a pair: U+FFFD, as TextDecoder would have it.
    append_utf8(out, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
    return true;
  }

  bool parse_escape(std::string& out) {
    offset_++;
    const char c = peek();
    constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    if (c == 'u') {
      offset_++;
      return parse_unicode_escape(out);
    }
    const size_t known = at_end() ? std::string_view::npos : kFrom.find(c);
    if (known == std::string_view::npos) return fail("no such escape; a backslash is written \\\\");
    out += kTo[known];
    offset_++;
    return true;
  }

  bool parse_string(std::string& out) {
    const Position start = here();
    offset_++;
    for (;;) {
      const size_t run = text_.find_first_of("\"\\\n", offset_);
      const size_t stop = run == std::string_view::npos ? text_.size() : run;
      for (size_t i = offset_; i < stop; i++) {
        if (static_cast<unsigned char>(text_[i]) < 0x20) {
          offset_ = i;
          return fail("a control character in a string; write it as an escape (\\t, \\u0001)");
        }
      }
      out.append(text_, offset_, stop - offset_);
      offset_ = stop;
      if (at_end() || peek() == '\n') return fail_at(start, "this string does not end on its line");
      if (peek() == '"') {
        offset_++;
        return true;
      }
      if (!parse_escape(out)) return false;
    }
  }

  // After an item: "," or the closing bracket. Sets `more`.
  bool parse_separator(char close, bool& more) {
    if (!skip_space()) return false;
    if (peek() == ',') {
      const Position comma = here();
      offset_++;
      if (!skip_space()) return false;
      more = peek() != close || at_end();
      if (!more && dialect_ == JsonDialect::json)
        return fail_at(comma, "JSON has no trailing commas");
      if (!more) offset_++;
      return true;
    }
    if (peek() != close || at_end()) return fail(unexpected(fmt::format("\",\" or \"{}\"", close)));
    offset_++;
    more = false;
    return true;
  }

  bool enter(int depth, char close, bool& more) {
    if (depth >= limits::kConfigDepth) {
      return fail(fmt::format("more than {} levels of nesting", limits::kConfigDepth));
    }
    offset_++;
    if (!skip_space()) return false;
    more = peek() != close || at_end();
    if (!more) offset_++;
    return true;
  }

  bool parse_array(Value& value, int depth) {
    value.type = Value::Type::array;
    bool more = false;
    if (!enter(depth, ']', more)) return false;
    while (more) {
      if (!parse_value(value.items.emplace_back(), depth + 1)) return false;
      if (!parse_separator(']', more)) return false;
    }
    return true;
  }

  bool parse_object(Value& value, int depth) {
    value.type = Value::Type::object;
    bool more = false;
    if (!enter(depth, '}', more)) return false;
    std::unordered_map<std::string, size_t> places;
    while (more) {
      Member member;
      member.key_at = here();
      if (peek() != '"') return fail(unexpected("a key in double quotes"));
      if (!parse_string(member.key) || !skip_space()) return false;
      const auto [place, is_new] = places.emplace(member.key, value.members.size());
      if (!is_new && dialect_ == JsonDialect::jsonc) {
        return fail_at(member.key_at, fmt::format("the key \"{}\" stands twice", member.key));
      }
      if (peek() != ':') return fail(unexpected("\":\""));
      offset_++;
      if (!skip_space() || !parse_value(member.value, depth + 1)) return false;
      if (is_new) {
        value.members.push_back(std::move(member));
      } else {
        value.members[place->second] = std::move(member);
      }
      if (!parse_separator('}', more)) return false;
    }
    return true;
  }

  std::string_view text_;
  JsonDialect dialect_;
  size_t offset_ = 0;
  uint32_t line_ = 1;
  size_t line_start_ = 0;
  std::optional<ParseError> error_;
};

}  // namespace

std::expected<Value, ParseError> parse_json(std::string_view text, JsonDialect dialect) {
  return Parser(text, dialect).run();
}

}  // namespace skep::config
