// A request's path and headers against a small site. The input: header bytes, NUL, the path.
#include "base/assert.h"
#include "bindings/assets/reply.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skep::bindings;
  static const std::string bytes =
      write_manifest({"404.html", "a b.txt", "a/index.html", "index.html", "x.html"});
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t nul = std::min(text.find('\0'), text.size());
  const std::string path = "/" + std::string(nul < text.size() ? text.substr(nul + 1) : "");
  SiteSettings settings;
  settings.html = static_cast<HtmlHandling>(data[0] % 4);
  settings.not_found = static_cast<NotFoundHandling>(data[0] / 4 % 3);
  settings.has_worker = (data[0] & 64) != 0;
  settings.worker_first_rules = {"/w/*x*"};
  settings.headers = {{"", "/*:a-:b", {{"X", ":a:b:splat", false}}}};
  settings.redirects = {{"/s", "/t", 302, false}, {"/:a/:b/*", "/:splat:a", 301, true}};
  const SiteRules rules(std::move(settings), *AssetManifest::read(bytes));
  const SiteAnswer answer = rules.route({"GET", path, "?q", (data[0] & 128) != 0});
  const std::string_view header = text.substr(0, nul);
  const skep::net::Header headers[] = {{"range", header},
                                       {"if-none-match", header},
                                       {"if-modified-since", header},
                                       {"if-range", header}};
  const size_t first = data[0] % 4;
  const AssetContext context{rules, "GET", "h", path, std::span(headers).subspan(first)};
  if (answer.kind == SiteAnswer::Kind::redirect)
    SKEP_ASSERT(answer.location.starts_with('/') && !answer.location.starts_with("//"));
  if (answer.kind != SiteAnswer::Kind::file) {
    (void)reply_without_file(context, answer);
    return 0;
  }
  SKEP_ASSERT(answer.index < rules.manifest().size());
  const AssetFacts facts{"\"t\"", "Sun, 06 Nov 1994 08:49:37 GMT", 784111777, 10};
  const AssetReply reply = reply_with_file(context, facts, answer.status, "t", "", false);
  SKEP_ASSERT(reply.begin <= reply.end && reply.end <= facts.size);
  return 0;
}
