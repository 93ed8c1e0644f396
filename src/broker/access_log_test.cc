#include "broker/access_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

namespace skep::broker {
namespace {

using config::AccessFormat;

AccessEntryView sample() {
  return {.worker = "w",
          .client = "192.0.2.1",
          .method = "GET",
          .url = "https://example.com/a?b=c",
          .protocol = "HTTP/2",
          .referer = "https://ref/",
          .user_agent = "agent/1",
          .ray = "0123-X",
          .trace = "4bf9",
          .outcome = "ok",
          .tls = "TLSv1.3",
          .status = 200,
          .bytes = 12,
          .duration_us = 345,
          .cpu_us = 67,
          .started_ms = 1'700'000'000'123};
}

TEST(AccessLog, Formats) {
  const std::string common =
      "192.0.2.1 - - [14/Nov/2023:22:13:20 +0000] \"GET /a?b=c HTTP/2\" 200 12";
  EXPECT_EQ(format_access(sample(), AccessFormat::common), common + "\n");
  EXPECT_EQ(format_access(sample(), AccessFormat::combined),
            common + " \"https://ref/\" \"agent/1\"\n");
  EXPECT_EQ(format_access(sample(), AccessFormat::json),
            "{\"time\":\"2023-11-14T22:13:20.123Z\",\"client\":\"192.0.2.1\",\"worker\":\"w\","
            "\"method\":\"GET\",\"url\":\"https://example.com/a?b=c\",\"protocol\":\"HTTP/2\","
            "\"status\":200,\"bytes\":12,\"duration_us\":345,\"cpu_us\":67,\"outcome\":\"ok\","
            "\"referer\":\"https://ref/\",\"user_agent\":\"agent/1\",\"ray\":\"0123-X\","
            "\"trace_id\":\"4bf9\",\"tls\":\"TLSv1.3\"}\n");
}

TEST(AccessLog, AStrangerCannotForgeALine) {
  AccessEntryView entry = sample();
  entry.user_agent = "a\"b\\c\r\nd\x1b[31m\xe2\x80\xae\x7f";
  entry.method = "GE T\"";
  entry.client = "x\ny";
  entry.started_ms = -1e300;
  for (const auto format : {AccessFormat::common, AccessFormat::combined, AccessFormat::json}) {
    const std::string line = format_access(entry, format);
    for (size_t i = 0; i + 1 < line.size(); i++)
      EXPECT_TRUE(line[i] >= 0x20 && line[i] < 0x7f) << line;
    EXPECT_EQ(line.back(), '\n');
  }
  EXPECT_NE(format_access(entry, AccessFormat::combined).find(R"("a\"b\\c\x0d\x0ad\x1b[31m)"),
            std::string::npos);
}

class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    signal(SIGPIPE, SIG_IGN);  // as the broker has it
    char name[] = "/tmp/skep-access-XXXXXX";
    folder_ = mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const char* name) const { return folder_ + "/" + name; }
  static size_t lines(const std::string& path) {
    std::ifstream file(path);
    return static_cast<size_t>(std::count(std::istreambuf_iterator<char>(file), {}, '\n'));
  }
  void turn(const AccessLog& log, uint64_t written) {
    for (int i = 0; i < 10'000 && log.written() < written; i++) ASSERT_TRUE(loop_->turn(true));
  }
  std::unique_ptr<loop::Loop> loop_ = std::move(*loop::Loop::create({.entries = 64}));
  std::string folder_;
};

TEST_F(Files, LinesAreThereWhenItEnds) {
  {
    auto log = AccessLog::open({AccessFormat::common, path("log")});
    ASSERT_TRUE(log);
    (*log)->write(sample());
    (*log)->start(*loop_);
    for (int i = 0; i < 999; i++) (*log)->write(sample());
  }
  loop_.reset();  // waits for what is under way
  EXPECT_EQ(lines(path("log")), 1000u);
}

TEST_F(Files, AMovedFileIsLeft) {
  {
    auto log = AccessLog::open({AccessFormat::common, path("log")});
    ASSERT_TRUE(log);
    (*log)->start(*loop_);
    (*log)->write(sample());
    turn(**log, 1);
    std::filesystem::rename(path("log"), path("old"));
    (*log)->reopen();
    (*log)->write(sample());
    (*log)->write(sample());
    turn(**log, 3);
  }
  EXPECT_EQ(lines(path("old")), 1u);
  EXPECT_EQ(lines(path("log")), 2u);
}

TEST_F(Files, AReaderThatDoesNotReadHoldsUpNobody) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  const UniqueFd reader(::open(path("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(reader);
  auto log = AccessLog::open({AccessFormat::json, path("pipe")});
  ASSERT_TRUE(log);
  (*log)->start(*loop_);
  // More than a pipe and the buffer hold: each call returns, and what found no room is counted.
  for (int i = 0; i < 100'000; i++) (*log)->write(sample());
  EXPECT_GT((*log)->dropped(), 0u);
}

TEST_F(Files, WhatCannotBeOpenedIsAnError) {
  EXPECT_FALSE(AccessLog::open({AccessFormat::json, path("none/log")}));
}

}  // namespace
}  // namespace skep::broker
