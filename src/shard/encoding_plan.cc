#include "shard/encoding_plan.h"

#include <algorithm>

#include "base/limits_edge.h"
#include "net/headers.h"

namespace skep::shard {
namespace {

using net::equals_ignore_case;

// What is written of response headers decides: a digest of the bytes, a part of them, or the wish
// that nobody touches them.
bool may_be_changed(std::span<const net::Header> headers) {
  for (const net::Header& header : headers) {
    for (const std::string_view name : {"content-range", "content-digest", "repr-digest", "digest",
                                        "content-md5", "content-encoding"}) {
      if (equals_ignore_case(header.name, name)) return false;
    }
    if (equals_ignore_case(header.name, "cache-control") &&
        net::list_has_token(header.value, "no-transform"))
      return false;
  }
  return true;
}

bool ends_ignoring_case(std::string_view text, std::string_view end) {
  return text.size() >= end.size() &&
         equals_ignore_case(text.substr(text.size() - end.size()), end);
}

// Types whose bytes are text, or as compressible.
bool is_textual(std::string_view type) {
  type = net::trim_whitespace(type.substr(0, type.find(';')));
  if (type.size() > 5 && equals_ignore_case(type.substr(0, 5), "text/")) return true;
  if (ends_ignoring_case(type, "+json") || ends_ignoring_case(type, "+xml")) return true;
  for (const std::string_view name :
       {"application/json", "application/javascript", "application/x-javascript",
        "application/ecmascript", "application/xml", "application/wasm", "application/ld+json",
        "application/x-ndjson", "application/graphql", "application/sql", "font/ttf", "font/otf",
        "application/vnd.ms-fontobject"}) {
    if (equals_ignore_case(type, name)) return true;
  }
  return false;
}

bool has_encodable_status(int status) {
  return status >= 200 && status != 204 && status != 205 && status != 206 && status != 304;
}

// qvalue of RFC 9110 12.4.2 in thousandths; 0 also for what is none.
int quality(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1') || text.size() > 5) return 0;
  int value = (text[0] - '0') * 1000, unit = 100;
  if (text.size() > 1 && text[1] != '.') return 0;
  for (size_t i = 2; i < text.size(); i++, unit /= 10) {
    if (text[i] < '0' || text[i] > '9') return 0;
    value += (text[i] - '0') * unit;
  }
  return value <= 1000 ? value : 0;
}

struct Choice {
  std::string_view name;
  net::Coding coding;
  int quality = -1;  // not named
};

// One element of Accept-Encoding: "gzip;q=0.5".
void read_choice(std::string_view element, std::span<Choice> choices, int& any) {
  const size_t semicolon = element.find(';');
  const std::string_view name = net::trim_whitespace(element.substr(0, semicolon));
  int q = 1000;
  if (semicolon != std::string_view::npos) {
    const std::string_view weight = net::trim_whitespace(element.substr(semicolon + 1));
    q = weight.size() > 2 && (weight[0] | 0x20) == 'q' && weight[1] == '='
            ? quality(weight.substr(2))
            : 0;
  }
  if (name == "*") any = q;
  for (Choice& choice : choices) {
    if (equals_ignore_case(name, choice.name)) choice.quality = q;
  }
}

}  // namespace

net::Coding choose_coding(std::string_view accept_encoding) {
  // In the order of our own preference.
  Choice choices[] = {
      {"br", net::Coding::brotli}, {"zstd", net::Coding::zstd}, {"gzip", net::Coding::gzip}};
  int any = 0;
  while (!accept_encoding.empty()) {
    const size_t comma = std::min(accept_encoding.find(','), accept_encoding.size());
    read_choice(accept_encoding.substr(0, comma), choices, any);
    accept_encoding.remove_prefix(std::min(comma + 1, accept_encoding.size()));
  }
  net::Coding best = net::Coding::identity;
  int best_quality = 0;
  for (const Choice& choice : choices) {
    const int q = choice.quality < 0 ? any : choice.quality;
    if (q > best_quality) {
      best = choice.coding;
      best_quality = q;
    }
  }
  return best;
}

EncodingPlan plan_encoding(const net::RequestHead& request, const net::ResponseHead& response,
                           std::optional<uint64_t> body_bytes, bool compress) {
  EncodingPlan plan;
  const bool empty = body_bytes && *body_bytes == 0;
  if (response.encode_body && !empty && request.method != "HEAD" && response.status >= 200) {
    const auto named = net::coding_named(net::header_value(response.headers, "content-encoding"));
    if (named && *named != net::Coding::identity) return {*named, true, false};
  }
  if (!compress || (body_bytes && *body_bytes < limits::kCompressLeastBytes)) return plan;
  if (!has_encodable_status(response.status) ||
      !is_textual(net::header_value(response.headers, "content-type")) ||
      !may_be_changed(response.headers))
    return plan;
  plan.varies = true;
  if (request.method == "HEAD") return plan;
  // A client may repeat the header; the list is one (RFC 9110 5.3).
  std::string accepted;
  for (const net::Header& header : request.headers) {
    if (!equals_ignore_case(header.name, "accept-encoding")) continue;
    if (!accepted.empty()) accepted += ',';
    accepted += header.value;
  }
  plan.coding = choose_coding(accepted);
  return plan;
}

EncodedHead::EncodedHead(const net::ResponseHead& from, const EncodingPlan& plan) : head_(from) {
  const bool encoded = plan.coding != net::Coding::identity;
  bool told = !plan.varies;
  headers_.reserve(from.headers.size() + 2);
  for (net::Header header : from.headers) {
    if (encoded && equals_ignore_case(header.name, "content-encoding")) continue;
    // Ranges of the compressed bytes are not to be had.
    if (encoded && equals_ignore_case(header.name, "accept-ranges")) continue;
    if (!told && equals_ignore_case(header.name, "vary")) {
      told = true;
      if (header.value != "*" && !net::list_has_token(header.value, "accept-encoding")) {
        vary_.assign(header.value).append(", Accept-Encoding");
        header.value = vary_;
      }
    }
    // RFC 9110 8.8.1: a strong one stands for the very bytes.
    if (encoded && equals_ignore_case(header.name, "etag") && header.value.starts_with('"')) {
      etag_.assign("W/").append(header.value);
      header.value = etag_;
    }
    headers_.push_back(header);
  }
  if (encoded) headers_.push_back({"Content-Encoding", net::coding_name(plan.coding)});
  if (!told) headers_.push_back({"Vary", "Accept-Encoding"});
  head_.headers = headers_;
  head_.encode_body = false;
  if (encoded) head_.content_length.reset();
}

}  // namespace skep::shard
