#include "config/diagnostic.h"

#include <gtest/gtest.h>

namespace skep::config {
namespace {

TEST(Diagnostic, FormatsPlaceMessageFrameAndHint) {
  Diagnostics diagnostics;
  const std::string text = "a = 1\nbb = [\nc = 3\nd = 4\n";
  diagnostics.begin_file("x/skep.toml", text);
  diagnostics.error({2, 6}, "an array without end", "close it with \"]\"");
  diagnostics.end_file();
  EXPECT_EQ(format_diagnostics(diagnostics.items()),
            "x/skep.toml:2:6: error: an array without end\n"
            "  1 | a = 1\n"
            "> 2 | bb = [\n"
            "    |      ^\n"
            "  3 | c = 3\n"
            "  hint: close it with \"]\"\n");
  EXPECT_TRUE(diagnostics.has_errors());
}

TEST(Diagnostic, AWholeFileHasNoFrame) {
  Diagnostics diagnostics;
  diagnostics.begin_file("f", "text");
  diagnostics.warning({}, "odd");
  EXPECT_EQ(format_diagnostic(diagnostics.items()[0]), "f: warning: odd\n");
  EXPECT_FALSE(diagnostics.has_errors());
}

TEST(CodeFrame, AtTheEdges) {
  EXPECT_EQ(code_frame("one", {1, 4}), "> 1 | one\n    |    ^\n");
  EXPECT_EQ(code_frame("one\n", {2, 1}), "  1 | one\n> 2 |\n    | ^\n");
  EXPECT_EQ(code_frame("", {1, 1}), "> 1 |\n    | ^\n");
  EXPECT_EQ(code_frame("a\nb", {9, 1}), "");
  EXPECT_EQ(code_frame("a\nb", {0, 0}), "");
  EXPECT_EQ(code_frame("\ta\x1b[31m\n", {1, 2}), "> 1 |  a [31m\n    |  ^\n");
}

TEST(CodeFrame, CutsLongLinesAndCountsCharacters) {
  const std::string line = std::string(500, 'x') + "HERE" + std::string(500, 'y');
  const std::string frame = code_frame(line, {1, 501});
  EXPECT_LT(frame.size(), 300u);
  const size_t caret = frame.find('^');
  ASSERT_NE(caret, std::string::npos);
  const size_t column = caret - frame.rfind('\n', caret) - 1;
  EXPECT_EQ(frame.substr(column, 4), "HERE");
  // Two bytes, one column.
  EXPECT_EQ(code_frame("\xc3\xa4\xc3\xa4 x", {1, 6}), "> 1 | \xc3\xa4\xc3\xa4 x\n    |    ^\n");
}

TEST(NearestName, SuggestsOnlyWhatIsNear) {
  const std::string_view names[] = {"compatibility_date", "compatibility_flags", "main", "name",
                                    "routes"};
  EXPECT_EQ(nearest_name("compatability_date", names), "compatibility_date");
  EXPECT_EQ(nearest_name("mian", names), "main");
  EXPECT_EQ(nearest_name("Main", names), "main");
  EXPECT_EQ(nearest_name("route", names), "routes");
  EXPECT_EQ(nearest_name("banana", names), "");
  EXPECT_EQ(nearest_name("", names), "");
  EXPECT_EQ(nearest_name("x", names), "");
  EXPECT_EQ(nearest_name(std::string(1000, 'a'), names), "");
}

}  // namespace
}  // namespace skep::config
