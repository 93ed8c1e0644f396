#include "config/edge.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "config/skep_toml.h"

namespace skep::config {
namespace {

constexpr std::string_view kListen = "[[listen]]\naddress = \"127.0.0.1:8080\"\n";

std::string messages(std::string_view top, std::string_view rest = kListen) {
  std::string out;
  const auto text = fmt::format("{}\n{}", top, rest);
  for (const Diagnostic& d : parse_serve_config(text, "/etc/skep/skep.toml").diagnostics)
    out += fmt::format("{}: {}\n", d.at.line, d.message);
  return out;
}

TEST(Edge, ReadsEverything) {
  const auto loaded = parse_serve_config(R"(
trusted_proxies = ["10.0.0.0/8", "fd00::/8", "unix"]
forwarded_header = "forwarded"
colo = "FRA1"
admin = "unix:run/admin.sock"
[access_log]
format = "json"
path = "log/access.log"
[[listen]]
address = "127.0.0.1:8080"
proxy_protocol = true
[[worker]]
path = "a.js"
name = "a"
compress = false
)",
                                         "/etc/skep/skep.toml");
  EXPECT_EQ(format_diagnostics(loaded.diagnostics), "");
  const EdgeConfig& edge = loaded.config.edge;
  EXPECT_EQ(edge.trusted_proxies, (std::vector<std::string>{"10.0.0.0/8", "fd00::/8", "unix"}));
  EXPECT_TRUE(edge.forwarded);
  EXPECT_EQ(edge.colo, "FRA1");
  EXPECT_EQ(edge.admin_path, "/etc/skep/run/admin.sock");
  EXPECT_EQ(edge.access_log.format, AccessFormat::json);
  EXPECT_EQ(edge.access_log.path, "/etc/skep/log/access.log");
  EXPECT_TRUE(loaded.config.listeners[0].proxy_protocol);
  EXPECT_FALSE(loaded.config.workers[0].compress);
}

TEST(Edge, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(messages("trusted_proxies = [\"unix\",\n\"10.0.0.1/8\"]"),
            "2: \"10.0.0.1/8\" has bits set beyond its prefix\n");
  EXPECT_NE(messages("forwarded_header = \"x\"").find("1: \"forwarded_header\""),
            std::string::npos);
  EXPECT_NE(messages("colo = \"frankfurt\"").find("1: \"colo\""), std::string::npos);
  EXPECT_NE(messages("admin = \"127.0.0.1:9\"").find("1: \"admin\""), std::string::npos);
  EXPECT_NE(messages("[access_log]\nformat = \"xml\"").find("2: \"access_log.format\""),
            std::string::npos);
  EXPECT_NE(messages("[access_log]\nformat = \"json\"").find("needs a \"path\""),
            std::string::npos);
  EXPECT_NE(messages("", "[[listen]]\naddress = \"127.0.0.1:80\"\nproxy_protocol = true\n")
                .find("4: \"proxy_protocol\" needs trusted_proxies"),
            std::string::npos);
}

}  // namespace
}  // namespace skep::config
