// Static assets as a project configures them: the `assets` table of its wrangler file, and what
// the rule files _headers and _redirects of the directory say. Read by the broker and by the
// command line; a shard gets what was parsed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "config/value.h"

namespace skep::config {

enum class HtmlHandling { auto_trailing_slash, force_trailing_slash, drop_trailing_slash, none };
enum class NotFoundHandling { none, page_404, single_page_application };

struct AssetsConfig {
  std::string directory;  // as the file has it: relative to the project's folder
  Position at;            // of the directory's name
  std::string binding;    // in env; empty: none
  Position binding_at;
  HtmlHandling html = HtmlHandling::auto_trailing_slash;
  NotFoundHandling not_found = NotFoundHandling::none;
  bool worker_first = false;                    // run_worker_first = true
  std::vector<std::string> worker_first_rules;  // "/api/*", "!/api/docs/*"; empty: none
};

// `assets`: the table; `path`: what messages call it.
AssetsConfig read_assets(const Value& assets, const std::string& path, Diagnostics& diagnostics);

struct AssetHeaderRule {
  std::string host;  // "https://host" of the line without its scheme; empty: every host
  std::string path;  // with at most one "*" and ":name"
  struct Change {
    std::string name, value;  // value of no meaning where `remove`
    bool remove = false;
  };
  std::vector<Change> changes;
};

struct AssetRedirect {
  std::string from;       // path; with "*" and ":name" where dynamic
  std::string to;         // a path or an absolute URL
  uint16_t status = 302;  // 200: a rewrite
  bool dynamic = false;
};

struct AssetRules {
  std::vector<AssetHeaderRule> headers;
  std::vector<AssetRedirect> redirects;  // those that are not dynamic come first
};

// What is wrong is a warning with its line, and that line (or rule) has no effect: as the hosted
// service does it. diagnostics.begin_file() is the caller's.
std::vector<AssetHeaderRule> parse_asset_headers(std::string_view text, Diagnostics& diagnostics);
std::vector<AssetRedirect> parse_asset_redirects(std::string_view text, Diagnostics& diagnostics);

// .assetsignore: the syntax of .gitignore ("*" and "?" not over "/", "**", "[a-z]", "\\x", "!").
class AssetIgnore {
 public:
  AssetIgnore() = default;
  static AssetIgnore parse(std::string_view text, Diagnostics& diagnostics);
  // `path`: relative, without "/" at either end. A file in an ignored folder is ignored: whoever
  // walks the tree does not go into those.
  bool ignores(std::string_view path, bool folder) const;

 private:
  struct Rule {
    std::string pattern;
    bool negated = false, folder_only = false, anchored = false;
  };
  std::vector<Rule> rules_;
};

}  // namespace skep::config
