#include "bindings/assets/site_rules.h"

#include <algorithm>
#include <utility>

namespace skep::bindings {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Well-formed UTF-8 (RFC 3629): no surrogates, nothing longer than it need be.
bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto first = static_cast<uint8_t>(text[i]);
    const size_t bytes = first < 0x80       ? 1
                         : first >> 5 == 6  ? 2
                         : first >> 4 == 14 ? 3
                         : first >> 3 == 30 ? 4
                                            : 0;
    if (bytes == 0 || i + bytes > text.size()) return false;
    uint32_t code = bytes == 1 ? first : first & (0xff >> (bytes + 1));
    for (size_t j = 1; j < bytes; j++) {
      const auto next = static_cast<uint8_t>(text[i + j]);
      if (next >> 6 != 2) return false;
      code = code << 6 | (next & 0x3f);
    }
    constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kLeast[bytes] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    i += bytes;
  }
  return true;
}

// decodeURIComponent; as it is where that would throw.
std::string decode_segment(std::string_view segment) {
  std::string out;
  for (size_t i = 0; i < segment.size(); i++) {
    if (segment[i] != '%') {
      out += segment[i];
      continue;
    }
    const int high = i + 2 < segment.size() ? hex_digit(segment[i + 1]) : -1;
    const int low = i + 2 < segment.size() ? hex_digit(segment[i + 2]) : -1;
    if (high < 0 || low < 0) return std::string(segment);
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return is_utf8(out) ? out : std::string(segment);
}

bool ends(const std::string& path, std::string_view end) {
  return path.ends_with(end);
}

std::string cut(const std::string& path, std::string_view end) {
  return path.substr(0, path.size() - end.size());
}

}  // namespace

std::string decode_path(std::string_view path) {
  std::string out;
  for (size_t at = 0; at <= path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, slash - at);
    const std::string decoded = segment.find('%') == std::string_view::npos
                                    ? std::string(segment)
                                    : decode_segment(segment);
    for (const char c : decoded) {
      if (c != '/' || !out.ends_with('/')) out += c;
    }
    if (slash < path.size() && !out.ends_with('/')) out += '/';
    at = slash + 1;
  }
  return out;
}

