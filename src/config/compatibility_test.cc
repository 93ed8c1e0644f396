#include "config/compatibility.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace skep::config {
namespace {

bool on(std::string_view flag, std::string_view date, std::vector<std::string> flags = {}) {
  const auto enabled = enabled_flags(date, flags);
  return std::ranges::binary_search(enabled, flag);
}

TEST(Compatibility, Dates) {
  EXPECT_TRUE(check_compatibility_date("2021-11-02"));
  EXPECT_TRUE(check_compatibility_date("2024-02-29"));
  EXPECT_TRUE(check_compatibility_date(kNewestCompatibilityDate));
  for (const char* bad : {"", "2024-1-1", "2023-02-29", "2024-13-01", "2024-00-10", "2024-04-31",
                          "yesterday", "2024/01/01", "20240101", "2024-01-0x"}) {
    EXPECT_FALSE(check_compatibility_date(bad)) << bad;
  }
  const auto future = check_compatibility_date("2999-01-01");
  ASSERT_FALSE(future);
  EXPECT_EQ(future.error().message,
            "This Worker requires compatibility date \"2999-01-01\", but the newest date supported "
            "by this "
            "server binary is \"" +
                std::string(kNewestCompatibilityDate) + "\".");
}

TEST(Compatibility, FlagNames) {
  EXPECT_TRUE(check_compatibility_flag("nodejs_compat"));
  EXPECT_TRUE(check_compatibility_flag("no_nodejs_compat"));
  EXPECT_TRUE(check_compatibility_flag("experimental"));
  const auto typo = check_compatibility_flag("node_js_compat");
  ASSERT_FALSE(typo);
  EXPECT_EQ(typo.error().message,
            "No such compatibility flag: node_js_compat; did you mean \"nodejs_compat\"?");
  EXPECT_FALSE(check_compatibility_flag(""));
}

TEST(Compatibility, OnByDate) {
  EXPECT_FALSE(on("rpc", "2024-04-02"));
  EXPECT_TRUE(on("rpc", "2024-04-03"));
  EXPECT_TRUE(on("formdata_parser_supports_files", "2021-11-03"));
  EXPECT_FALSE(on("formdata_parser_supports_files", ""));
  EXPECT_FALSE(on("global_fetch_strictly_public", kNewestCompatibilityDate));
  EXPECT_FALSE(on("experimental", kNewestCompatibilityDate));
}

TEST(Compatibility, OnAndOffByName) {
  EXPECT_TRUE(on("rpc", "2022-01-01", {"rpc"}));
  EXPECT_FALSE(on("rpc", "2025-01-01", {"no_rpc"}));
  EXPECT_TRUE(on("export_commonjs_default", "2023-01-01"));
  EXPECT_FALSE(on("export_commonjs_default", "2023-01-01", {"export_commonjs_namespace"}));
}

TEST(Compatibility, SomeFollowFromNodejsCompat) {
  EXPECT_FALSE(on("nodejs_compat_v2", "2024-09-23"));
  EXPECT_TRUE(on("nodejs_compat_v2", "2024-09-23", {"nodejs_compat"}));
  EXPECT_FALSE(on("nodejs_compat_v2", "2024-09-22", {"nodejs_compat"}));
  EXPECT_FALSE(on("nodejs_compat_v2", "2024-09-23", {"nodejs_compat", "no_nodejs_compat_v2"}));
  // Two steps: nodejs_compat -> enable_nodejs_http_modules -> the server's.
  EXPECT_TRUE(on("enable_nodejs_http_server_modules", "2025-09-01", {"nodejs_compat"}));
  EXPECT_FALSE(on("enable_nodejs_http_server_modules", "2025-09-01"));
  EXPECT_TRUE(on("nodejs_compat_populate_process_env", "2026-08-04"));
  EXPECT_FALSE(on("nodejs_compat_populate_process_env", "2026-08-04", {"no_nodejs_compat"}));
}

TEST(Compatibility, TheTableIsSound) {
  std::set<std::string_view> names;
  for (const CompatibilityFlag& flag : compatibility_flags()) {
    EXPECT_TRUE(names.insert(flag.name).second) << flag.name;
    if (!flag.disable_name.empty()) {
      EXPECT_TRUE(names.insert(flag.disable_name).second) << flag.name;
    }
  }
  for (const CompatibilityFlag& flag : compatibility_flags()) {
    EXPECT_EQ(flag.implied_from.empty(), flag.implied_by[0].empty()) << flag.name;
    for (const std::string_view other : flag.implied_by) {
      if (!other.empty()) EXPECT_TRUE(names.contains(other)) << flag.name;
    }
  }
}

}  // namespace
}  // namespace skep::config
