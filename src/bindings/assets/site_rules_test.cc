#include "bindings/assets/site_rules.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "bindings/assets/mime.h"
#include "bindings/assets/reply.h"

namespace skep::bindings {
namespace {

class Site {
 public:
  explicit Site(std::vector<std::string> paths, SiteSettings settings = {}) {
    std::ranges::sort(paths);
    bytes_ = write_manifest(paths);
    rules_.emplace(std::move(settings), *AssetManifest::read(bytes_));
  }
  const SiteRules& rules() const { return *rules_; }

  std::string text(const SiteAnswer& answer) const {
    switch (answer.kind) {
      case SiteAnswer::Kind::worker:
        return "worker";
      case SiteAnswer::Kind::file: {
        const std::string path(rules_->manifest().path(answer.index));
        return answer.status == 200 ? path : fmt::format("{} {}", answer.status, path);
      }
      case SiteAnswer::Kind::redirect:
        return fmt::format("{} {}", answer.status, answer.location);
      case SiteAnswer::Kind::none:
        return "404";
      case SiteAnswer::Kind::not_allowed:
        break;
    }
    return "405";
  }
  std::string get(std::string_view path, std::string_view query = "") const {
    return text(rules_->resolve({"GET", path, query, false}));
  }
  std::string route(std::string_view path, bool navigation = false,
                    std::string_view method = "GET") const {
    return text(rules_->route({method, path, "", navigation}));
  }

