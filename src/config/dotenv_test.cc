#include "config/dotenv.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace skep::config {
namespace {

// "NAME=value|NAME=value", or "LINE:COLUMN: message".
std::string parsed(std::string_view text) {
  const auto entries = parse_dotenv(text);
  if (!entries) {
    return std::to_string(entries.error().at.line) + ":" +
           std::to_string(entries.error().at.column) + ": " + entries.error().message;
  }
  std::string out;
  for (const DotenvEntry& entry : *entries)
    out += (out.empty() ? "" : "|") + entry.name + "=" + entry.value;
  return out;
}

TEST(Dotenv, PlainValues) {
  EXPECT_EQ(parsed("A=1\nB = two words  \n\n# comment\nC=\n"), "A=1|B=two words|C=");
  EXPECT_EQ(parsed("A=x#y # comment"), "A=x#y");
  EXPECT_EQ(parsed("A=#nothing"), "A=");
  EXPECT_EQ(parsed("export A=1\r\nexport=2\r\n"), "A=1|export=2");
  EXPECT_EQ(parsed("\xef\xbb\xbf  A.b-c=it's\n"), "A.b-c=it's");
  EXPECT_EQ(parsed("A=1\nB=2\nA=3"), "A=3|B=2");
  EXPECT_EQ(parsed("URL=http://x/?a=b&c=d"), "URL=http://x/?a=b&c=d");
  EXPECT_EQ(parsed(""), "");
}

TEST(Dotenv, QuotedValues) {
  EXPECT_EQ(parsed("A=\"x # y\" # comment\n"), "A=x # y");
  EXPECT_EQ(parsed(R"(A="a\nb\t\"c\" \\ \q")"), "A=a\nb\t\"c\" \\ \\q");
  EXPECT_EQ(parsed("A='a\\nb $X'\nB=`it's \"x\"`"), "A=a\\nb $X|B=it's \"x\"");
  EXPECT_EQ(parsed("KEY=\"-----BEGIN\nabc\r\n-----END\"\nB=1"),
            "KEY=-----BEGIN\nabc\n-----END|B=1");
  EXPECT_EQ(parsed("A=''"), "A=");
}

TEST(Dotenv, Errors) {
  EXPECT_EQ(parsed("A=1\nB"), "2:2: \"=\" is missing");
  EXPECT_EQ(parsed("A=1\n\nB=\"x\n\n"), "3:3: the closing \" is missing");
  EXPECT_EQ(parsed("A=\"x\" y"), "1:7: something follows the closing quote");
  EXPECT_EQ(parsed("=x"),
            "1:1: a line is NAME=value; a name has letters, digits, \"_\", \".\", \"-\"");
  std::string many;
  for (size_t i = 0; i <= limits::kVarsPerWorker; i++) many += "V" + std::to_string(i) + "=1\n";
  EXPECT_NE(parsed(many).find("more than"), std::string::npos);
}

}  // namespace
}  // namespace skep::config
