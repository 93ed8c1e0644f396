#include "isolate/js_tokens.h"

#include <algorithm>
#include <array>

namespace skep::isolate {
namespace {

bool is_identifier_byte(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || c >= 0x80;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xc0 | code >> 6));
    out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | code >> 12));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else {
    out.push_back(static_cast<char>(0xf0 | code >> 18));
    out.push_back(static_cast<char>(0x80 | (code >> 12 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
  }
}

// Reads up to `digits` hex digits at `at`; false when there are fewer than `least`.
bool read_hex(std::string_view text, size_t& at, size_t least, size_t digits, uint32_t& code) {
  code = 0;
  size_t read = 0;
  while (read < digits && at < text.size() && hex_digit(text[at]) >= 0) {
    code = code * 16 + static_cast<uint32_t>(hex_digit(text[at++]));
    ++read;
  }
  return read >= least;
}

// After "\u"; true with the code point, which is no surrogate.
bool read_unicode_escape(std::string_view text, size_t& at, uint32_t& code) {
  if (at < text.size() && text[at] == '{') {
    ++at;
    if (!read_hex(text, at, 1, 6, code) || at >= text.size() || text[at++] != '}') return false;
  } else if (!read_hex(text, at, 4, 4, code)) {
    return false;
  }
  return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

constexpr std::array kBeforeRegexp = {
    std::string_view("return"), std::string_view("typeof"),    std::string_view("case"),
    std::string_view("in"),     std::string_view("of"),        std::string_view("delete"),
    std::string_view("void"),   std::string_view("throw"),     std::string_view("new"),
    std::string_view("do"),     std::string_view("else"),      std::string_view("yield"),
    std::string_view("await"),  std::string_view("instanceof")};

}  // namespace

JsTokens::JsTokens(std::string_view source) : source_(source) {
  if (source_.starts_with("\xef\xbb\xbf")) at_ = 3;
  if (source_.substr(at_).starts_with("#!"))
    at_ = std::min(source_.find('\n', at_), source_.size());
}

void JsTokens::skip_blanks() {
  while (at_ < source_.size()) {
    const char c = source_[at_];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f') {
      ++at_;
    } else if (source_.substr(at_, 2) == "//") {
      at_ = std::min(source_.find('\n', at_), source_.size());
    } else if (source_.substr(at_, 2) == "/*") {
      const size_t end = source_.find("*/", at_ + 2);
      at_ = end == std::string_view::npos ? source_.size() : end + 2;
    } else {
      return;
    }
  }
}

Token JsTokens::take(TokenKind kind, size_t end) {
  Token token{kind, source_.substr(at_, end - at_)};
  at_ = end;
  last_kind_ = kind;
  last_text_ = token.text;
  return token;
}

Token JsTokens::next() {
  skip_blanks();
  ++taken_;
  if (at_ >= source_.size()) return take(TokenKind::end, at_);
  const char c = source_[at_];
  if (is_identifier_byte(static_cast<unsigned char>(c))) {
    size_t end = at_ + 1;
    while (end < source_.size() && is_identifier_byte(static_cast<unsigned char>(source_[end])))
      ++end;
    return take(is_digit(c) ? TokenKind::number : TokenKind::identifier, end);
  }
  if (c == '"' || c == '\'') return string_token(c);
  if (c == '`') return template_token();
  if (c == '/' && regexp_may_start()) return regexp_token();
  if (c == '}' && !braces_.empty()) {
    const bool of_template = braces_.back() == 't';
    braces_.pop_back();
    if (of_template) return template_token();
  }
  if (c == '{') braces_.push_back('{');
  if (source_.substr(at_, 3) == "...") return take(TokenKind::punctuator, at_ + 3);
  if (source_.substr(at_, 2) == "=>" || source_.substr(at_, 2) == "==" ||
      source_.substr(at_, 2) == "&&" || source_.substr(at_, 2) == "++" ||
      source_.substr(at_, 2) == "--") {
    return take(TokenKind::punctuator, at_ + 2);
  }
  return take(TokenKind::punctuator, at_ + 1);
}

Token JsTokens::string_token(char quote) {
  size_t end = at_ + 1;
  while (end < source_.size() && source_[end] != quote && source_[end] != '\n') {
    end += source_[end] == '\\' ? 2 : 1;
  }
  if (end >= source_.size() || source_[end] != quote) return take(TokenKind::punctuator, at_ + 1);
  return take(TokenKind::string, end + 1);
}

// From "`" or from the "}" that ends a substitution, up to "`" or the next "${".
Token JsTokens::template_token() {
  size_t end = at_ + 1;
  while (end < source_.size()) {
    if (source_[end] == '`') return take(TokenKind::template_text, end + 1);
    if (source_.substr(end, 2) == "${") {
      braces_.push_back('t');
      take(TokenKind::template_text, end + 2);
      last_kind_ = TokenKind::punctuator;  // an expression begins
      last_text_ = "{";
      return {TokenKind::template_text, source_.substr(end, 2)};
    }
    end += source_[end] == '\\' ? 2 : 1;
  }
  return take(TokenKind::template_text, source_.size());
}

bool JsTokens::regexp_may_start() const {
  switch (last_kind_) {
    case TokenKind::end:
      return true;
    case TokenKind::identifier:
      return std::find(kBeforeRegexp.begin(), kBeforeRegexp.end(), last_text_) !=
             kBeforeRegexp.end();
    case TokenKind::punctuator:
      return last_text_ != ")" && last_text_ != "]" && last_text_ != "++" && last_text_ != "--";
    default:
      return false;
  }
}

Token JsTokens::regexp_token() {
  bool in_class = false;
  size_t end = at_ + 1;
  for (; end < source_.size() && source_[end] != '\n'; ++end) {
    const char c = source_[end];
    if (c == '\\') {
      ++end;
    } else if (c == '[') {
      in_class = true;
    } else if (c == ']') {
      in_class = false;
    } else if (c == '/' && !in_class) {
      ++end;
      while (end < source_.size() && is_identifier_byte(static_cast<unsigned char>(source_[end]))) {
        ++end;
      }
      return take(TokenKind::regexp, end);
    }
  }
  return take(TokenKind::punctuator, at_ + 1);  // a division after all
}

bool string_value(std::string_view token, std::string& out) {
  if (token.size() < 2) return false;
  token = token.substr(1, token.size() - 2);
  out.clear();
  for (size_t at = 0; at < token.size();) {
    const char c = token[at++];
    if (c != '\\') {
      out.push_back(c);
      continue;
    }
    if (at >= token.size()) return false;
    const char escaped = token[at++];
    uint32_t code = 0;
    switch (escaped) {
      case 'n':
        out.push_back('\n');
        break;
      case 't':
        out.push_back('\t');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case 'b':
        out.push_back('\b');
        break;
      case 'f':
        out.push_back('\f');
        break;
      case 'v':
        out.push_back('\v');
        break;
      case '\n':
        break;  // a continued line
      case 'x':
        if (!read_hex(token, at, 2, 2, code)) return false;
        append_utf8(out, code);
        break;
      case 'u':
        if (!read_unicode_escape(token, at, code)) return false;
        append_utf8(out, code);
        break;
      default:
        if (is_digit(escaped)) return false;  // octal, or NUL: no module or export is called so
        out.push_back(escaped);
    }
  }
  return true;
}

}  // namespace skep::isolate
