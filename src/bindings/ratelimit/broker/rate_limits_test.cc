#include "bindings/ratelimit/broker/rate_limits.h"

#include <gtest/gtest.h>

#include "base/limits_cron.h"
#include "loop/loop.h"
#include "rpc/kj_loop.h"
#include "rpc/outcome.h"

namespace skep::bindings {
namespace {

TEST(RateCounters, so_many_of_a_key_in_a_window) {
  RateCounters counters(10);
  for (int i = 0; i < 3; i++) EXPECT_TRUE(counters.take("a", 3, 20'000 + i));
  EXPECT_FALSE(counters.take("a", 3, 29'999));
  EXPECT_TRUE(counters.take("b", 3, 29'999));
  EXPECT_TRUE(counters.take("a", 3, 30'000));
  EXPECT_EQ(counters.keys(), 1u);
}

TEST(RateCounters, a_flood_of_keys_takes_bounded_memory_and_no_key_gets_more_than_the_limit) {
  RateCounters counters(60);
  for (size_t i = 0; i < limits::kRateLimitKeys + 20'000; i++)
    counters.take("flood " + std::to_string(i), 2, 0);
  EXPECT_EQ(counters.keys(), limits::kRateLimitKeys);
  int passed = 0;
  for (int i = 0; i < 10; i++) passed += counters.take("one more", 2, 1) ? 1 : 0;
  EXPECT_LE(passed, 2);
  // Who was counted before the flood is counted on.
  EXPECT_TRUE(counters.take("flood 0", 2, 2));
  EXPECT_FALSE(counters.take("flood 0", 2, 3));
  EXPECT_TRUE(counters.take("one more", 2, 60'000));
  EXPECT_EQ(counters.keys(), 1u);
}

TEST(RateLimits, a_namespace_is_shared_by_those_who_name_it) {
  RateLimits limits;
  const auto one = *limits.open("1", 60);
  EXPECT_EQ(one, *limits.open("1", 60));
  EXPECT_NE(one, *limits.open("2", 60));
  EXPECT_NE(one, *limits.open("1", 10));
}

TEST(RateLimiterServer, refuses_keys_that_are_too_long) {
  auto loop = std::move(*loop::Loop::create({.entries = 16}));
  rpc::KjLoop kj(*loop);
  rpc::RateLimiter::Client client =
      kj::heap<RateLimiterServer>(std::make_shared<RateCounters>(60), 1u);
  const auto ask = [&](size_t bytes) {
    auto request = client.limitRequest();
    const std::string key(bytes, 'k');
    request.setKey({reinterpret_cast<const kj::byte*>(key.data()), key.size()});
    return rpc::caught([&] { return kj.wait(request.send()).getSuccess(); });
  };
  EXPECT_TRUE(*ask(limits::kRateLimitKeyBytes));
  EXPECT_FALSE(*ask(limits::kRateLimitKeyBytes));
  EXPECT_FALSE(ask(limits::kRateLimitKeyBytes + 1));
}

}  // namespace
}  // namespace skep::bindings
