#include "bindings/assets/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/ascii.h"
#include "net/headers.h"
#include "net/http_date.h"

namespace skep::bindings {
namespace {

using net::equals_ignore_case;
using net::header_value;

// RFC 9110 13.1.2: any of the list is the same by weak comparison.
bool names_etag(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    std::string_view one = net::trim_whitespace(list.substr(0, comma));
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == etag || one == "*") return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

// "Sun, 06 Nov 1994 08:49:37 GMT"; the obsolete forms are not read, so they do not match.
std::optional<int64_t> parse_date(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != net::kHttpDateBytes || !text.ends_with(" GMT")) return std::nullopt;
  const auto number = [&](size_t at, size_t bytes) {
    int value = -1;
    const char* begin = text.data() + at;
    const auto [end, error] = std::from_chars(begin, begin + bytes, value);
    return error == std::errc() && end == begin + bytes ? value : -1;
  };
  const size_t month = kMonths.find(text.substr(8, 3));
  tm parts = {};
  parts.tm_mday = number(5, 2);
  parts.tm_mon = static_cast<int>(month / 3);
  parts.tm_year = number(12, 4) - 1900;
  parts.tm_hour = number(17, 2);
  parts.tm_min = number(20, 2);
  parts.tm_sec = number(23, 2);
  if (month == std::string_view::npos || month % 3 != 0 || parts.tm_mday < 1 ||
      parts.tm_mday > 31 || parts.tm_hour < 0 || parts.tm_min < 0 || parts.tm_sec < 0 ||
      parts.tm_year < 0)
    return std::nullopt;
  const int64_t seconds = timegm(&parts);
  const net::HttpDate again = net::format_http_date(seconds);
  if (std::string_view(again.data(), again.size()) != text) return std::nullopt;
  return seconds;
}

bool is_fresh(std::span<const net::Header> request, const AssetFacts& facts) {
  const std::string_view none_match = header_value(request, "if-none-match");
  // RFC 9110 13.1.3: If-Modified-Since means nothing beside it.
  if (!none_match.empty()) return names_etag(none_match, facts.etag);
  const auto since = parse_date(header_value(request, "if-modified-since"));
  return since && facts.modified_s <= *since;
}

struct Range {
  uint64_t begin = 0, end = 0;
  bool satisfiable = true;
};

// One range; nullopt: the whole (none, several, or not understood: RFC 9110 14.2 lets us).
std::optional<Range> read_range(std::string_view text, uint64_t size) {
  if (text.size() < 7 || !equals_ignore_case(text.substr(0, 6), "bytes=")) return std::nullopt;
  text = net::trim_whitespace(text.substr(6));
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos || text.find(',') != std::string_view::npos)
    return std::nullopt;
  const auto number = [](std::string_view digits) -> std::optional<uint64_t> {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
      return std::nullopt;
    return value;
  };
  const auto first = number(text.substr(0, dash));
  const auto last = number(text.substr(dash + 1));
  if (dash == 0) {
    if (!last) return std::nullopt;
    if (*last == 0 || size == 0) return Range{0, 0, false};
    return Range{size - std::min(*last, size), size};
  }
  if (!first || (dash + 1 < text.size() && !last)) return std::nullopt;
  if (last && *last < *first) return std::nullopt;
  if (*first >= size) return Range{0, 0, false};
  return Range{*first, last ? std::min(*last, size - 1) + 1 : size};
}

// RFC 9110 13.1.5: a range is of what the client has begun to fetch, or not at all.
bool range_holds(std::span<const net::Header> request, const AssetFacts& facts) {
  const std::string_view condition = header_value(request, "if-range");
  return condition.empty() || condition == facts.etag || condition == facts.last_modified;
}

