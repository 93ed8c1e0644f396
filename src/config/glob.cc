#include "config/glob.h"

#include <string>
#include <vector>

namespace skep::config {
namespace {

constexpr size_t kMostAlternatives = 256;

// One glob without braces against one path, by dynamic programming over the path's positions.
class Matcher {
 public:
  Matcher(std::string_view glob, std::string_view path) : glob_(glob), path_(path) {}

  bool run() {
    // reached[i]: the glob so far matches the first i bytes of the path.
    std::vector<char> reached(path_.size() + 1, 0);
    reached[0] = 1;
    while (at_ < glob_.size()) step(reached);
    return reached[path_.size()] != 0;
  }

 private:
  void step(std::vector<char>& reached) {
    const std::string_view rest = glob_.substr(at_);
    const bool at_segment = at_ == 0 || glob_[at_ - 1] == '/';
    if (at_segment && rest.starts_with("**/")) {
      // Any number of whole folders, also none.
      at_ += 3;
      bool seen = false;
      for (size_t i = 0; i <= path_.size(); i++) {
        if (seen && i > 0 && path_[i - 1] == '/') reached[i] = 1;
        seen = seen || reached[i];
      }
    } else if (rest.starts_with("**")) {
      at_ += 2;
      star(reached, true);
    } else if (rest[0] == '*') {
      at_++;
      star(reached, false);
    } else {
      single(reached);
    }
  }

  void star(std::vector<char>& reached, bool slashes) {
    for (size_t i = 1; i <= path_.size(); i++) {
      if (reached[i - 1] && (slashes || path_[i - 1] != '/')) reached[i] = 1;
    }
  }

  // "?", "[…]" or a byte of its own.
  void single(std::vector<char>& reached) {
    const size_t start = at_;
    const size_t end = glob_[at_] == '[' ? glob_.find(']', at_ + 2) : std::string_view::npos;
    const bool set = end != std::string_view::npos;
    if (glob_[at_] == '\\' && at_ + 1 < glob_.size()) at_++;
    const char literal = glob_[at_];
    const bool any = glob_[start] == '?';
    at_ = set ? end + 1 : at_ + 1;
    for (size_t i = path_.size(); i > 0; i--) {
      const char c = path_[i - 1];
      const bool fits = set   ? in_set(glob_.substr(start + 1, end - start - 1), c)
                        : any ? c != '/'
                              : c == literal;
      reached[i] = reached[i - 1] && fits ? 1 : 0;
    }
    reached[0] = 0;
  }

  static bool in_set(std::string_view set, char c) {
    const bool negated = set.starts_with('!') || set.starts_with('^');
    if (negated) set.remove_prefix(1);
    bool found = false;
    for (size_t i = 0; i < set.size(); i++) {
      if (i + 2 < set.size() && set[i + 1] == '-') {
        found = found || (c >= set[i] && c <= set[i + 2]);
        i += 2;
      } else {
        found = found || c == set[i];
      }
    }
    return c != '/' && found != negated;
  }

  std::string_view glob_, path_;
  size_t at_ = 0;
};

// The closing brace of the one at `open`; npos: none.
size_t closing_brace(std::string_view glob, size_t open) {
  int depth = 0;
  for (size_t i = open; i < glob.size(); i++) {
    if (glob[i] == '{') depth++;
    if (glob[i] == '}' && --depth == 0) return i;
  }
  return std::string_view::npos;
}

// Expands the braces of `glob` into `out`. False: more than kMostAlternatives.
bool expand(const std::string& glob, std::vector<std::string>& out) {
  const size_t open = glob.find('{');
  const size_t close = open == std::string::npos ? std::string::npos : closing_brace(glob, open);
  if (close == std::string::npos) {
    out.push_back(glob);
    return out.size() <= kMostAlternatives;
  }
  int depth = 0;
  size_t start = open + 1;
  for (size_t i = open + 1; i <= close; i++) {
    if (glob[i] == '{') depth++;
    const bool end = i == close || (glob[i] == ',' && depth == 0);
    if (glob[i] == '}') depth--;
    if (!end) continue;
    if (!expand(glob.substr(0, open) + glob.substr(start, i - start) + glob.substr(close + 1),
                out)) {
      return false;
    }
    start = i + 1;
  }
  return true;
}

}  // namespace

bool plain_glob_matches(std::string_view glob, std::string_view path) {
  return Matcher(glob, path).run();
}

bool glob_matches(std::string_view glob, std::string_view path) {
  if (glob.starts_with("./")) glob.remove_prefix(2);
  if (path.starts_with("./")) path.remove_prefix(2);
  std::vector<std::string> alternatives;
  if (!expand(std::string(glob), alternatives)) return false;
  for (const std::string& alternative : alternatives) {
    if (Matcher(alternative, path).run()) return true;
  }
  return false;
}

}  // namespace skep::config
