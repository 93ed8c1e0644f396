#include "net/headers.h"

#include <gtest/gtest.h>

namespace skep::net {
namespace {

TEST(Headers, ComparesAsciiCaseOnly) {
  EXPECT_TRUE(equals_ignore_case("Content-Length", "content-lengtH"));
  EXPECT_FALSE(equals_ignore_case("a", "ab"));
  EXPECT_FALSE(equals_ignore_case("@", "`"));  // differ in the bit that makes case
  EXPECT_FALSE(equals_ignore_case("[", "{"));
  EXPECT_FALSE(equals_ignore_case("\xc0", "\xe0"));
  EXPECT_TRUE(equals_ignore_case("", ""));
}

TEST(Headers, Lookup) {
  const Header headers[] = {{"A", "1"}, {"b", "2"}, {"a", "3"}};
  EXPECT_EQ(find_header(headers, "a")->value, "1");
  EXPECT_EQ(header_value(headers, "B"), "2");
  EXPECT_EQ(find_header(headers, "c"), nullptr);
  EXPECT_EQ(header_value(headers, "c"), "");
  EXPECT_EQ(count_headers(headers, "A"), 2u);
}

TEST(Headers, ListTokens) {
  EXPECT_TRUE(list_has_token("keep-alive, Upgrade", "upgrade"));
  EXPECT_TRUE(list_has_token("\tclose ,", "close"));
  EXPECT_FALSE(list_has_token("closed", "close"));
  EXPECT_FALSE(list_has_token("", "close"));
  EXPECT_FALSE(list_has_token("a close", "close"));
}

TEST(Headers, Tokens) {
  EXPECT_TRUE(is_token("X-a_b.c~!#$%&'*+^`|9"));
  for (const char* bad :
       {"", "a b", "a:", "a\t", "(a)", "a\x7f", "\xc3\xa9", "a/b", "\"a\"", "a,b"})
    EXPECT_FALSE(is_token(bad)) << bad;
  EXPECT_FALSE(is_token(std::string_view("a\0", 2)));
}

TEST(Headers, FieldValues) {
  EXPECT_TRUE(is_field_value(""));
  EXPECT_TRUE(is_field_value("a b\t\xff~"));
  for (int c = 0; c < 0x20; c++) {
    const char text[] = {'a', static_cast<char>(c), 'b'};
    EXPECT_EQ(is_field_value({text, 3}), c == '\t') << c;
  }
  EXPECT_FALSE(is_field_value("\x7f"));
  EXPECT_TRUE(is_sendable_value("\x01 \x7f\xff\t"));
  for (const char c : {'\0', '\r', '\n'}) {
    const char text[3] = {'a', c, 'b'};
    EXPECT_FALSE(is_sendable_value({text, 3})) << static_cast<int>(c);
  }
}

TEST(Headers, Phrases) {
  EXPECT_EQ(status_phrase(200), "OK");
  EXPECT_EQ(status_phrase(413), "Content Too Large");
  EXPECT_EQ(status_phrase(100), "Continue");
  EXPECT_EQ(status_phrase(511), "Network Authentication Required");
  for (const int none : {0, 99, 299, 512, 1000, -1}) EXPECT_EQ(status_phrase(none), "");
}

}  // namespace
}  // namespace skep::net
