#include "broker/metrics.h"

#include <capnp/message.h>
#include <gtest/gtest.h>

namespace skep::broker {
namespace {

// A shard's word, with one worker's.
void tell(Metrics& metrics, unsigned index, uint32_t sequence, uint64_t requests,
          uint32_t worker = 0) {
  capnp::MallocMessageBuilder message;
  auto stats = message.initRoot<rpc::ShardStats>();
  stats.setConnections(requests);
  stats.setCpuNs(requests * 1'000'000'000);
  auto one = stats.initWorkers(1)[0];
  one.setIndex(worker);
  one.setRequests(requests);
  one.initOutcomes(kOutcomes).set(0, requests);
  one.initDurations(limits::kLatencyBuckets).set(3, requests);
  metrics.take(index, sequence, stats.asReader());
}

bool has(const Metrics& metrics, std::string_view line) {
  return metrics.text({}).find("\n" + std::string(line) + "\n") != std::string::npos;
}

TEST(Metrics, CountersOfAShardThatIsGoneStay) {
  Metrics metrics({"a", "b"});
  tell(metrics, 0, 1, 5);
  EXPECT_TRUE(has(metrics, "skep_requests_total{worker=\"a\",outcome=\"ok\"} 5"));
  EXPECT_TRUE(has(metrics, "skep_connections{shard=\"0\"} 5"));
  metrics.keep({2});
  EXPECT_TRUE(has(metrics, "skep_requests_total{worker=\"a\",outcome=\"ok\"} 5"));
  EXPECT_FALSE(has(metrics, "skep_connections{shard=\"0\"} 5"));
  tell(metrics, 0, 2, 3);
  tell(metrics, 1, 3, 1);
  EXPECT_TRUE(has(metrics, "skep_requests_total{worker=\"a\",outcome=\"ok\"} 9"));
  EXPECT_TRUE(has(metrics, "skep_shard_cpu_seconds_total{shard=\"0\"} 8"));
  EXPECT_TRUE(has(metrics, "skep_connections{shard=\"0\"} 3"));
}

TEST(Metrics, AHistogramIsCumulative) {
  Metrics metrics({"a"});
  tell(metrics, 0, 1, 4);
  EXPECT_TRUE(has(metrics, "skep_request_duration_seconds_bucket{worker=\"a\",le=\"0.001\"} 0"));
  EXPECT_TRUE(has(metrics, "skep_request_duration_seconds_bucket{worker=\"a\",le=\"0.0025\"} 4"));
  EXPECT_TRUE(has(metrics, "skep_request_duration_seconds_bucket{worker=\"a\",le=\"+Inf\"} 4"));
  EXPECT_TRUE(has(metrics, "skep_request_duration_seconds_count{worker=\"a\"} 4"));
}

TEST(Metrics, AShardCannotMakeUpWorkers) {
  Metrics metrics({"a"});
  tell(metrics, 0, 1, 4, 7);
  EXPECT_EQ(metrics.text({}).find("worker="), std::string::npos);
  EXPECT_TRUE(metrics.text({}).ends_with("\n# EOF\n"));
}

}  // namespace
}  // namespace skep::broker
