// A tokenizer for JavaScript, good enough to walk over strings, templates, comments and regular
// expressions without mistaking one for another in ordinary code. It never fails; on nonsense it
// goes on with the next character. Used by the CommonJS scanner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace skep::isolate {

enum class TokenKind { end, identifier, string, number, punctuator, regexp, template_text };

struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view text;  // with the quotes of a string
  bool is(std::string_view wanted) const { return text == wanted && kind != TokenKind::string; }
};

class JsTokens {
 public:
  explicit JsTokens(std::string_view source);
  // Copies look ahead: the position of this one does not move.
  Token next();
  uint64_t taken() const { return taken_; }

 private:
  void skip_blanks();
  Token take(TokenKind kind, size_t end);
  Token string_token(char quote);
  Token template_token();
  bool regexp_may_start() const;
  Token regexp_token();

  std::string_view source_;
  size_t at_ = 0;
  uint64_t taken_ = 0;
  // Open braces, innermost last: 't' one that "${" of a template opened, '{' any other.
  std::string braces_;
  TokenKind last_kind_ = TokenKind::end;
  std::string_view last_text_;
};

// The value of a string token; empty optional-like: false when it has an escape that makes no
// sense.
bool string_value(std::string_view token, std::string& out);

}  // namespace skep::isolate
