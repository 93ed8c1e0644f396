#include "isolate/cjs_lexer.h"

#include <unordered_set>
#include <utility>

#include "base/limits.h"
#include "isolate/js_tokens.h"

namespace skep::isolate {
namespace {

// All look-ahead of one module together; beyond it no further names are found.
constexpr uint64_t kLookAheadTokens = 2'000'000;

class Scanner {
 public:
  explicit Scanner(std::string_view source) : tokens_(source) {}

  CjsScan run() {
    Token before;
    for (Token token = tokens_.next(); token.kind != TokenKind::end; token = tokens_.next()) {
      if (token.kind == TokenKind::identifier && !before.is(".") && !before.is("function")) {
        at_identifier(token);
      } else if (token.is("__exportStar") || token.is("__export")) {
        at_export_star(tokens_);  // tslib.__exportStar(require("x"), exports)
      }
      before = token;
    }
    return std::move(scan_);
  }

 private:
  // Work on a copy of the tokenizer counts against the look-ahead.
  class Ahead {
   public:
    explicit Ahead(Scanner& scanner) : scanner_(scanner), tokens(scanner.tokens_) {
      begin_ = tokens.taken();
    }
    ~Ahead() { scanner_.ahead_ += tokens.taken() - begin_; }
    Ahead(const Ahead&) = delete;
    Ahead& operator=(const Ahead&) = delete;

   private:
    Scanner& scanner_;
    uint64_t begin_;

   public:
    JsTokens tokens;
  };

  void at_identifier(const Token& token) {
    if (ahead_ > kLookAheadTokens) return;
    if (token.is("require")) {
      Ahead ahead(*this);
      std::string specifier;
      if (call_argument(ahead.tokens, specifier)) add(scan_.requires_, requires_seen_, specifier);
    } else if (token.is("exports")) {
      Ahead ahead(*this);
      at_exports(ahead.tokens, ahead.tokens.next());
    } else if (token.is("module")) {
      Ahead ahead(*this);
      if (ahead.tokens.next().is(".") && ahead.tokens.next().is("exports")) {
        at_module_exports(ahead.tokens);
      }
    } else if (token.is("Object")) {
      Ahead ahead(*this);
      at_object(ahead.tokens);
    } else if (token.is("__exportStar") || token.is("__export")) {
      at_export_star(tokens_);
    }
  }

  // ("…") of a call of require; true with the string.
  static bool call_argument(JsTokens& tokens, std::string& out) {
    if (!tokens.next().is("(")) return false;
    const Token argument = tokens.next();
    if (argument.kind != TokenKind::string || !string_value(argument.text, out)) return false;
    return tokens.next().is(")");
  }

  // After `exports`, with the token that follows: .name = / ["name"] =
  void at_exports(JsTokens& tokens, const Token& first) {
    std::string name;
    if (first.is(".")) {
      const Token member = tokens.next();
      if (member.kind != TokenKind::identifier) return;
      name = member.text;
    } else if (first.is("[")) {
      const Token member = tokens.next();
      if (member.kind != TokenKind::string || !string_value(member.text, name)) return;
      if (!tokens.next().is("]")) return;
    } else {
      return;
    }
    if (tokens.next().is("=")) add_export(name);
  }

  // After `module.exports`.
  void at_module_exports(JsTokens& tokens) {
    const Token first = tokens.next();
    if (!first.is("=")) return at_exports(tokens, first);
    const Token value = tokens.next();
    if (value.is("{")) return object_literal(tokens);
    if (value.is("require")) {
      std::string specifier;
      if (call_argument(tokens, specifier)) add_reexport(specifier);
      return;
    }
    if (value.is("exports")) {
      // module.exports = exports = { … }
      if (tokens.next().is("=") && tokens.next().is("{")) object_literal(tokens);
    }
  }

  // Object.defineProperty(exports, "name", …) and the same on module.exports.
  void at_object(JsTokens& tokens) {
    if (!tokens.next().is(".") || !tokens.next().is("defineProperty")) return;
    if (!tokens.next().is("(")) return;
    Token target = tokens.next();
    if (target.is("module")) {
      if (!tokens.next().is(".")) return;
      target = tokens.next();
    }
    if (!target.is("exports") || !tokens.next().is(",")) return;
    const Token member = tokens.next();
    std::string name;
    if (member.kind == TokenKind::string && string_value(member.text, name)) add_export(name);
  }

  void at_export_star(const JsTokens& after) {
    JsTokens tokens = after;
    std::string specifier;
    if (tokens.next().is("(") && tokens.next().is("require") && call_argument(tokens, specifier)) {
      add_reexport(specifier);
    }
  }

  // After the "{" of an object literal: keys, and modules that are spread into it.
  void object_literal(JsTokens& tokens) {
    while (ahead_ + tokens.taken() - tokens_.taken() <= kLookAheadTokens) {
      Token key = tokens.next();
      std::string name;
      if (key.is("...")) {
        const Token value = tokens.next();
        if (value.is("require") && call_argument(tokens, name)) add_reexport(name);
        if (!skip_value(tokens, tokens.next())) return;
        continue;
      }
      if (key.is("async") || key.is("get") || key.is("set") || key.is("*")) {
        JsTokens peek = tokens;
        const Token after = peek.next();
        if (after.kind == TokenKind::identifier || after.kind == TokenKind::string ||
            after.is("*")) {
          continue;  // a modifier: the key follows
        }
      }
      if (key.kind == TokenKind::identifier) {
        name = key.text;
      } else if (key.kind != TokenKind::string || !string_value(key.text, name)) {
        return;  // the end, or a computed key
      }
      add_export(name);
      if (!skip_value(tokens, tokens.next())) return;
    }
  }

  // From `token` to behind the comma that ends this property; false at the end of the literal.
  bool skip_value(JsTokens& tokens, Token token) {
    unsigned depth = 0;
    for (; token.kind != TokenKind::end; token = tokens.next()) {
      if (ahead_ + tokens.taken() - tokens_.taken() > kLookAheadTokens) return false;
      if (token.kind != TokenKind::punctuator) continue;
      if (token.is("{") || token.is("(") || token.is("[")) {
        ++depth;
      } else if (token.is("}") || token.is(")") || token.is("]")) {
        if (depth == 0) return false;
        --depth;
      } else if (depth == 0 && token.is(",")) {
        return true;
      }
    }
    return false;
  }

  void add_export(const std::string& name) {
    if (name != "default") add(scan_.exports, exports_seen_, name);
  }
  void add_reexport(const std::string& specifier) {
    add(scan_.reexports, reexports_seen_, specifier);
    add(scan_.requires_, requires_seen_, specifier);
  }
  static void add(std::vector<std::string>& list, std::unordered_set<std::string>& seen,
                  const std::string& item) {
    if (item.empty() || item.size() > limits::kSpecifierBytes) return;
    if (list.size() >= limits::kCommonJsNames || !seen.insert(item).second) return;
    list.push_back(item);
  }

  JsTokens tokens_;
  CjsScan scan_;
  std::unordered_set<std::string> requires_seen_, exports_seen_, reexports_seen_;
  uint64_t ahead_ = 0;
};

}  // namespace

CjsScan scan_commonjs(std::string_view source) {
  return Scanner(source).run();
}

}  // namespace skep::isolate
