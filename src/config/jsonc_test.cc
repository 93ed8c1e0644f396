#include "config/jsonc.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "config/toml.h"

namespace skep::config {
namespace {

std::string round_trip(std::string_view text, JsonDialect dialect = JsonDialect::jsonc) {
  const auto value = parse_json(text, dialect);
  if (value) return to_json(*value);
  return std::to_string(value.error().at.line) + ":" + std::to_string(value.error().at.column) +
         ": " + value.error().message;
}

TEST(Jsonc, ReadsValues) {
  EXPECT_EQ(round_trip("null"), "null");
  EXPECT_EQ(round_trip(" [true,false, -0, 12, 1.5, 1e3, -2E-2] "),
            "[true,false,0,12,1.5,1000,-0.02]");
  EXPECT_EQ(round_trip(R"({"a":{"b":[{}]},"c":""})"), R"({"a":{"b":[{}]},"c":""})");
  EXPECT_EQ(round_trip("9007199254740993"), "9007199254740993");
  EXPECT_EQ(round_trip("\xef\xbb\xbf{}"), "{}");
  EXPECT_EQ(round_trip(R"("\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00")"),
            "\"\\\"\\\\/\\u0008\\u000c\\n\\r\\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
  EXPECT_EQ(round_trip(R"("\ud800x")"), "\"\xef\xbf\xbdx\"");
  EXPECT_EQ(round_trip(R"("\ud800\u0041")"),
            "\"\xef\xbf\xbd"
            "A\"");
}

TEST(Jsonc, CommentsAndTrailingCommas) {
  const char* text = "// top\n{ /* a\n b */ \"a\": [1, 2,], // x\n \"b\": 2,\n}\n// end";
  EXPECT_EQ(round_trip(text), R"({"a":[1,2],"b":2})");
  EXPECT_EQ(round_trip("{} /* open"), "1:4: this comment has no end");
  EXPECT_EQ(round_trip("[1,]", JsonDialect::json), "1:3: JSON has no trailing commas");
  EXPECT_EQ(round_trip("[1] // x", JsonDialect::json), "1:5: JSON has no comments");
}

TEST(Jsonc, RefusesWhatIsWrong) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"", "1:1: the file ends where a value should be"},
      {"{", "1:2: the file ends where a key in double quotes should be"},
      {"[1 2]", "1:4: unexpected \"2\" where \",\" or \"]\" should be"},
      {"[,]", "1:2: unexpected \",\" where a value should be"},
      {"{\"a\" 1}", "1:6: unexpected \"1\" where \":\" should be"},
      {"{a: 1}", "1:2: unexpected \"a\" where a key in double quotes should be"},
      {"{\"a\":1,\n \"a\":2}", "2:2: the key \"a\" stands twice"},
      {"01", "1:2: a number has no leading zeros"},
      {"1.", "1:3: the file ends where a digit should be"},
      {"1e999", "1:1: this number is out of range"},
      {"\"a\nb\"", "1:1: this string does not end on its line"},
      {"\"\\x\"", "1:3: no such escape; a backslash is written \\\\"},
      {"\"\\u12g4\"", "1:6: unexpected \"g\" where a hexadecimal digit should be"},
      {"\"\t\"", "1:2: a control character in a string; write it as an escape (\\t, \\u0001)"},
      {"tru", "1:1: unexpected \"tru\" where a value should be; strings stand in double quotes"},
      {"{} {}", "1:4: something follows the end of the value"},
      {"\x01", "1:1: unexpected byte 0x01 where a value should be"},
  };
  for (const auto& c : cases) EXPECT_EQ(round_trip(c.text), c.error) << c.text;
}

TEST(Jsonc, OfDoubledKeysJsonTakesTheLast) {
  EXPECT_EQ(round_trip(R"({"a":1,"b":2,"a":3})", JsonDialect::json), R"({"a":3,"b":2})");
}

TEST(Jsonc, BoundsDepthAndSize) {
  const size_t depth = static_cast<size_t>(limits::kConfigDepth);
  EXPECT_EQ(round_trip(std::string(depth, '[') + std::string(depth, ']')).size(), 2 * depth);
  EXPECT_NE(round_trip(std::string(depth + 1, '[')).find("levels of nesting"), std::string::npos);
  EXPECT_NE(round_trip(std::string(1'000'000, '[')).find("levels of nesting"), std::string::npos);
  EXPECT_NE(round_trip(std::string(limits::kConfigFileBytes + 1, ' ')).find("larger than"),
            std::string::npos);
}

TEST(Jsonc, KnowsPlaces) {
  const auto value = parse_json("{\n  \"a\": [1,\n    \"x\"]\n}", JsonDialect::jsonc);
  ASSERT_TRUE(value);
  const Value* a = value->find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(value->members[0].key_at.line, 2u);
  EXPECT_EQ(value->members[0].key_at.column, 3u);
  EXPECT_EQ(a->at.column, 8u);
  EXPECT_EQ(a->items[1].at.line, 3u);
  EXPECT_EQ(a->items[1].at.column, 5u);
}

TEST(Toml, ReadsTheSameValues) {
  const auto value = parse_toml(
      "b = 2\na = \"x\"\nd = 2026-08-04\nf = 1.5\n[t]\nk = [1, true]\n[[list]]\nn = 1\n[[list]]\nn "
      "= 2\n");
  ASSERT_TRUE(value);
  EXPECT_EQ(
      to_json(*value),
      R"({"b":2,"a":"x","d":"2026-08-04","f":1.5,"t":{"k":[1,true]},"list":[{"n":1},{"n":2}]})");
  EXPECT_EQ(value->find("a")->at.line, 2u);
  EXPECT_EQ(value->find("a")->at.column, 5u);
  EXPECT_EQ(value->find("list")->items[1].find("n")->at.line, 10u);
}

TEST(Toml, ErrorsHaveAPlace) {
  const auto value = parse_toml("a = 1\nb = [\n");
  ASSERT_FALSE(value);
  EXPECT_GE(value.error().at.line, 2u);
  EXPECT_FALSE(value.error().message.empty());
  EXPECT_FALSE(parse_toml("a = " + std::string(10'000, '[')));
  EXPECT_FALSE(parse_toml("a = " + std::string(100, '[') + std::string(100, ']')));
  EXPECT_FALSE(parse_toml("a = 1\na = 2\n"));
  EXPECT_FALSE(parse_toml("\xd0\x91 q"));
  const auto bad_key = parse_toml("[ = [\"**");
  ASSERT_FALSE(bad_key);
  EXPECT_NE(bad_key.error().message.find("bare key"), std::string::npos) << bad_key.error().message;
}

}  // namespace
}  // namespace skep::config
