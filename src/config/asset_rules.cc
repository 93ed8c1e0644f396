// _headers, _redirects and .assetsignore. The texts are a tenant's: everything is bounded.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/ascii.h"
#include "base/limits_assets.h"
#include "config/assets.h"
#include "config/glob.h"

namespace skep::config {
namespace {

constexpr std::string_view kSpace = " \t\r\f\v";

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// A text file line by line, each without surrounding white space; empty lines are left out.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
  }

  bool next() {
    while (!rest_.empty()) {
      const size_t end = rest_.find('\n');
      const std::string_view whole = rest_.substr(0, end);
      rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
      at_.line++;
      line_ = trim(whole);
      if (line_.empty()) continue;
      at_.column = static_cast<uint32_t>(line_.data() - whole.data()) + 1;
      return true;
    }
    return false;
  }

  std::string_view line() const { return line_; }
  Position at() const { return at_; }
  Position at(std::string_view part) const {
    return {at_.line, at_.column + static_cast<uint32_t>(part.data() - line_.data())};
  }

 private:
  std::string_view rest_, line_;
  Position at_;
};

bool name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct PatternParts {
  size_t stars = 0;
  bool placeholders = false, doubled = false;
};

// The "*" and ":name" of a path.
PatternParts parts_of(std::string_view path) {
  PatternParts parts;
  std::set<std::string_view> names;
  for (size_t i = 0; i < path.size(); i++) {
    if (path[i] == '*') parts.stars++;
    if (path[i] != ':' || i + 1 == path.size() || !is_letter(path[i + 1])) continue;
    size_t end = i + 1;
    while (end < path.size() && name_byte(path[end])) end++;
    parts.placeholders = true;
    parts.doubled = !names.insert(path.substr(i + 1, end - i - 1)).second || parts.doubled;
  }
  return parts;
}

// Why a pattern cannot stand in either file; empty: it can.
std::string_view problem_of(std::string_view path) {
  const PatternParts parts = parts_of(path);
  if (parts.stars > 1) return "only one \"*\" may stand in a path";
  if (parts.doubled) return "a placeholder stands in the path twice";
  return {};
}

// What stands between "https://" and the path, where `line` is such a URL; cuts it off.
std::string cut_origin(std::string_view& line) {
  const bool https = line.starts_with("https://");
  if (!https && !line.starts_with("http://")) return {};
  line.remove_prefix(https ? 8 : 7);
  const size_t slash = line.find('/');
  const std::string host = ascii_lower(line.substr(0, slash));
  line = slash == std::string_view::npos ? "/" : line.substr(slash);
  return host;
}

bool is_token(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return name_byte(c) || std::string_view("!#$%&'*+-.^`|~").find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view value) {
  return std::ranges::all_of(value,
                             [](char c) { return c == '\t' || (c >= ' ' && c != 0x7f) || c < 0; });
}

// The lines of _headers in turn.
class HeadersReader {
 public:
  explicit HeadersReader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  void take(const Lines& lines) {
    const std::string_view line = lines.line();
    if (line.starts_with('#')) return;
    if (line.size() > limits::kAssetRuleLineBytes) {
      diagnostics_.warning(lines.at(),
                           fmt::format("the line is longer than {} characters and has no effect",
                                       limits::kAssetRuleLineBytes));
      return;
    }
    const size_t colon = line.find(':');
    const bool path =
        line.starts_with('/') || line.starts_with("https://") || line.starts_with("http://");
    if (path) return begin_rule(lines);
    if (line.starts_with('!')) return add(lines, trim(line.substr(1)), {}, true);
    if (colon == std::string_view::npos) {
      diagnostics_.warning(lines.at(),
                           "neither a path (\"/…\" or \"https://…\") nor \"Name: value\"");
      return;
    }
    add(lines, trim(line.substr(0, colon)), trim(line.substr(colon + 1)), false);
  }

  std::vector<AssetHeaderRule> finish() {
    close_rule();
    return std::move(rules_);
  }

 private:
  void close_rule() {
    if (open_ && !rule_.path.empty() && rule_.changes.empty())
      diagnostics_.warning(rule_at_, "no headers follow this path");
    else if (open_ && !rule_.path.empty())
      rules_.push_back(std::move(rule_));
    rule_ = {};
  }

