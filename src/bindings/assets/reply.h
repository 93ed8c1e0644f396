// What is said of one file of a site: status, headers, which of its bytes. Conditional requests and
// ranges are RFC 9110's (13, 14). Pure; in the shard.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/assets/site_rules.h"
#include "net/http.h"

namespace skep::bindings {

// What is known of a file once it was opened.
struct AssetFacts {
  std::string etag;           // with its quotes
  std::string last_modified;  // an HTTP date
  int64_t modified_s = 0;
  uint64_t size = 0;
};

struct AssetReply {
  int status = 200;
  std::vector<net::Header> headers;  // views of `texts`, of the facts and of the site
  uint64_t begin = 0, end = 0;       // of the file's bytes; the body's where `body`
  bool body = false;
  std::vector<std::unique_ptr<std::string>> texts;
};

struct AssetContext {
  const SiteRules& rules;
  std::string_view method, host, path;
  std::span<const net::Header> request;
};

// The reply of a file, of `status` 200 or 404. type: its content type; coding: its content coding,
// "" where it has none; varies: other clients would get another coding.
AssetReply reply_with_file(const AssetContext& context, const AssetFacts& facts, int status,
                           std::string_view type, std::string_view coding, bool varies);
// A reply without a file: redirects, 404, 405.
AssetReply reply_without_file(const AssetContext& context, const SiteAnswer& answer);

// Whether Accept-Encoding names the coding, with a weight that is not 0.
bool accepts_coding(std::string_view accept_encoding, std::string_view coding);

}  // namespace skep::bindings
