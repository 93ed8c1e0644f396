#include "isolate/source_map.h"

#include <gtest/gtest.h>

namespace skep::isolate {
namespace {

// What esbuild made of two small files: "AAAA" is column 0 to 1:1 of the first source, "CACA" five
// fields on.
constexpr const char* kMap = R"({"version":3,"sourceRoot":"src","sources":["a.ts","b.ts"],
  "sourcesContent":["one\ntwo\r\nthree",null],"names":["x"],"mappings":"AAAA,IAAIA;;ACCJ,IADA"})";

TEST(SourceMap, finds_the_segment_at_or_before) {
  auto map = SourceMap::parse(kMap);
  ASSERT_TRUE(map) << map.error().message;
  auto at = map->find(1, 1);
  ASSERT_TRUE(at);
  EXPECT_EQ(at->source, "src/a.ts");
  EXPECT_EQ(at->line, 1u);
  EXPECT_EQ(at->column, 1u);
  at = map->find(1, 100);
  ASSERT_TRUE(at);
  EXPECT_EQ(at->column, 5u);
  EXPECT_FALSE(map->find(2, 1));
  at = map->find(3, 1);
  ASSERT_TRUE(at);
  EXPECT_EQ(at->source, "src/b.ts");
  EXPECT_EQ(at->line, 2u);
  EXPECT_FALSE(map->find(0, 1));
  EXPECT_FALSE(map->find(9, 1));
}

TEST(SourceMap, gives_lines_of_the_source) {
  auto map = SourceMap::parse(kMap);
  ASSERT_TRUE(map);
  EXPECT_EQ(map->source_line(0, 2), "two");
  EXPECT_EQ(map->source_line(0, 3), "three");
  EXPECT_EQ(map->source_line(0, 4), "");
  EXPECT_EQ(map->source_line(1, 1), "");
  EXPECT_EQ(map->source_line(7, 1), "");
}

TEST(SourceMap, refuses_what_is_broken) {
  for (const char* json : {
           "",
           "[]",
           "{",
           R"({"version":2,"sources":[],"mappings":""})",
           R"({"version":3,"mappings":""})",
           R"({"version":3,"sources":["a"],"mappings":"A!"})",
           R"({"version":3,"sources":["a"],"mappings":"AA"})",
           R"({"version":3,"sources":["a"],"mappings":"AAAAAA"})",
           R"({"version":3,"sources":["a"],"mappings":"ACAA"})",  // no second source
           R"({"version":3,"sources":["a"],"mappings":"ADAA"})",  // source -1
           R"({"version":3,"sources":["a"],"mappings":"g"})",     // cut
           R"({"version":3,"sources":["a"],"mappings":"gggggggggA"})",
       }) {
    EXPECT_FALSE(SourceMap::parse(json)) << json;
  }
}

TEST(SourceMap, names_sources_as_people_do) {
  EXPECT_EQ(mapped_file("index.js", "index.ts"), "index.ts");
  EXPECT_EQ(mapped_file("dist/a/index.js", "../../src/./x.ts"), "src/x.ts");
  EXPECT_EQ(mapped_file("index.js", "../x.ts"), "../x.ts");
  EXPECT_EQ(mapped_file("a/index.js", "webpack://p/x.ts"), "webpack://p/x.ts");
  EXPECT_EQ(mapped_file("a/index.js", "/x.ts"), "/x.ts");
}

}  // namespace
}  // namespace skep::isolate