 private:
  std::string bytes_;
  std::optional<SiteRules> rules_;
};

const std::vector<std::string> kFiles = {"index.html", "file.html",       "folder/index.html",
                                         "both.html",  "both/index.html", "bin",
                                         "404.html",   "folder/404.html", "a b@c.txt"};

SiteSettings with(HtmlHandling html, NotFoundHandling not_found = NotFoundHandling::none) {
  SiteSettings settings;
  settings.html = html;
  settings.not_found = not_found;
  return settings;
}

TEST(SiteRules, auto_trailing_slash) {
  const Site site(kFiles);
  EXPECT_EQ(site.get("/"), "index.html");
  EXPECT_EQ(site.get("/index"), "307 /");
  EXPECT_EQ(site.get("/index.html", "?a=1"), "307 /?a=1");
  EXPECT_EQ(site.get("/file"), "file.html");
  EXPECT_EQ(site.get("/file.html"), "307 /file");
  EXPECT_EQ(site.get("/file/"), "307 /file");
  EXPECT_EQ(site.get("/file/index"), "307 /file");
  EXPECT_EQ(site.get("/file/index.html"), "307 /file");
  EXPECT_EQ(site.get("/folder"), "307 /folder/");
  EXPECT_EQ(site.get("/folder/"), "folder/index.html");
  EXPECT_EQ(site.get("/folder.html"), "307 /folder/");
  EXPECT_EQ(site.get("/folder/index"), "307 /folder/");
  EXPECT_EQ(site.get("/folder/index.html"), "307 /folder/");
  EXPECT_EQ(site.get("/both"), "both.html");
  EXPECT_EQ(site.get("/both/"), "both/index.html");
  EXPECT_EQ(site.get("/both.html"), "307 /both");
  EXPECT_EQ(site.get("/bin"), "bin");
  EXPECT_EQ(site.get("/bin/"), "404");
  EXPECT_EQ(site.get("/none"), "404");
}

TEST(SiteRules, force_trailing_slash) {
  const Site site(kFiles, with(HtmlHandling::force_trailing_slash));
  EXPECT_EQ(site.get("/"), "index.html");
  EXPECT_EQ(site.get("/file"), "307 /file/");
  EXPECT_EQ(site.get("/file/"), "file.html");
  EXPECT_EQ(site.get("/file.html"), "307 /file/");
  EXPECT_EQ(site.get("/folder"), "307 /folder/");
  EXPECT_EQ(site.get("/folder/"), "folder/index.html");
  EXPECT_EQ(site.get("/folder/index.html"), "307 /folder/");
  EXPECT_EQ(site.get("/both/"), "both/index.html");
  EXPECT_EQ(site.get("/both.html"), "both.html");
  EXPECT_EQ(site.get("/bin"), "bin");
}

TEST(SiteRules, drop_trailing_slash) {
  const Site site(kFiles, with(HtmlHandling::drop_trailing_slash));
  EXPECT_EQ(site.get("/"), "index.html");
  EXPECT_EQ(site.get("/index.html"), "307 /");
  EXPECT_EQ(site.get("/file"), "file.html");
  EXPECT_EQ(site.get("/file/"), "307 /file");
  EXPECT_EQ(site.get("/folder"), "folder/index.html");
  EXPECT_EQ(site.get("/folder/"), "307 /folder");
  EXPECT_EQ(site.get("/folder/index.html"), "307 /folder");
  EXPECT_EQ(site.get("/both"), "both.html");
  EXPECT_EQ(site.get("/both/index.html"), "both/index.html");
}

TEST(SiteRules, exact_names_only) {
  const Site site(kFiles, with(HtmlHandling::none));
  EXPECT_EQ(site.get("/"), "404");
  EXPECT_EQ(site.get("/file"), "404");
  EXPECT_EQ(site.get("/file.html"), "file.html");
}

TEST(SiteRules, odd_spellings_lead_to_the_plain_one) {
  const Site site(kFiles);
  EXPECT_EQ(site.get("/a%20b%40c.txt"), "a b@c.txt");
  EXPECT_EQ(site.get("/a%20b@c.txt"), "307 /a%20b%40c.txt");
  EXPECT_EQ(site.get("/%66ile"), "307 /file");
  EXPECT_EQ(site.get("//folder///"), "307 /folder/");
  EXPECT_EQ(decode_path("/a%zz/%ff/%c3%a4"), "/a%zz/%ff/\xc3\xa4");
  EXPECT_EQ(decode_path("/%2f%2Fevil"), "/evil");
}

TEST(SiteRules, not_found_handling) {
  const Site pages(kFiles, with(HtmlHandling::auto_trailing_slash, NotFoundHandling::page_404));
  EXPECT_EQ(pages.get("/x/y/z"), "404 404.html");
  EXPECT_EQ(pages.get("/folder/x"), "404 folder/404.html");
  const Site app(
      kFiles, with(HtmlHandling::auto_trailing_slash, NotFoundHandling::single_page_application));
  EXPECT_EQ(app.get("/x/y/z"), "index.html");
}

TEST(SiteRules, assets_come_first_unless_they_are_told_not_to) {
  SiteSettings settings = with(HtmlHandling::auto_trailing_slash, NotFoundHandling::page_404);
  settings.has_worker = true;
  EXPECT_EQ(Site(kFiles, settings).route("/file"), "file.html");
  EXPECT_EQ(Site(kFiles, settings).route("/file", false, "POST"), "405");
  EXPECT_EQ(Site(kFiles, settings).route("/api/x"), "worker");
  EXPECT_EQ(Site(kFiles, settings).route("/api/x", true), "404 404.html");
  settings.worker_first_rules = {"/folder/*", "!/folder/in*", "/api*x"};
  const Site rules(kFiles, settings);
  EXPECT_EQ(rules.route("/folder/"), "worker");
  EXPECT_EQ(rules.route("/folder/index.html"), "307 /folder/");
  EXPECT_EQ(rules.route("/api/x"), "worker");
  EXPECT_EQ(rules.route("/api/y"), "404 404.html");
  settings.worker_first = true;
  EXPECT_EQ(Site(kFiles, settings).route("/file"), "worker");
}

TEST(SiteRules, redirects) {
  SiteSettings settings;
  settings.redirects = {{"/old", "/new#part", 301, false},
                        {"/rewrite", "/file", 200, false},
                        {"/news/:year/*", "/blog/:year-:splat?x", 302, true},
                        {"/out/*", "/:splat", 302, true},
                        {"/far/:name", "https://x.example/:name", 308, true}};
  const Site site(kFiles, settings);
  EXPECT_EQ(site.get("/old"), "301 /new#part");
  EXPECT_EQ(site.get("/old", "?q"), "301 /new?q#part");
  EXPECT_EQ(site.get("/rewrite"), "file.html");
  EXPECT_EQ(site.get("/news/2026/a/b", "?q"), "302 /blog/2026-a/b?x");
  EXPECT_EQ(site.get("/far/a", "?q"), "308 https://x.example/a?q");
  EXPECT_EQ(site.get("/far/a/b"), "404");
  // What a stranger put into the path must not choose the host.
  EXPECT_EQ(site.get("/out//evil.example"), "302 /evil.example");
  EXPECT_EQ(site.get("/out/\\evil.example"), "302 /evil.example");
}

TEST(Patterns, take_bounded_time) {
  Captures captures;
  std::string pattern = "/";
  for (int i = 0; i < 30; i++) pattern += fmt::format(":p{}-", i);
  const std::string path = "/" + std::string(8000, '-');
  EXPECT_FALSE(match_pattern(pattern + "x", path, "/", captures));
  EXPECT_TRUE(match_pattern("/:a-:b", "/1-2-3", "/", captures));
  EXPECT_EQ(captures.values[0].second, "1-2");
  EXPECT_TRUE(match_stars("/a*b*c", "/axxbxxc"));
  EXPECT_FALSE(match_stars("/a*b*c", "/axxcxxb"));
}

TEST(Manifest, nonsense_is_refused) {
  EXPECT_FALSE(AssetManifest::read(""));
  EXPECT_FALSE(AssetManifest::read(std::string("\xff\xff\xff\xff", 4)));
  std::string bytes = write_manifest({"a", "b"});
  EXPECT_TRUE(AssetManifest::read(bytes));
  bytes.pop_back();
  EXPECT_FALSE(AssetManifest::read(bytes));
  EXPECT_TRUE(AssetManifest::read(write_manifest({})));
}

// "STATUS BEGIN-END Name=value …" of a request for the file "a.txt" of ten bytes.
std::string reply(const std::vector<net::Header>& request, std::string_view method = "GET",
                  SiteSettings settings = {}, int status = 200) {
  const Site site({"a.txt"}, std::move(settings));
  const AssetFacts facts{"\"tag\"", "Sun, 06 Nov 1994 08:49:37 GMT", 784111777, 10};
  const AssetReply reply = reply_with_file({site.rules(), method, "h.example", "/a.txt", request},
                                           facts, status, content_type_of("a.txt"), {}, false);
  std::string out = fmt::format("{}{}", reply.status,
                                reply.body ? fmt::format(" {}-{}", reply.begin, reply.end) : "");
  for (const net::Header& header : reply.headers)
    if (header.name != "ETag" && header.name != "Last-Modified" && header.name != "CF-Cache-Status")
      out += fmt::format(" {}={}", header.name, header.value);
  return out;
}

constexpr std::string_view kWhole =
    "200 0-10 Content-Type=text/plain; charset=utf-8 Cache-Control=public, max-age=0, "
    "must-revalidate Accept-Ranges=bytes";
constexpr std::string_view kFresh = "304 Cache-Control=public, max-age=0, must-revalidate";

TEST(AssetReply, conditions) {
  EXPECT_EQ(reply({}), kWhole);
  EXPECT_EQ(reply({{"If-None-Match", "\"tag\""}}), kFresh);
  EXPECT_EQ(reply({{"if-none-match", "\"other\", W/\"tag\""}}), kFresh);
  EXPECT_EQ(reply({{"If-None-Match", "*"}}), kFresh);
  EXPECT_EQ(reply({{"If-None-Match", "\"other\""}}), kWhole);
  EXPECT_EQ(reply({{"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}}), kFresh);
  EXPECT_EQ(reply({{"If-Modified-Since", "Sun, 06 Nov 1994 08:49:36 GMT"}}), kWhole);
  EXPECT_EQ(reply({{"If-Modified-Since", "nonsense"}}), kWhole);
  EXPECT_EQ(
      reply({{"If-None-Match", "\"x\""}, {"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}}),
      kWhole);
  EXPECT_EQ(reply({}, "HEAD").substr(0, 4), "200 ");
  EXPECT_EQ(reply({}, "GET", {}, 404).find("Accept-Ranges"), std::string::npos);
}

TEST(AssetReply, ranges) {
  const auto range = [](std::string_view text, std::string_view condition = "") {
    std::vector<net::Header> headers = {{"Range", text}};
    if (!condition.empty()) headers.push_back({"If-Range", condition});
    const std::string out = reply(headers);
    const size_t at = out.find(" Content-Range=");
    return out.substr(0, out.find(" Content-Type")) +
           (at == std::string::npos ? "" : out.substr(at + 14));
  };
  EXPECT_EQ(range("bytes=0-3"), "206 0-4=bytes 0-3/10");
  EXPECT_EQ(range("bytes=4-"), "206 4-10=bytes 4-9/10");
  EXPECT_EQ(range("bytes=-3"), "206 7-10=bytes 7-9/10");
  EXPECT_EQ(range("bytes=-99"), "206 0-10=bytes 0-9/10");
  EXPECT_EQ(range("bytes=5-99"), "206 5-10=bytes 5-9/10");
  EXPECT_EQ(range("bytes=10-"), "416=bytes */10");
  EXPECT_EQ(range("bytes=-0"), "416=bytes */10");
  for (const char* whole : {"bytes=3-1", "bytes=x", "bytes=", "bytes=0-1,3-4", "lines=0-1",
                            "bytes=99999999999999999999-"})
    EXPECT_EQ(range(whole), "200 0-10") << whole;
  EXPECT_EQ(range("bytes=0-3", "\"tag\""), "206 0-4=bytes 0-3/10");
  EXPECT_EQ(range("bytes=0-3", "\"old\""), "200 0-10");
  EXPECT_EQ(range("bytes=0-3", "Sun, 06 Nov 1994 08:49:37 GMT"), "206 0-4=bytes 0-3/10");
}

TEST(AssetReply, headers_of_rules) {
  SiteSettings settings;
  settings.headers = {
      {"", "/*", {{"X-A", ":splat", false}, {"Cache-Control", "max-age=9", false}}},
      {"", "/a.:kind", {{"X-A", "of :kind", false}, {"", "", false}}},
      {":who.example", "/*", {{"X-Host", ":who", false}, {"Accept-Ranges", "", true}}},
      {"other.example", "/*", {{"X-Never", "1", false}}}};
  settings.headers[1].changes.pop_back();
  EXPECT_EQ(reply({}, "GET", settings),
            "200 0-10 Content-Type=text/plain; charset=utf-8 X-A=a.txt Cache-Control=max-age=9 "
            "X-A=of txt X-Host=h");
}

TEST(AssetReply, accept_encoding) {
  EXPECT_TRUE(accepts_coding("gzip, br", "br"));
  EXPECT_TRUE(accepts_coding("br;q=0.1", "br"));
  EXPECT_FALSE(accepts_coding("br;q=0, gzip", "br"));
  EXPECT_FALSE(accepts_coding("gzip", "br"));
}

TEST(Mime, by_extension) {
  EXPECT_EQ(content_type_of("a/b.HTML"), "text/html; charset=utf-8");
  EXPECT_EQ(content_type_of("a.tar.gz"), "application/gzip");
  EXPECT_EQ(content_type_of(".well-known"), "application/octet-stream");
  EXPECT_EQ(content_type_of("a.b/none"), "application/octet-stream");
}

}  // namespace
}  // namespace skep::bindings
