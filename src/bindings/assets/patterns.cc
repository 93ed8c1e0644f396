#include "bindings/assets/patterns.h"

namespace skep::bindings {
namespace {

constexpr size_t kMostSteps = 20'000;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// How long the name of the placeholder at the start of `text` is, without the ":"; 0: there is
// none.
size_t placeholder_bytes(std::string_view text) {
  if (text.size() < 2 || text[0] != ':' || !is_letter(text[1])) return 0;
  size_t end = 1;
  while (end < text.size() &&
         (is_letter(text[end]) || (text[end] >= '0' && text[end] <= '9') || text[end] == '_')) {
    end++;
  }
  return end - 1;
}

// Greedy with a way back, as a regular expression would; the steps are counted.
class Matcher {
 public:
  Matcher(std::string_view separators, Captures& captures)
      : separators_(separators), captures_(captures) {}

  bool run(std::string_view pattern, std::string_view text) {
    while (!pattern.empty()) {
      if (++steps_ > kMostSteps) return false;
      if (pattern[0] == '*') return capture("splat", pattern.substr(1), text, text.size(), 0);
      if (const size_t name = placeholder_bytes(pattern)) {
        const size_t stop = text.find_first_of(separators_);
        const size_t most = stop == std::string_view::npos ? text.size() : stop;
        return capture(pattern.substr(1, name), pattern.substr(1 + name), text, most, 1);
      }
      if (text.empty() || text[0] != pattern[0]) return false;
      pattern.remove_prefix(1);
      text.remove_prefix(1);
    }
    return text.empty();
  }

 private:
  bool capture(std::string_view name, std::string_view pattern, std::string_view text, size_t most,
               size_t least) {
    if (pattern.empty()) {
      if (most < text.size() || most < least) return false;
      captures_.values.emplace_back(name, text);
      return true;
    }
    for (size_t taken = most + 1; taken > least; taken--) {
      if (steps_ > kMostSteps) return false;
      captures_.values.emplace_back(name, text.substr(0, taken - 1));
      if (run(pattern, text.substr(taken - 1))) return true;
      captures_.values.pop_back();
    }
    return false;
  }

  std::string_view separators_;
  Captures& captures_;
  size_t steps_ = 0;
};

}  // namespace

bool match_pattern(std::string_view pattern, std::string_view text, std::string_view separators,
                   Captures& captures) {
  captures.values.clear();
  return Matcher(separators, captures).run(pattern, text);
}

bool match_stars(std::string_view pattern, std::string_view text) {
  // The last "*" is all that ever has to be taken back.
  size_t at = 0, i = 0, star = std::string_view::npos, star_text = 0;
  while (i < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      star_text = i;
    } else if (at < pattern.size() && pattern[at] == text[i]) {
      at++;
      i++;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      i = ++star_text;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') at++;
  return at == pattern.size();
}

std::string substitute(std::string_view text, const Captures& captures) {
  std::string out;
  while (!text.empty()) {
    const size_t name = placeholder_bytes(text);
    const std::string_view* value = nullptr;
    for (const auto& [known, captured] : captures.values) {
      if (name > 0 && known == text.substr(1, name)) value = &captured;
    }
    if (value != nullptr) {
      out += *value;
      text.remove_prefix(1 + name);
    } else {
      out += text[0];
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace skep::bindings
