// Which file of a site a request means, if any: the rules of html_handling, not_found_handling,
// run_worker_first and _redirects, over the manifest of its paths. Pure; in the shard; every input
// of a request is hostile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bindings/assets/manifest.h"
#include "bindings/assets/patterns.h"

namespace skep::bindings {

enum class HtmlHandling { auto_trailing_slash, force_trailing_slash, drop_trailing_slash, none };
enum class NotFoundHandling { none, page_404, single_page_application };

struct SiteHeaderRule {
  std::string host, path;
  struct Change {
    std::string name, value;
    bool remove = false;
  };
  std::vector<Change> changes;
};

struct SiteRedirect {
  std::string from, to;
  int status = 302;
  bool dynamic = false;
};

struct SiteSettings {
  HtmlHandling html = HtmlHandling::auto_trailing_slash;
  NotFoundHandling not_found = NotFoundHandling::none;
  bool has_worker = false;
  bool worker_first = false;
  std::vector<std::string> worker_first_rules;
  std::vector<SiteHeaderRule> headers;
  std::vector<SiteRedirect> redirects;
};

struct SiteRequest {
  std::string_view method;
  std::string_view path;    // of a parsed URL: "/a%20b"
  std::string_view query;   // "?x=1" or ""
  bool navigation = false;  // Sec-Fetch-Mode: navigate, where the worker's date lets that decide
};

struct SiteAnswer {
  enum class Kind {
    worker,      // the worker answers
    file,        // `index`, with `status`
    redirect,    // `status` to `location`
    none,        // 404 without a body
    not_allowed  // 405
  };
  Kind kind = Kind::none;
  uint32_t index = 0;
  int status = 200;
  std::string location;
};

class SiteRules {
 public:
  SiteRules(SiteSettings settings, AssetManifest manifest);

  // What a request of a client means: the worker, or what the assets have for it.
  SiteAnswer route(const SiteRequest& request) const;
  // What the assets alone have for it (env.ASSETS.fetch).
  SiteAnswer resolve(const SiteRequest& request) const;

  const SiteSettings& settings() const { return settings_; }
  const AssetManifest& manifest() const { return manifest_; }

 private:
  struct Found {
    std::optional<uint32_t> index;
    std::string redirect;  // not empty: there
    int status = 200;
  };
  SiteAnswer answer(const SiteRequest& request, NotFoundHandling not_found) const;
  std::optional<SiteAnswer> redirected(const SiteRequest& request, std::string& path) const;
  std::optional<uint32_t> exists(std::string_view path) const;
  Found find(const std::string& path, NotFoundHandling not_found, bool may_redirect) const;
  Found find_auto(const std::string& path, NotFoundHandling not_found, bool may_redirect) const;
  Found find_force(const std::string& path, NotFoundHandling not_found, bool may_redirect) const;
  Found find_drop(const std::string& path, NotFoundHandling not_found, bool may_redirect) const;
  Found not_found_for(std::string path, NotFoundHandling not_found) const;
  // Whether `to` is where the file `from` is at home; then `found` redirects there.
  bool leads(std::string_view from, const std::string& to, bool may_redirect, Found& found) const;

  SiteSettings settings_;
  AssetManifest manifest_;
  std::unordered_map<std::string_view, const SiteRedirect*> static_redirects_;
};

// decodeURIComponent of each segment (as it is where that fails), runs of "/" made one.
std::string decode_path(std::string_view path);
// encodeURIComponent of each segment.
std::string encode_path(std::string_view path);

}  // namespace skep::bindings
