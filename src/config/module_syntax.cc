#include "config/module_syntax.h"

#include <vector>

namespace skep::config {
namespace {

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

// Keywords after which a "/" begins a regular expression and not a division.
bool is_operator_word(std::string_view word) {
  for (const std::string_view known :
       {"return", "typeof", "instanceof", "in", "of", "new", "delete", "void", "throw", "case",
        "do", "else", "yield", "await"}) {
    if (word == known) return true;
  }
  return false;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
    if (text_.starts_with("#!")) skip_line();
  }

  ModuleSyntax run() {
    while (at_ < text_.size()) {
      if (step()) return ModuleSyntax::esm;
    }
    return commonjs_ ? ModuleSyntax::commonjs : ModuleSyntax::neither;
  }

 private:
  char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  void skip_line() {
    const size_t end = text_.find('\n', at_);
    at_ = end == std::string_view::npos ? text_.size() : end;
  }

  // True: the file is an ES module.
  bool step() {
    const char c = peek();
    if (c == '\n' || c == ' ' || c == '\t' || c == '\r') {
      newline_ = newline_ || c == '\n';
      at_++;
      return false;
    }
    if (c == '/' && peek(1) == '/') {
      skip_line();
    } else if (c == '/' && peek(1) == '*') {
      const size_t end = text_.find("*/", at_ + 2);
      at_ = end == std::string_view::npos ? text_.size() : end + 2;
    } else if (is_word_byte(c)) {
      return word();
    } else if (c == '"' || c == '\'') {
      string(c);
    } else if (c == '`') {
      at_++;
      template_text();
    } else if (c == '/' && !after_value_) {
      regular_expression();
    } else {
      punctuation(c);
    }
    return false;
  }

  void end_token(bool value, char last) {
    after_value_ = value;
    after_condition_word_ = false;
    last_ = last;
    newline_ = false;
  }

  void string(char quote) {
    at_++;
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      at_ += text_[at_] == '\\' ? 2 : 1;
    }
    at_++;
    end_token(true, quote);
  }

  // Up to the closing backtick, or into a "${".
  void template_text() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '`') {
        at_++;
        end_token(true, '`');
        return;
      }
      if (c == '$' && peek(1) == '{') {
        at_ += 2;
        braces_.push_back(true);
        end_token(false, '{');
        return;
      }
      at_ += c == '\\' ? 2 : 1;
    }
  }

  void regular_expression() {
    at_++;
    bool in_class = false;
    while (at_ < text_.size() && text_[at_] != '\n') {
      const char c = text_[at_];
      if (c == '/' && !in_class) break;
      if (c == '[') in_class = true;
      if (c == ']') in_class = false;
      at_ += c == '\\' ? 2 : 1;
    }
    at_++;
    end_token(true, '/');
  }

  void punctuation(char c) {
    at_++;
    if (c == '(') {
      parens_.push_back(after_condition_word_);
    } else if (c == ')' && !parens_.empty()) {
      // After the condition of an `if` a statement begins; after any other ")" a "/" divides.
      const bool condition = parens_.back();
      parens_.pop_back();
      end_token(!condition, c);
      return;
    }
    if (c == '{') {
      braces_.push_back(false);
    } else if (c == '}' && !braces_.empty()) {
      const bool in_template = braces_.back();
      braces_.pop_back();
      if (in_template) {
        template_text();
        return;
      }
    }
    // After "}" a "/" is nearly never a division.
    end_token(c == ')' || c == ']', c);
  }

  char next_significant() const {
    size_t i = at_;
    while (i < text_.size()) {
      const std::string_view rest = text_.substr(i);
      if (rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\n' || rest[0] == '\r') {
        i++;
      } else if (rest.starts_with("/*")) {
        const size_t end = rest.find("*/", 2);
        i = end == std::string_view::npos ? text_.size() : i + end + 2;
      } else if (rest.starts_with("//")) {
        const size_t end = rest.find('\n');
        i = end == std::string_view::npos ? text_.size() : i + end;
      } else {
        return rest[0];
      }
    }
    return '\0';
  }

  // A statement can begin here.
  bool at_statement() const {
    return last_ == '\0' || last_ == ';' || last_ == '}' || last_ == ')' || last_ == '{' ||
           newline_;
  }

  bool word() {
    const size_t start = at_;
    while (at_ < text_.size() && is_word_byte(text_[at_])) at_++;
    const std::string_view word = text_.substr(start, at_ - start);
    const bool property = last_ == '.';
    const char next = next_significant();
    if (!property && braces_.empty() && at_statement()) {
      // import "x", import x from, import {x}, import * as; not import("x"). import.meta is a
      // module's too.
      if (word == "import" && next != '(' && next != ':' && next != '=') return true;
      if (word == "export" && (next == '{' || next == '*' || is_word_byte(next))) return true;
    }
    if (!property && word == "import" && next == '.') return true;
    if (!property) note_commonjs(word, next);
    end_token(!is_operator_word(word) || property, 'a');
    after_condition_word_ = !property && (word == "if" || word == "while" || word == "for");
    return false;
  }

  void note_commonjs(std::string_view word, char next) {
    if ((word == "require" && next == '(') || (word == "module" && next == '.') ||
        (word == "exports" && (next == '.' || next == '[')) || (word == "__dirname")) {
      commonjs_ = true;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<bool> braces_;  // open braces; true: of a template's "${"
  std::vector<bool> parens_;  // open parentheses; true: of a condition
  bool after_value_ = false;  // a "/" here divides
  bool after_condition_word_ = false;
  bool newline_ = false;  // a line ended since the last token
  bool commonjs_ = false;
  char last_ = '\0';  // last byte of the last token
};

}  // namespace

ModuleSyntax module_syntax(std::string_view source) {
  return Scanner(source).run();
}

}  // namespace skep::config