// What _headers says of this path, over what is there already.
void apply_rules(const AssetContext& context, AssetReply& reply) {
  std::vector<std::string_view> set;
  Captures host_captures, captures;
  for (const SiteHeaderRule& rule : context.rules.settings().headers) {
    host_captures.values.clear();
    if (!rule.host.empty() && !match_pattern(rule.host, context.host, "/.", host_captures))
      continue;
    if (!match_pattern(rule.path, context.path, "/", captures)) continue;
    captures.values.insert(captures.values.end(), host_captures.values.begin(),
                           host_captures.values.end());
    for (const SiteHeaderRule::Change& change : rule.changes) {
      if (!change.remove) continue;
      std::erase_if(reply.headers, [&](const net::Header& header) {
        return equals_ignore_case(header.name, change.name);
      });
    }
    for (const SiteHeaderRule::Change& change : rule.changes) {
      if (change.remove) continue;
      reply.texts.push_back(std::make_unique<std::string>(substitute(change.value, captures)));
      const bool again = std::ranges::any_of(
          set, [&](std::string_view name) { return equals_ignore_case(name, change.name); });
      if (!again) {
        std::erase_if(reply.headers, [&](const net::Header& header) {
          return equals_ignore_case(header.name, change.name);
        });
        set.push_back(change.name);
      }
      reply.headers.push_back({change.name, *reply.texts.back()});
    }
  }
}

}  // namespace

bool accepts_coding(std::string_view accept_encoding, std::string_view coding) {
  while (!accept_encoding.empty()) {
    const size_t comma = std::min(accept_encoding.find(','), accept_encoding.size());
    const std::string_view one = accept_encoding.substr(0, comma);
    const size_t semicolon = one.find(';');
    if (equals_ignore_case(net::trim_whitespace(one.substr(0, semicolon)), coding)) {
      if (semicolon == std::string_view::npos) return true;
      const std::string weight = ascii_lower(net::trim_whitespace(one.substr(semicolon + 1)));
      return weight.starts_with("q=") && weight.find_first_of("123456789") != std::string::npos;
    }
    accept_encoding.remove_prefix(std::min(comma + 1, accept_encoding.size()));
  }
  return false;
}

AssetReply reply_with_file(const AssetContext& context, const AssetFacts& facts, int status,
                           std::string_view type, std::string_view coding, bool varies) {
  AssetReply reply;
  reply.status = status;
  reply.end = facts.size;
  const std::string_view range_text = header_value(context.request, "range");
  reply.headers.reserve(8);
  reply.headers.push_back({"Content-Type", type});
  reply.headers.push_back({"ETag", facts.etag});
  reply.headers.push_back({"Last-Modified", facts.last_modified});
  if (range_text.empty() && header_value(context.request, "authorization").empty())
    reply.headers.push_back({"Cache-Control", "public, max-age=0, must-revalidate"});
  reply.headers.push_back({"CF-Cache-Status", "HIT"});
  if (!coding.empty()) reply.headers.push_back({"Content-Encoding", coding});
  if (varies) reply.headers.push_back({"Vary", "Accept-Encoding"});
  if (status == 200 && is_fresh(context.request, facts)) {
    reply.status = 304;
    // RFC 9110 15.4.5: what a 200 would have said of the content itself is not said again.
    std::erase_if(reply.headers, [](const net::Header& header) {
      return header.name == "Content-Type" || header.name == "Content-Encoding";
    });
  } else {
    reply.body = context.method != "HEAD";
    if (status == 200) reply.headers.push_back({"Accept-Ranges", "bytes"});
    const auto range = status == 200 && context.method == "GET" && !range_text.empty() &&
                               range_holds(context.request, facts)
                           ? read_range(range_text, facts.size)
                           : std::nullopt;
    if (range && !range->satisfiable) {
      reply.status = 416;
      reply.body = false;
      reply.end = 0;
      reply.texts.push_back(std::make_unique<std::string>(fmt::format("bytes */{}", facts.size)));
      reply.headers.push_back({"Content-Range", *reply.texts.back()});
    } else if (range) {
      reply.status = 206;
      reply.begin = range->begin;
      reply.end = range->end;
      reply.texts.push_back(std::make_unique<std::string>(
          fmt::format("bytes {}-{}/{}", range->begin, range->end - 1, facts.size)));
      reply.headers.push_back({"Content-Range", *reply.texts.back()});
    }
  }
  apply_rules(context, reply);
  return reply;
}

AssetReply reply_without_file(const AssetContext& context, const SiteAnswer& answer) {
  AssetReply reply;
  reply.status = answer.status;
  if (answer.kind == SiteAnswer::Kind::redirect) {
    reply.texts.push_back(std::make_unique<std::string>(answer.location));
    reply.headers.push_back({"Location", *reply.texts.back()});
  } else if (answer.kind == SiteAnswer::Kind::not_allowed) {
    reply.headers.push_back({"Allow", "GET, HEAD"});
  }
  apply_rules(context, reply);
  return reply;
}

}  // namespace skep::bindings