  void begin_rule(const Lines& lines) {
    close_rule();
    open_ = true;
    rule_at_ = lines.at();
    std::string_view path = lines.line();
    std::string host = cut_origin(path);
    const std::string_view problem = problem_of(path);
    if (!problem.empty()) {
      diagnostics_.warning(rule_at_, fmt::format("{}; the rule has no effect", problem));
      return;  // its headers are skipped: rule_.path stays empty
    }
    if (rules_.size() >= limits::kAssetHeaderRules) {
      if (rules_.size() == limits::kAssetHeaderRules && !full_)
        diagnostics_.warning(rule_at_, fmt::format("more than {} rules; this and the following "
                                                   "have no effect",
                                                   limits::kAssetHeaderRules));
      full_ = true;
      return;
    }
    rule_.host = std::move(host);
    rule_.path = path;
  }

  void add(const Lines& lines, std::string_view name, std::string_view value, bool remove) {
    if (!open_) {
      diagnostics_.warning(lines.at(), "a header without a path before it");
      return;
    }
    if (rule_.path.empty()) return;
    std::string_view problem;
    if (!is_token(name))
      problem = "this is no header's name";
    else if (!remove && value.empty())
      problem = "the header has no value";
    else if (!is_field_value(value))
      problem = "the value has a control character";
    else if (rule_.changes.size() >= limits::kAssetHeadersPerRule)
      problem = "too many headers";
    if (!problem.empty()) {
      diagnostics_.warning(lines.at(), fmt::format("{}; the line has no effect", problem));
      return;
    }
    // The same name twice in one rule is one header of both values.
    for (AssetHeaderRule::Change& change : rule_.changes) {
      if (remove || change.remove || ascii_lower(change.name) != ascii_lower(name)) continue;
      change.value += fmt::format(", {}", value);
      return;
    }
    rule_.changes.push_back({std::string(name), std::string(value), remove});
  }

  Diagnostics& diagnostics_;
  std::vector<AssetHeaderRule> rules_;
  AssetHeaderRule rule_;
  Position rule_at_;
  bool open_ = false, full_ = false;
};

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!(line = trim(line)).empty() && words.size() < 5) {
    const size_t end = line.find_first_of(kSpace);
    words.push_back(line.substr(0, end));
    line = end == std::string_view::npos ? std::string_view() : line.substr(end);
  }
  return words;
}

// The lines of _redirects in turn.
class RedirectsReader {
 public:
  explicit RedirectsReader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  void take(const Lines& lines) {
    if (full_ || lines.line().starts_with('#')) return;
    if (lines.line().size() > limits::kAssetRuleLineBytes) {
      return warn(lines.at(), fmt::format("the line is longer than {} characters",
                                          limits::kAssetRuleLineBytes));
    }
    auto words = words_of(lines.line());
    // What follows a "#" is a comment.
    const auto comment =
        std::ranges::find_if(words, [](auto word) { return word.starts_with('#'); });
    words.erase(comment, words.end());
    if (words.size() != 2 && words.size() != 3)
      return warn(lines.at(), "a rule is \"FROM TO [STATUS]\"");
    AssetRedirect rule;
    rule.from = words[0];
    rule.to = words[1];
    if (const std::string problem = read(words, rule); !problem.empty())
      return warn(lines.at(bad_), problem);
    keep(lines, std::move(rule));
  }

  std::vector<AssetRedirect> finish() { return std::move(rules_); }

 private:
  void warn(Position at, std::string_view problem) {
    diagnostics_.warning(at, fmt::format("{}; the rule has no effect", problem));
  }

