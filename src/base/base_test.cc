#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/assert.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace skep {
namespace {

Result<int> parse_digit(char c) {
  if (c < '0' || c > '9') return fail("not a digit");
  return c - '0';
}

Result<int> sum(char a, char b) {
  SKEP_TRY_ASSIGN(const int first, parse_digit(a));
  SKEP_TRY_ASSIGN(const int second, parse_digit(b));
  return first + second;
}

Result<> check(char c) {
  SKEP_TRY(parse_digit(c));
  return {};
}

TEST(Result, TryPassesValuesAndErrorsOn) {
  EXPECT_EQ(*sum('3', '4'), 7);
  EXPECT_EQ(sum('3', 'x').error().message, "not a digit");
  EXPECT_TRUE(check('1').has_value());
  EXPECT_EQ(check('x').error().message, "not a digit");
}

TEST(Result, ErrorsSayWhatAndWhy) {
  const Error error = fail_errno("cannot open /nowhere", ENOENT).error();
  EXPECT_EQ(error.message, "cannot open /nowhere: No such file or directory");
  EXPECT_EQ(error.code, ENOENT);
  const Error outer = wrap("reading the config", error).error();
  EXPECT_EQ(outer.message, "reading the config: cannot open /nowhere: No such file or directory");
  EXPECT_EQ(outer.code, ENOENT);
}

bool is_open(int fd) {
  struct stat info{};
  return fstat(fd, &info) == 0;
}

TEST(UniqueFd, ClosesOnceAndMoves) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  {
    UniqueFd first(fds[0]);
    UniqueFd second(std::move(first));
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): what is left is what is tested
    EXPECT_EQ(second.get(), fds[0]);
    second = UniqueFd(fds[1]);
    EXPECT_FALSE(is_open(fds[0]));
    EXPECT_EQ(second.release(), fds[1]);
  }
  EXPECT_TRUE(is_open(fds[1]));
  UniqueFd(fds[1]).reset();
  EXPECT_FALSE(is_open(fds[1]));
}

TEST(Time, ClocksGoForward) {
  const int64_t before_ns = monotonic_ns();
  const int64_t cpu_before_ns = process_cpu_ns();
  while (thread_cpu_ns() == 0 || process_cpu_ns() == cpu_before_ns) {
  }
  EXPECT_GT(monotonic_ns(), before_ns);
  EXPECT_GT(wall_clock_ms(), 1.6e12);  // past 2020
}

TEST(Log, DropsWhatIsBelowItsLevel) {
  testing::internal::CaptureStderr();
  log_debug("hidden");
  log_warn("{} and {}", 1, "two");
  set_log_level(LogLevel::error);
  log_warn("hidden too");
  log_error("shown");
  set_log_level(LogLevel::info);
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("1 and two\n"), std::string::npos);
  EXPECT_NE(text.find("shown\n"), std::string::npos);
  EXPECT_EQ(text.find("hidden"), std::string::npos);
}

TEST(AssertDeathTest, SaysWhereAndStops) {
  EXPECT_DEATH(SKEP_ASSERT(1 + 1 == 3), "base_test.cc:[0-9]+: assertion failed: 1 \\+ 1 == 3");
}

}  // namespace
}  // namespace skep
