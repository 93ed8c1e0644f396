#include "loop/fiber.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unwind.h>

#include <array>
#include <cfenv>
#include <cstring>
#include <stdexcept>
#include <string>

#include "base/limits.h"

namespace skep::loop {
namespace {

constexpr size_t kStackBytes = limits::kFiberStackBytes;

struct Script {
  Fiber* fiber = nullptr;
  std::string* trace = nullptr;
  char name = 0;
  int steps = 0;
};

void run_script(void* argument) {
  auto& script = *static_cast<Script*>(argument);
  for (int i = 0; i < script.steps; ++i) {
    *script.trace += script.name;
    Fiber::current()->suspend();
  }
  *script.trace += static_cast<char>(script.name - 'a' + 'A');
}

TEST(Fiber, RunsToItsEndWithoutSuspending) {
  FiberPool pool(kStackBytes);
  auto fiber = pool.take();
  std::string trace;
  Script script{fiber.get(), &trace, 'a', 0};
  EXPECT_TRUE(fiber->start(run_script, &script));
  EXPECT_EQ(trace, "A");
  EXPECT_TRUE(fiber->finished());
  EXPECT_FALSE(fiber->running());
}

TEST(Fiber, EightInterleavedKeepTheirOwnState) {
  FiberPool pool(kStackBytes);
  std::string trace;
  std::array<std::unique_ptr<Fiber>, 8> fibers;
  std::array<Script, 8> scripts;
  for (int i = 0; i < 8; ++i) {
    fibers[i] = pool.take();
    scripts[i] = {fibers[i].get(), &trace, static_cast<char>('a' + i), i + 1};
    EXPECT_FALSE(fibers[i]->start(run_script, &scripts[i]));
  }
  int left = 8;
  while (left > 0)
    for (auto& fiber : fibers)
      if (!fiber->finished() && fiber->resume()) --left;
  EXPECT_EQ(trace, "abcdefghAbcdefghBcdefghCdefghDefghEfghFghGhH");
}

TEST(Fiber, CurrentIsSetOnTheFiberOnly) {
  FiberPool pool(kStackBytes);
  auto fiber = pool.take();
  Fiber* seen = nullptr;
  EXPECT_EQ(Fiber::current(), nullptr);
  fiber->start(
      [](void* out) {
        *static_cast<Fiber**>(out) = Fiber::current();
        Fiber::current()->suspend();
      },
      &seen);
  EXPECT_EQ(seen, fiber.get());
  EXPECT_EQ(Fiber::current(), nullptr);
  fiber->resume();
}

TEST(Fiber, StackLiesWithinItsBounds) {
  FiberPool pool(kStackBytes);
  auto fiber = pool.take();
  char* address = nullptr;
  fiber->start([](void* out) { *static_cast<void**>(out) = __builtin_frame_address(0); }, &address);
  EXPECT_GT(address, fiber->stack_bottom());
  EXPECT_LT(address, fiber->stack_top());
  EXPECT_LT(fiber->stack_top() - address, 4096);
  EXPECT_EQ(static_cast<size_t>(fiber->stack_top() - fiber->stack_bottom()), kStackBytes);
}

// The compiler keeps values in callee-saved registers over the suspension; a switch that loses one
// makes the sum wrong.
TEST(Fiber, CalleeSavedRegistersSurvive) {
  FiberPool pool(kStackBytes);
  auto fiber = pool.take();
  auto sum = [](void* out) {
    uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
    for (int i = 0; i < 100; ++i) {
      Fiber::current()->suspend();
      a += b;
      b ^= c;
      c += d;
      d ^= e;
      e += f;
      f ^= a;
    }
    *static_cast<uint64_t*>(out) = a ^ b ^ c ^ d ^ e ^ f;
  };
  uint64_t on_fiber = 0;
  fiber->start(sum, &on_fiber);
  uint64_t p = 11, q = 12, r = 13, s = 14, t = 15;
  while (!fiber->resume()) p += q, q ^= r, r += s, s ^= t, t += p;
  uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
  uint64_t v = 11, w = 12, x = 13, y = 14, z = 15;
  for (int i = 0; i < 100; ++i) {
    a += b, b ^= c, c += d, d ^= e, e += f, f ^= a;
    if (i < 99) v += w, w ^= x, x += y, y ^= z, z += v;
  }
  EXPECT_EQ(on_fiber, a ^ b ^ c ^ d ^ e ^ f);
  EXPECT_EQ(p ^ q ^ r ^ s ^ t, v ^ w ^ x ^ y ^ z);
}

TEST(Fiber, FloatingPointControlBelongsToTheFiber) {
  FiberPool pool(kStackBytes);
  auto fiber = pool.take();
  int inside = -1;
  ASSERT_EQ(std::fegetround(), FE_TONEAREST);
  fiber->start(
      [](void* out) {
        std::fesetround(FE_UPWARD);
        Fiber::current()->suspend();
        *static_cast<int*>(out) = std::fegetround();
      },
      &inside);
  EXPECT_EQ(std::fegetround(), FE_TONEAREST);
  EXPECT_TRUE(fiber->resume());
  EXPECT_EQ(inside, FE_UPWARD);
  EXPECT_EQ(std::fegetround(), FE_TONEAREST);
}

TEST(Fiber, ExceptionsAreThrownAndCaughtOnIt) {
  FiberPool pool(kStackBytes);
  auto fiber = pool.take();
  std::string caught;
  fiber->start(
      [](void* out) {
        try {
          Fiber::current()->suspend();
          throw std::runtime_error("thrown on the fiber");
        } catch (const std::runtime_error& error) {
          *static_cast<std::string*>(out) = error.what();
        }
      },
      &caught);
  EXPECT_TRUE(fiber->resume());
  EXPECT_EQ(caught, "thrown on the fiber");
}

TEST(Fiber, UnwindersStopAtItsFirstFrame) {
  FiberPool pool(kStackBytes);
  auto fiber = pool.take();
  int frames = 0;
  fiber->start(
      [](void* out) {
        _Unwind_Backtrace(
            [](_Unwind_Context*, void* count) {
              return ++*static_cast<int*>(count) > 100 ? _URC_END_OF_STACK : _URC_NO_REASON;
            },
            out);
      },
      &frames);
  EXPECT_GE(frames, 2);
  EXPECT_LT(frames, 10);
}

TEST(Fiber, IsReusedAfterItsEnd) {
  FiberPool pool(kStackBytes);
  auto fiber = pool.take();
  Fiber* first = fiber.get();
  pool.give(std::move(fiber));
  fiber = pool.take();
  EXPECT_EQ(fiber.get(), first);
  std::string trace;
  for (int i = 0; i < 3; ++i) {
    Script script{fiber.get(), &trace, 'a', 1};
    EXPECT_FALSE(fiber->start(run_script, &script));
    EXPECT_TRUE(fiber->resume());
  }
  EXPECT_EQ(trace, "aAaAaA");
}

void use_stack_deeply(void*) {
  volatile char block[512 * 1024];
  for (size_t i = 0; i < sizeof block; i += 64) block[i] = 1;
}

size_t resident_bytes(const Fiber& fiber) {
  const auto bytes = static_cast<size_t>(fiber.stack_top() - fiber.stack_bottom());
  std::vector<unsigned char> pages(bytes / 4096);
  EXPECT_EQ(mincore(fiber.stack_bottom(), bytes, pages.data()), 0);
  size_t resident = 0;
  for (unsigned char page : pages) resident += (page & 1) != 0 ? 4096 : 0;
  return resident;
}

TEST(FiberPool, GivesBackWhatADeepRunUsed) {
  FiberPool pool(kStackBytes);
  auto fiber = pool.take();
  fiber->start(use_stack_deeply, nullptr);
  EXPECT_GT(resident_bytes(*fiber), 512u * 1024);
  pool.give(std::move(fiber));
  fiber = pool.take();
  EXPECT_LE(resident_bytes(*fiber), 128u * 1024);
}

TEST(FiberPool, KeepsOnlySoManyIdleFibers) {
  FiberPool pool(kStackBytes);
  std::vector<std::unique_ptr<Fiber>> fibers;
  for (size_t i = 0; i < limits::kFiberPoolIdle + 10; ++i) fibers.push_back(pool.take());
  char* kept = fibers.front()->stack_top();
  char* unmapped = fibers.back()->stack_top();
  for (auto& fiber : fibers) pool.give(std::move(fiber));
  unsigned char page = 0;
  EXPECT_EQ(mincore(kept - 4096, 4096, &page), 0);
  EXPECT_NE(mincore(unmapped - 4096, 4096, &page), 0);
}

TEST(FiberDeathTest, OverflowHitsTheGuard) {
  FiberPool pool(kStackBytes);
  auto fiber = pool.take();
  char* below = fiber->stack_bottom() - 1;
  EXPECT_DEATH(*static_cast<volatile char*>(below) = 1, "");
}

TEST(FiberDeathTest, ResumingAFinishedFiberIsABug) {
  FiberPool pool(kStackBytes);
  auto fiber = pool.take();
  fiber->start([](void*) {}, nullptr);
  EXPECT_DEATH(fiber->resume(), "assertion failed");
}

}  // namespace
}  // namespace skep::loop