std::string encode_path(std::string_view path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-_.!~*'()/").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<uint8_t>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

SiteRules::SiteRules(SiteSettings settings, AssetManifest manifest)
    : settings_(std::move(settings)), manifest_(manifest) {
  for (const SiteRedirect& rule : settings_.redirects) {
    if (!rule.dynamic) static_redirects_.emplace(rule.from, &rule);
  }
}

SiteAnswer SiteRules::route(const SiteRequest& request) const {
  const SiteAnswer worker{.kind = SiteAnswer::Kind::worker};
  if (!settings_.has_worker) return answer(request, settings_.not_found);
  if (settings_.worker_first) return worker;
  const auto& rules = settings_.worker_first_rules;
  const auto any = [&](bool negative) {
    return std::ranges::any_of(rules, [&](std::string_view rule) {
      if (rule.starts_with('!') != negative) return false;
      return match_stars(rule.substr(negative ? 1 : 0), request.path);
    });
  };
  if (!rules.empty()) {
    if (any(true)) return answer(request, settings_.not_found);
    if (any(false)) return worker;
  }
  const bool handled = !rules.empty() || request.navigation;
  SiteAnswer found = answer(request, handled ? settings_.not_found : NotFoundHandling::none);
  if (found.kind == SiteAnswer::Kind::none) return worker;
  return found;
}

SiteAnswer SiteRules::resolve(const SiteRequest& request) const {
  return answer(request, settings_.not_found);
}

SiteAnswer SiteRules::answer(const SiteRequest& request, NotFoundHandling not_found) const {
  std::string rewritten;
  std::string_view path = request.path;
  if (auto redirect = redirected(request, rewritten)) {
    if (redirect->kind == SiteAnswer::Kind::redirect) return std::move(*redirect);
    path = rewritten;
  }
  const std::string decoded = decode_path(path);
  const Found found = find(decoded, not_found, true);
  if (!found.index && found.redirect.empty())
    return {.kind = SiteAnswer::Kind::none, .status = 404};
  if (request.method != "GET" && request.method != "HEAD")
    return {.kind = SiteAnswer::Kind::not_allowed, .status = 405};
  // Odd spellings lead to the plain one.
  std::string home = encode_path(found.redirect.empty() ? decoded : found.redirect);
  if (!found.redirect.empty() || home != path)
    return {SiteAnswer::Kind::redirect, 0, 307, home.append(request.query)};
  return {SiteAnswer::Kind::file, *found.index, found.status, {}};
}

// The first rule of _redirects that fits: a redirect, or `path` and anything else for a rewrite.
std::optional<SiteAnswer> SiteRules::redirected(const SiteRequest& request,
                                                std::string& path) const {
  if (settings_.redirects.empty()) return std::nullopt;
  Captures captures;
  const SiteRedirect* rule = nullptr;
  if (const auto found = static_redirects_.find(request.path); found != static_redirects_.end()) {
    rule = found->second;
  } else {
    for (const SiteRedirect& candidate : settings_.redirects) {
      if (!candidate.dynamic || !match_pattern(candidate.from, request.path, "/", captures))
        continue;
      rule = &candidate;
      break;
    }
  }
  if (rule == nullptr) return std::nullopt;
  std::string to = substitute(rule->to, captures);
  // A path of two slashes would be a host: what was captured must not choose it.
  if (!rule->to.starts_with("//") && to.starts_with('/')) {
    const size_t slashes = to.find_first_not_of("/\\");
    to = "/" + (slashes == std::string::npos ? std::string() : to.substr(slashes));
  }
  if (rule->status == 200) {
    path = to.substr(0, to.find_first_of("?#"));
    return SiteAnswer{.kind = SiteAnswer::Kind::none};
  }
  const size_t hash = std::min(to.find('#'), to.size());
  if (to.find('?') == std::string::npos) to.insert(hash, request.query);
  return SiteAnswer{SiteAnswer::Kind::redirect, 0, rule->status, std::move(to)};
}

std::optional<uint32_t> SiteRules::exists(std::string_view path) const {
  return path.starts_with('/') ? manifest_.find(path.substr(1)) : std::nullopt;
}

SiteRules::Found SiteRules::find(const std::string& path, NotFoundHandling not_found,
                                 bool may_redirect) const {
  switch (settings_.html) {
    case HtmlHandling::auto_trailing_slash:
      return find_auto(path, not_found, may_redirect);
    case HtmlHandling::force_trailing_slash:
      return find_force(path, not_found, may_redirect);
    case HtmlHandling::drop_trailing_slash:
      return find_drop(path, not_found, may_redirect);
    case HtmlHandling::none:
      break;
  }
  if (const auto exact = exists(path)) return {exact, {}, 200};
  return not_found_for(path, not_found);
}

bool SiteRules::leads(std::string_view from, const std::string& to, bool may_redirect,
                      Found& found) const {
  if (!may_redirect || exists(to)) return false;
  const auto file = exists(from);
  if (!file) return false;
  const Found there = find(to, NotFoundHandling::none, false);
  if (there.index != file) return false;
  found.redirect = to;
  return true;
}

SiteRules::Found SiteRules::find_auto(const std::string& path, NotFoundHandling not_found,
                                      bool may_redirect) const {
  const auto exact = exists(path);
  Found found;
  const auto to = [&](const std::string& from, const std::string& home) {
    return leads(from, home, may_redirect, found);
  };
  if (ends(path, "/index")) {
    if (exact) return {exact, {}, 200};
    if (to(path + ".html", cut(path, "index"))) return found;
    if (to(cut(path, "/index") + ".html", cut(path, "/index"))) return found;
  } else if (ends(path, "/index.html")) {
    if (to(path, cut(path, "index.html"))) return found;
    if (to(cut(path, "/index.html") + ".html", cut(path, "/index.html"))) return found;
  } else if (ends(path, "/")) {
    if (const auto index = exists(path + "index.html")) return {index, {}, 200};
    if (to(cut(path, "/") + ".html", cut(path, "/"))) return found;
  } else if (ends(path, ".html")) {
    if (to(path, cut(path, ".html"))) return found;
    if (to(cut(path, ".html") + "/index.html", cut(path, ".html") + "/")) return found;
  }
  if (exact) return {exact, {}, 200};
  if (const auto page = exists(path + ".html")) return {page, {}, 200};
  if (to(path + "/index.html", path + "/")) return found;
  return not_found_for(path, not_found);
}

SiteRules::Found SiteRules::find_force(const std::string& path, NotFoundHandling not_found,
                                       bool may_redirect) const {
  const auto exact = exists(path);
  Found found;
  const auto to = [&](const std::string& from, const std::string& home) {
    return leads(from, home, may_redirect, found);
  };
  if (ends(path, "/index")) {
    if (exact) return {exact, {}, 200};
    if (to(path + ".html", cut(path, "index"))) return found;
    if (to(cut(path, "/index") + ".html", cut(path, "index"))) return found;
  } else if (ends(path, "/index.html")) {
    if (to(path, cut(path, "index.html"))) return found;
    if (to(cut(path, "/index.html") + ".html", cut(path, "index.html"))) return found;
  } else if (ends(path, "/")) {
    if (const auto index = exists(path + "index.html")) return {index, {}, 200};
    if (const auto page = exists(cut(path, "/") + ".html")) return {page, {}, 200};
  } else if (ends(path, ".html")) {
    if (to(path, cut(path, ".html") + "/")) return found;
    if (exact) return {exact, {}, 200};
    if (to(cut(path, ".html") + "/index.html", cut(path, ".html") + "/")) return found;
  }
  if (exact) return {exact, {}, 200};
  if (to(path + ".html", path + "/")) return found;
  if (to(path + "/index.html", path + "/")) return found;
  return not_found_for(path, not_found);
}

SiteRules::Found SiteRules::find_drop(const std::string& path, NotFoundHandling not_found,
                                      bool may_redirect) const {
  const auto exact = exists(path);
  Found found;
  const auto to = [&](const std::string& from, const std::string& home) {
    return leads(from, home, may_redirect, found);
  };
  if (ends(path, "/index")) {
    if (exact) return {exact, {}, 200};
    if (path == "/index") {
      if (to("/index.html", "/")) return found;
    } else {
      if (to(cut(path, "/index") + ".html", cut(path, "/index"))) return found;
      if (to(path + ".html", cut(path, "/index"))) return found;
    }
  } else if (ends(path, "/index.html")) {
    if (path == "/index.html") {
      if (to("/index.html", "/")) return found;
    } else {
      if (to(path, cut(path, "/index.html"))) return found;
      if (exact) return {exact, {}, 200};
      if (to(cut(path, "/index.html") + ".html", cut(path, "/index.html"))) return found;
    }
  } else if (ends(path, "/")) {
    if (path == "/") {
      if (const auto index = exists("/index.html")) return {index, {}, 200};
    } else {
      if (to(cut(path, "/") + ".html", cut(path, "/"))) return found;
      if (to(cut(path, "/") + "/index.html", cut(path, "/"))) return found;
    }
  } else if (ends(path, ".html")) {
    if (to(path, cut(path, ".html"))) return found;
    if (to(cut(path, ".html") + "/index.html", cut(path, ".html"))) return found;
  }
  if (exact) return {exact, {}, 200};
  if (const auto page = exists(path + ".html")) return {page, {}, 200};
  if (const auto index = exists(path + "/index.html")) return {index, {}, 200};
  return not_found_for(path, not_found);
}

SiteRules::Found SiteRules::not_found_for(std::string path, NotFoundHandling not_found) const {
  if (not_found == NotFoundHandling::single_page_application) {
    if (const auto index = exists("/index.html")) return {index, {}, 200};
  } else if (not_found == NotFoundHandling::page_404) {
    // The nearest one, up the tree.
    while (!path.empty()) {
      path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
      if (const auto page = exists(path + "/404.html")) return {page, {}, 404};
    }
  }
  return {};
}

}  // namespace skep::bindings
