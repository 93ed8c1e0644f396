#include "broker/cron_clock.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace skep::broker {
namespace {

constexpr int64_t kNoon = 29'000'160;  // a minute; divisible by 60

class CronClockTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "skep_cron_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    loop_ = std::move(*loop::Loop::create({.entries = 64}));
    open();
  }
  void TearDown() override {
    close();
    std::filesystem::remove_all(folder_);
  }

  void open() {
    store_ = std::make_unique<bindings::StoreHolder>(*loop_, bindings::StorePlace{folder_, false},
                                                     bindings::CronRuns::tables());
    runs_ = std::make_unique<bindings::CronRuns>(*store_, storage::Store::kFirstTable);
    clock_ = std::make_unique<CronClock>(
        *loop_, *runs_,
        CronClock::Hooks{[this] { return now_ms_; },
                         [this](uint32_t worker, const std::string& cron, double time_ms,
                                std::function<void(Result<std::string>)> done) {
                           ran_ += std::to_string(worker) + " " + cron + " " +
                                   std::to_string(static_cast<int64_t>(time_ms) / 60'000 - kNoon) +
                                   "\n";
                           done(std::string("ok"));
                         }});
  }
  void close() {
    clock_.reset();
    runs_.reset();
    store_.reset();
  }
  void start(const std::vector<std::string>& crons) {
    clock_->set(7, "w", crons);
    ASSERT_TRUE(clock_->start());
    settle();
  }
  void at(int64_t minute, int64_t second = 0) {
    now_ms_ = (kNoon + minute) * 60'000 + second * 1000;
  }
  // The timer is not waited for: setting the expressions anew looks at the time, too.
  void look(const std::vector<std::string>& crons) {
    clock_->set(7, "w", {});
    clock_->set(7, "w", crons);
    settle();
  }
  // What was written is on the disk, and its runs have begun.
  void settle() {
    bool done = false;
    runs_->record({}, 0, [&](Result<>) { done = true; });
    while (!done) ASSERT_TRUE(loop_->turn(true));
  }
  std::string take() { return std::exchange(ran_, {}); }

  std::string folder_;
  std::unique_ptr<loop::Loop> loop_;
  std::unique_ptr<bindings::StoreHolder> store_;
  std::unique_ptr<bindings::CronRuns> runs_;
  std::unique_ptr<CronClock> clock_;
  int64_t now_ms_ = 0;
  std::string ran_;
};

const std::vector<std::string> kEach = {"* * * * *"};

TEST_F(CronClockTest, what_is_new_waits_for_its_next_minute) {
  at(0, 30);
  start(kEach);
  EXPECT_EQ(take(), "");
}

TEST_F(CronClockTest, a_restart_within_the_minute_loses_no_run_and_none_runs_twice) {
  at(0, 59);
  start(kEach);
  close();
  open();
  at(1, 10);
  start(kEach);
  EXPECT_EQ(take(), "7 * * * * * 1\n");
  close();
  open();
  at(1, 40);
  start(kEach);
  EXPECT_EQ(take(), "");
}

TEST_F(CronClockTest, what_was_missed_is_skipped) {
  at(0);
  start({"0 * * * *"});
  close();
  open();
  at(125);
  start({"0 * * * *"});
  EXPECT_EQ(take(), "");
}

TEST_F(CronClockTest, a_clock_that_goes_back_repeats_nothing) {
  at(0);
  start(kEach);
  close();
  open();
  at(5);
  start(kEach);
  EXPECT_EQ(take(), "7 * * * * * 5\n");
  close();
  open();
  at(3);
  start(kEach);
  EXPECT_EQ(take(), "");
}

TEST_F(CronClockTest, an_expression_that_goes_is_forgotten) {
  at(0);
  start({"1 * * * *", "2 * * * *"});
  close();
  open();
  start({"2 * * * *"});
  const auto known = runs_->load();
  ASSERT_TRUE(known);
  EXPECT_EQ(known->size(), 1u);
}

TEST_F(CronClockTest, one_that_comes_while_it_runs_waits_for_its_next_minute) {
  at(0);
  start({"30 * * * *"});
  at(1);
  look(kEach);
  EXPECT_EQ(take(), "");
}

}  // namespace
}  // namespace skep::broker
