#include "broker/log_output.h"

#include <gtest/gtest.h>

namespace skep::broker {
namespace {

TEST(Printable, TextStaysAsItIs) {
  EXPECT_EQ(printable("GET /p\u00e4th \u4f60\u597d \U0001f468\u200d\U0001f469"),
            "GET /p\u00e4th \u4f60\u597d \U0001f468\u200d\U0001f469");
}

TEST(Printable, NothingMovesTheCursorOrBeginsALine) {
  EXPECT_EQ(printable("a\nb\r\tc"), "a\\nb\\r\\tc");
  EXPECT_EQ(printable("\x1b[2J\x7f"), "\\x1b[2J\\x7f");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(printable("\u0085\u009b"), "\\x85\\x9b");
  EXPECT_EQ(printable("\u202egpj.exe\u2028"), "\\u{202e}gpj.exe\\u{2028}");
}

TEST(Printable, InvalidUtf8IsEscaped) {
  EXPECT_EQ(printable("\xff\xc0\x80"), "\\xff\\xc0\\x80");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(printable("\xe4\xbd"), "\\xe4\\xbd");           // cut short
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

TEST(Printable, KeptLinesAreIndented) {
  EXPECT_EQ(printable("a\nGET / 200 OK\r", true), "a\n  GET / 200 OK\\r");
}

LogEntryView request_entry() {
  LogEntryView entry;
  entry.kind = EntryKind::request;
  entry.level = EntryLevel::info;
  entry.worker = "hello";
  entry.request_id = "r1";
  entry.method = "GET";
  entry.url = "https://example.com/a?b=1";
  entry.outcome = "ok";
  entry.status = 200;
  entry.duration_us = 2600;
  entry.cpu_us = 12;
  return entry;
}

TEST(FormatEntry, RequestLines) {
  LogEntryView entry = request_entry();
  EXPECT_EQ(format_entry(entry, LogForm::person, false), "GET /a?b=1 200 OK (3ms)");
  EXPECT_EQ(format_entry(entry, LogForm::service, false),
            "info worker=hello request=r1 GET https://example.com/a?b=1 200 outcome=ok "
            "duration_us=2600 cpu_us=12");
  entry.status = 500;
  entry.outcome = "exception";
  entry.url = "https://example.com";
  EXPECT_EQ(format_entry(entry, LogForm::person, false),
            "GET / 500 Internal Server Error (3ms) exception");
}

TEST(FormatEntry, ConsoleAndExceptions) {
  LogEntryView entry;
  entry.worker = "hello";
  entry.message = "two\nlines";
  EXPECT_EQ(format_entry(entry, LogForm::person, false), "two\n  lines");
  EXPECT_EQ(format_entry(entry, LogForm::service, false), "log worker=hello two\\nlines");
  entry.kind = EntryKind::exception;
  entry.level = EntryLevel::error;
  entry.message = "Error: no";
  entry.stack = "Error: no\n    at f (a.js:1:2)";
  EXPECT_EQ(format_entry(entry, LogForm::service, false),
            "error worker=hello uncaught Error: no\\n    at f (a.js:1:2)");
  EXPECT_EQ(format_entry(entry, LogForm::person, false),
            "error: Uncaught Error: no\n      at f (a.js:1:2)");
  EXPECT_EQ(format_entry(entry, LogForm::person, true),
            "\x1b[31mUncaught Error: no\n      at f (a.js:1:2)\x1b[0m");
}

TEST(RateLimit, GivesABurstAndThenSoMuchASecond) {
  RateLimit limit(10, 3);
  constexpr int64_t kSecond = 1'000'000'000;
  EXPECT_TRUE(limit.take(3, 0));
  EXPECT_FALSE(limit.take(1, 0));
  EXPECT_FALSE(limit.take(1, kSecond / 20));
  EXPECT_TRUE(limit.take(1, kSecond / 5));
  EXPECT_TRUE(limit.take(3, 100 * kSecond));
  EXPECT_FALSE(limit.take(1, 100 * kSecond));
}

}  // namespace
}  // namespace skep::broker
