#include "isolate/arena.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "isolate/test_support.h"

namespace skep::isolate::testing {
namespace {

using ArenaTest = IsolateTest;

TEST_F(ArenaTest, refills_while_idle) {
  make_arena({.ready = 3});
  EXPECT_EQ(arena_->stats().ready, 0u);
  int steps = 1;
  while (arena_->refill_step()) ++steps;
  EXPECT_EQ(steps, 3);
  EXPECT_EQ(arena_->stats().ready, 3u);
  auto tenant = take();
  EXPECT_EQ(arena_->stats().ready, 2u);
  EXPECT_EQ(arena_->stats().live, 1u);
  EXPECT_EQ(arena_->stats().taken_ready, 1u);
  EXPECT_EQ(eval(*tenant, "1"), "1");
  arena_->give_back(std::move(tenant));
  EXPECT_EQ(arena_->stats().live, 0u);
}

TEST_F(ArenaTest, makes_one_on_demand_when_it_is_dry) {
  auto tenant = take();
  EXPECT_EQ(arena_->stats().taken_dry, 1u);
  EXPECT_EQ(eval(*tenant, "1"), "1");
}

TEST_F(ArenaTest, opens_groups_as_they_fill) {
  make_arena({.ready = 1, .isolates_per_group = 2});
  std::vector<std::unique_ptr<Tenant>> tenants;
  for (int i = 0; i < 5; ++i) {
    while (arena_->refill_step()) {
    }
    tenants.push_back(take());
  }
  EXPECT_EQ(arena_->stats().groups, 3u);
  EXPECT_EQ(arena_->stats().taken_dry, 0u);
  for (auto& tenant : tenants) {
    EXPECT_EQ(eval(*tenant, "[1, 2].join()"), "1,2");
    EXPECT_NE(tenant->isolate()->GetGroup(), v8::IsolateGroup::GetDefault());
  }
  // A group that has room again is used before another is opened.
  tenants.erase(tenants.begin(), tenants.begin() + 2);
  tenants.push_back(take());
  tenants.push_back(take());
  EXPECT_EQ(arena_->stats().groups, 3u);
}

TEST_F(ArenaTest, a_burst_fills_the_groups_that_there_are) {
  make_arena({.ready = 0, .isolates_per_group = 2});
  std::vector<std::unique_ptr<Tenant>> tenants;
  for (int i = 0; i < 6; ++i) tenants.push_back(take());
  EXPECT_EQ(arena_->stats().groups, 1u);
  EXPECT_EQ(arena_->stats().taken_dry, 6u);
}

TEST_F(ArenaTest, knows_the_heap_of_its_groups) {
  auto tenant = take();
  const size_t before = arena_->stats().fullest_group_heap_bytes;
  EXPECT_GT(before, 0u);
  eval(*tenant, "var a = []; for (let i = 0; i < 1e6; i++) a.push([i]); 1");
  EXPECT_GT(arena_->stats().fullest_group_heap_bytes, before + 10'000'000);
  EXPECT_GT(tenant->heap_used_bytes(), 10'000'000u);
  tenant.reset();
  EXPECT_LT(arena_->stats().fullest_group_heap_bytes, before);
}

TEST_F(ArenaTest, attachments_go_before_the_isolate) {
  struct Mine final : Tenant::Attachment {
    explicit Mine(int& gone_in) : gone(gone_in) {}
    ~Mine() override {
      EXPECT_NE(v8::Isolate::TryGetCurrent(), nullptr);
      ++gone;
    }
    int& gone;
  };
  int gone = 0;
  auto tenant = take();
  tenant->attach(std::make_unique<Mine>(gone));
  EXPECT_EQ(Tenant::from(tenant->isolate()), tenant.get());
  arena_->give_back(std::move(tenant));
  EXPECT_EQ(gone, 1);
}

// Random numbers and hash seeds of isolates: of one process in two groups, and of another process
// that had the same parent before any isolate existed.
TEST_F(ArenaTest, randomness_differs_between_isolates_groups_and_processes) {
  make_arena({.ready = 1, .isolates_per_group = 1});
  std::set<std::string> numbers;
  std::set<uint64_t> seeds;
  std::vector<std::unique_ptr<Tenant>> tenants;
  for (int i = 0; i < 4; ++i) {
    while (arena_->refill_step()) {
    }
    tenants.push_back(take());
    Tenant* tenant = tenants.back().get();
    numbers.insert(eval(*tenant, "Math.random()"));
    FunctionJob job([&](v8::Isolate* isolate, v8::Local<v8::Context>) {
      seeds.insert(isolate->GetHashSeed());
    });
    ASSERT_TRUE(tenant->run(job));
  }
  EXPECT_EQ(numbers.size(), 4u);
  EXPECT_EQ(seeds.size(), 4u);
}

TEST(EngineFork, children_differ) {
  // The engine of this program has threads; a fresh process shows what a zygote does.
  char self[4096] = {};
  ASSERT_GT(readlink("/proc/self/exe", self, sizeof self - 1), 0);
  const std::string command = std::string(self) + " --skep-fork-children";
  std::set<std::string> outputs;
  for (int round = 0; round < 2; ++round) {
    FILE* program = popen(command.c_str(), "r");
    ASSERT_NE(program, nullptr);
    char line[256];
    int lines = 0;
    while (std::fgets(line, sizeof line, program)) {
      outputs.insert(line);
      ++lines;
    }
    EXPECT_EQ(pclose(program), 0);
    EXPECT_EQ(lines, 4);  // 2 children, a random number and a hash seed each
  }
  EXPECT_EQ(outputs.size(), 8u);
}

}  // namespace
}  // namespace skep::isolate::testing
