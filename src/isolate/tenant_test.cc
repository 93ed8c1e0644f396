#include "isolate/tenant.h"

#include <vector>

#include "base/time.h"
#include "isolate/test_support.h"

namespace skep::isolate::testing {
namespace {

using TenantTest = IsolateTest;

TEST_F(TenantTest, runs_a_job_at_once) {
  auto tenant = take();
  ScriptJob job("6 * 7");
  EXPECT_TRUE(tenant->run(job));
  EXPECT_TRUE(job.finished());
  EXPECT_EQ(job.result(), "42");
  EXPECT_FALSE(tenant->busy());
}

TEST_F(TenantTest, drains_microtasks_before_done) {
  auto tenant = take();
  EXPECT_EQ(eval(*tenant, "var n = 0; Promise.resolve().then(() => n = 7); n"), "0");
  EXPECT_EQ(eval(*tenant, "n"), "7");
}

TEST_F(TenantTest, a_job_started_in_done_is_queued_and_runs) {
  auto tenant = take();
  ScriptJob second("2");
  ScriptJob first("1");
  first.on_done = [&] { EXPECT_TRUE(tenant->run(second)); };
  EXPECT_TRUE(tenant->run(first));
  turn_until([&] { return second.finished(); });
  EXPECT_EQ(second.result(), "2");
}

TEST_F(TenantTest, a_loop_is_preempted_and_a_neighbour_answers) {
  auto hog = take();
  auto neighbour = take();
  ScriptJob spin("for (;;) {}", 200);
  EXPECT_TRUE(hog->run(spin));
  EXPECT_FALSE(spin.finished());  // suspended, and we are back
  EXPECT_TRUE(hog->busy());
  int answered = 0;
  while (!spin.finished()) {
    ASSERT_TRUE(loop_->turn(true));
    if (eval(*neighbour, "1 + 1") == "2") ++answered;
  }
  EXPECT_EQ(spin.reason(), StopReason::cpu_limit);
  EXPECT_GE(answered, 3);
  EXPECT_GE(spin.used_ns(), 200'000'000);
}

TEST_F(TenantTest, the_isolate_stays_usable_after_the_cpu_limit) {
  auto tenant = take();
  ScriptJob spin("for (;;) {}", 20);
  run(*tenant, spin);
  EXPECT_EQ(spin.reason(), StopReason::cpu_limit);
  EXPECT_TRUE(tenant->condemned());
  EXPECT_EQ(eval(*tenant, "1 + 1"), "2");
}

TEST_F(TenantTest, jobs_wait_while_one_is_suspended) {
  auto tenant = take();
  ScriptJob spin("for (;;) {}", 30);
  ScriptJob next("'next'");
  EXPECT_TRUE(tenant->run(spin));
  EXPECT_TRUE(tenant->run(next));
  EXPECT_FALSE(next.finished());
  turn_until([&] { return next.finished(); });
  EXPECT_TRUE(spin.finished());
  EXPECT_EQ(next.result(), "next");
}

}  // namespace
}  // namespace skep::isolate::testing
