#include "config/module_syntax.h"

#include <utility>

#include "base/limits.h"

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

  ModuleSyntax syntax() {
    while (at_ < text_.size() && !esm_) step();
    return result();
  }

  ModuleScan scan() {
    while (at_ < text_.size()) step();
    return {result(), std::move(imports_)};
  }

  // Where the text reads process.env.NODE_ENV; none where braces do not match.
  std::vector<const char*> node_env() {
    while (at_ < text_.size()) step();
    return braces_.empty() && parens_.empty() ? node_env_ : std::vector<const char*>();
  }

 private:
  ModuleSyntax result() const {
    if (esm_ || (!braces_.empty() && has_module_line())) return ModuleSyntax::esm;
    return commonjs_ ? ModuleSyntax::commonjs : ModuleSyntax::neither;
  }

  // Braces that do not match: the scan took something for what it is not. Then a line that begins
  // like a module's decides.
  bool has_module_line() const {
    for (const std::string_view start :
         {"\nexport {", "\nexport default ", "\nexport const ", "\nimport {", "\nexport{",
          "\nimport * as ", "\nexport * from "}) {
      if (text_.find(start) != std::string_view::npos) return true;
    }
    return false;
  }

  char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  void skip_line() {
    const size_t end = text_.find('\n', at_);
    at_ = end == std::string_view::npos ? text_.size() : end;
  }

  void step() {
    const char c = peek();
    if (c == '\n' || c == ' ' || c == '\t' || c == '\r') {
      newline_ = newline_ || c == '\n';
      at_++;
      return;
    }
    if (c == '/' && peek(1) == '/') {
      skip_line();
    } else if (c == '/' && peek(1) == '*') {
      const size_t end = text_.find("*/", at_ + 2);
      at_ = end == std::string_view::npos ? text_.size() : end + 2;
    } else if (is_word_byte(c)) {
      word();
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

  void word() {
    const size_t start = at_;
    while (at_ < text_.size() && is_word_byte(text_[at_])) at_++;
    const std::string_view word = text_.substr(start, at_ - start);
    const bool property = last_ == '.';
    const char next = next_significant();
    if (!property && braces_.empty()) top_level_word(word, next);
    if (!property && word == "import" && next == '.') esm_ = true;  // import.meta
    if (!property) note_commonjs(word, next);
    if (!property && word == "process" && next == '.') note_node_env(start);
    end_token(!is_operator_word(word) || property, 'a');
    after_condition_word_ = !property && (word == "if" || word == "while" || word == "for");
  }

  void top_level_word(std::string_view word, char next) {
    const bool quoted = next == '"' || next == '\'';
    if (at_statement() && word == "import" && next != '(' && next != ':' && next != '=' &&
        next != '.') {
      // import "x", import x from "y", import {x} from "y", import * as x from "y"
      esm_ = true;
      if (quoted) note_import(false);
      from_wanted_ = !quoted && !of_types();
    } else if (at_statement() && word == "export" &&
               (next == '{' || next == '*' || is_word_byte(next))) {
      esm_ = true;
      from_wanted_ = next == '{' || next == '*';
    } else if (word == "from" && quoted && from_wanted_) {
      note_import(false);
      from_wanted_ = false;
    } else if (word == "require" && next == '(' && parens_.size() < 2) {
      note_import(true);
    }
  }

  // After `import`: `type X from`, `type {X} from`, but not the default import `type from`.
  bool of_types() const {
    std::string_view rest = text_.substr(at_);
    const auto skip_space = [&] {
      while (!rest.empty() && (rest[0] == ' ' || rest[0] == '\n' || rest[0] == '\t'))
        rest.remove_prefix(1);
    };
    skip_space();
    if (!rest.starts_with("type")) return false;
    rest.remove_prefix(4);
    if (rest.empty() || is_word_byte(rest[0])) return false;
    skip_space();
    return !rest.empty() && rest[0] != ',' && !rest.starts_with("from ") &&
           !rest.starts_with("from\"");
  }

  // The string literal that comes next; of require() behind the parenthesis, and alone in it.
  void note_import(bool require) {
    size_t start = text_.find_first_not_of(" \t\n", at_);
    if (require && start != std::string_view::npos)
      start = text_.find_first_not_of(" \t\n", start + 1);
    if (start == std::string_view::npos || imports_.size() >= limits::kScannedImports) return;
    const char quote = text_[start];
    if (quote != '"' && quote != '\'') return;
    const size_t end = text_.find(quote, start + 1);
    if (end == std::string_view::npos || end - start > limits::kSpecifierBytes) return;
    const std::string_view text = text_.substr(start + 1, end - start - 1);
    if (text.find_first_of("\\\n") != std::string_view::npos) return;
    const size_t after = text_.find_first_not_of(" \t\n", end + 1);
    if (require && (after == std::string_view::npos || text_[after] != ')')) return;
    imports_.push_back({std::string(text), require});
  }

  void note_commonjs(std::string_view word, char next) {
    if ((word == "require" && next == '(') || (word == "module" && next == '.') ||
        (word == "exports" && (next == '.' || next == '[')) || (word == "__dirname")) {
      commonjs_ = true;
    }
  }

  void note_node_env(size_t start) {
    const std::string_view rest = text_.substr(start);
    if (!rest.starts_with(kNodeEnv)) return;
    at_ = start + kNodeEnv.size();
    const bool longer = is_word_byte(peek());
    const char next = next_significant();
    const size_t sign = text_.find('=', at_);
    const bool assigned = next == '=' && text_.substr(sign, 2) != "==";
    at_ = start + std::string_view("process").size();
    if (!longer && !assigned) node_env_.push_back(rest.data());
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<bool> braces_;  // open braces; true: of a template's "${"
  std::vector<bool> parens_;  // open parentheses; true: of a condition
  bool after_value_ = false;  // a "/" here divides
  bool after_condition_word_ = false;
  bool newline_ = false;  // a line ended since the last token
  bool esm_ = false;
  bool commonjs_ = false;
  bool from_wanted_ = false;  // in an import or export, before its `from`
  std::vector<ScannedImport> imports_;
  std::vector<const char*> node_env_;
  char last_ = '\0';  // last byte of the last token
};

}  // namespace

ModuleSyntax module_syntax(std::string_view source) {
  return Scanner(source).syntax();
}

void replace_node_env(std::string& source, std::string_view value) {
  if (source.find(kNodeEnv) == std::string::npos) return;
  std::string constant = "\"" + std::string(value) + "\"";
  constant.resize(kNodeEnv.size(), ' ');
  for (const char* place : Scanner(source).node_env())
    source.replace(static_cast<size_t>(place - source.data()), kNodeEnv.size(), constant);
}

ModuleScan scan_module(std::string_view source) {
  return Scanner(source).scan();
}

}  // namespace skep::config
