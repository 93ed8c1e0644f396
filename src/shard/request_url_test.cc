#include "shard/request_url.h"

#include <ada.h>
#include <gtest/gtest.h>

#include <string>

namespace skep::shard {
namespace {

struct Case {
  bool secure;
  const char* host;
  const char* target;
  const char* href;  // null: refused
  const char* route_host = nullptr;
  const char* route_path = nullptr;
};

TEST(RequestUrl, SerialisesAsTheUrlStandard) {
  const Case cases[] = {
      {false, "example.com", "/", "http://example.com/", "example.com", "/"},
      {false, "example.com", "/a/b?c=d&e=%20f", "http://example.com/a/b?c=d&e=%20f", "example.com",
       "/a/b"},
      {true, "example.com:443", "/", "https://example.com/", "example.com", "/"},
      {false, "example.com:80", "/", "http://example.com/", "example.com", "/"},
      {false, "example.com:8787", "/x", "http://example.com:8787/x", "example.com", "/x"},
      {false, "127.0.0.1:8787", "/x", "http://127.0.0.1:8787/x", "127.0.0.1", "/x"},
      {false, "127.1", "/x", "http://127.0.0.1/x", "127.0.0.1", "/x"},
      {false, "EXAMPLE.com", "/A", "http://example.com/A", "example.com", "/A"},
      {false, "[::1]:8787", "/", "http://[::1]:8787/", "[::1]", "/"},
      {false, "example.com", "/a/../b/./c", "http://example.com/b/c", "example.com", "/b/c"},
      {false, "example.com", "/a/%2e%2e/b", "http://example.com/b", "example.com", "/b"},
      {false, "example.com", "/x.js", "http://example.com/x.js", "example.com", "/x.js"},
      {false, "example.com", "/.well-known/x", "http://example.com/.well-known/x", "example.com",
       "/.well-known/x"},
      {false, "example.com", "/caf\xc3\xa9", "http://example.com/caf%C3%A9", "example.com",
       "/caf%C3%A9"},
      {false, "example.com", "/?q='x'", "http://example.com/?q=%27x%27", "example.com", "/"},
      {false, "example.com", "//evil.com/", "http://example.com//evil.com/", "example.com",
       "//evil.com/"},
      {false, "example.com", "*", "http://example.com/", "example.com", "/"},
      {false, "ignored.com", "http://example.com/p?q", "http://example.com/p?q", "example.com",
       "/p"},
      {false, "user@example.com", "/", nullptr},
      {false, "", "/", nullptr},
      {false, "exa mple.com", "/", nullptr},
      {false, "example.com/x", "/", nullptr},
      {false, "example.com:99999", "/", nullptr},
      {false, "ignored.com", "ftp://example.com/", nullptr},
  };
  for (const Case& c : cases) {
    RequestUrl url;
    url.assign(c.secure, c.host, c.target);
    EXPECT_EQ(url.valid, c.href != nullptr) << c.host << c.target;
    if (!url.valid || c.href == nullptr) continue;
    EXPECT_EQ(url.href, c.href);
    EXPECT_EQ(url.host, c.route_host) << url.href;
    EXPECT_EQ(url.path, c.route_path) << url.href;
  }
}

// Whatever the fast path accepts must be what the parser makes of it.
TEST(RequestUrl, FastPathAgreesWithTheParser) {
  const std::string alphabet = "/a.?%2eE~'\"@:\\ #<^|[]{}`;=&+x\x80\xc3";
  const char* hosts[] = {"a.b",   "a-b.c:81", "1.2.3.4", "0.0.0.0:1", "a.1",
                         "xn--a", "A.b",      "a..b",    "a.b:080"};
  uint64_t state = 42;
  for (int i = 0; i < 20'000; i++) {
    std::string target = "/";
    for (int n = 0; n < 8; n++) {
      state = state * 6364136223846793005ull + 1442695040888963407ull;
      target += alphabet[(state >> 33) % alphabet.size()];
    }
    const char* host = hosts[(state >> 20) % std::size(hosts)];
    RequestUrl url;
    url.assign(false, host, target);
    auto parsed = ada::parse<ada::url_aggregator>("http://" + std::string(host) + target);
    if (!parsed) {
      EXPECT_FALSE(url.valid) << host << target;
      continue;
    }
    parsed->set_hash("");
    if (!url.valid) continue;  // refused: credentials and the like
    EXPECT_EQ(url.href, parsed->get_href());
    EXPECT_EQ(url.host, parsed->get_hostname());
    EXPECT_EQ(url.path, parsed->get_pathname());
  }
}

}  // namespace
}  // namespace skep::shard