  // What is wrong with the rule; empty: nothing. bad_: the word to blame.
  std::string read(const std::vector<std::string_view>& words, AssetRedirect& rule) {
    bad_ = words[0];
    if (!rule.from.starts_with('/')) return "the path must start with \"/\"";
    if (const std::string_view problem = problem_of(words[0]); !problem.empty())
      return std::string(problem);
    bad_ = words[1];
    const bool url = rule.to.starts_with("https://") || rule.to.starts_with("http://");
    if (!url && !rule.to.starts_with('/'))
      return "the destination must be a path (\"/…\") or a URL (\"https://…\")";
    if (!is_field_value(rule.to)) return "the destination has a control character";
    if (words.size() == 3) {
      bad_ = words[2];
      const auto [end, error] = std::from_chars(bad_.begin(), bad_.end(), rule.status);
      static constexpr uint16_t kStatuses[] = {200, 301, 302, 303, 307, 308};
      if (error != std::errc() || end != bad_.end() ||
          std::ranges::find(kStatuses, rule.status) == std::end(kStatuses))
        return "the status must be 200, 301, 302 (default), 303, 307 or 308";
    }
    bad_ = words[1];
    if (rule.status == 200 && url) return "a rewrite (200) must lead to a path, not to a URL";
    // "/* /index.html": to itself for ever, were it a redirect.
    const std::string_view to = words[1].substr(0, words[1].find_first_of("?#"));
    if (words[0] == "/*" && (to == "/index.html" || to == "/index" || to == "/"))
      return "this would lead to itself without end (not_found_handling = "
             "\"single-page-application\" does what it means)";
    if (words[0] == words[1]) return "this would lead to itself without end";
    return {};
  }

  void keep(const Lines& lines, AssetRedirect rule) {
    const PatternParts parts = parts_of(rule.from);
    rule.dynamic = parts.stars > 0 || parts.placeholders || dynamic_ > 0;
    if (rule.dynamic ? dynamic_ >= limits::kAssetDynamicRedirects
                     : static_ >= limits::kAssetStaticRedirects) {
      full_ = true;
      diagnostics_.warning(
          lines.at(),
          fmt::format("more than {} rules{}; this and the following have no effect",
                      rule.dynamic ? limits::kAssetDynamicRedirects : limits::kAssetStaticRedirects,
                      rule.dynamic ? " with \"*\" or placeholders, or after such a one" : ""));
      return;
    }
    if (!rule.dynamic && !seen_.insert(rule.from).second)
      return warn(lines.at(), fmt::format("\"{}\" has a rule already", rule.from));
    (rule.dynamic ? dynamic_ : static_)++;
    rules_.push_back(std::move(rule));
  }

  Diagnostics& diagnostics_;
  std::vector<AssetRedirect> rules_;
  std::set<std::string> seen_;
  std::string_view bad_;
  size_t static_ = 0, dynamic_ = 0;
  bool full_ = false;
};

}  // namespace

std::vector<AssetHeaderRule> parse_asset_headers(std::string_view text, Diagnostics& diagnostics) {
  HeadersReader reader(diagnostics);
  for (Lines lines(text); lines.next();) reader.take(lines);
  return reader.finish();
}

std::vector<AssetRedirect> parse_asset_redirects(std::string_view text, Diagnostics& diagnostics) {
  RedirectsReader reader(diagnostics);
  for (Lines lines(text); lines.next();) reader.take(lines);
  return reader.finish();
}

// ---- .assetsignore
// --------------------------------------------------------------------------------

AssetIgnore AssetIgnore::parse(std::string_view text, Diagnostics& diagnostics) {
  AssetIgnore ignore;
  for (Lines lines(text); lines.next();) {
    std::string_view line = lines.line();
    if (line.starts_with('#')) continue;
    if (ignore.rules_.size() >= limits::kAssetIgnoreRules ||
        line.size() > limits::kAssetRuleLineBytes) {
      diagnostics.error(lines.at(),
                        fmt::format("more than {} rules, or a line of more than {} "
                                    "characters",
                                    limits::kAssetIgnoreRules, limits::kAssetRuleLineBytes));
      break;
    }
    Rule rule;
    if (line.starts_with('!')) {
      rule.negated = true;
      line.remove_prefix(1);
    }
    if (line.ends_with('/')) {
      rule.folder_only = true;
      line.remove_suffix(1);
    }
    // A "/" at the beginning or in the middle: from the top, not at any depth.
    rule.anchored = line.find('/') != std::string_view::npos;
    if (line.starts_with('/')) line.remove_prefix(1);
    if (line.empty()) continue;
    rule.pattern = line;
    ignore.rules_.push_back(std::move(rule));
  }
  return ignore;
}

bool AssetIgnore::ignores(std::string_view path, bool folder) const {
  const size_t slash = path.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  // The last rule that matches decides.
  for (size_t i = rules_.size(); i > 0; i--) {
    const Rule& rule = rules_[i - 1];
    if (rule.folder_only && !folder) continue;
    if (plain_glob_matches(rule.pattern, rule.anchored ? path : name)) return !rule.negated;
  }
  return false;
}

}  // namespace skep::config
