#include "loop/loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <liburing.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <thread>
#include <vector>

#include "base/time.h"
#include "base/unique_fd.h"
#include "loop/ring.h"
#include "loop/timer_heap.h"

namespace skep::loop {
namespace {

std::unique_ptr<Loop> make_loop(LoopOptions options = {.entries = 64}) {
  auto loop = Loop::create(options);
  EXPECT_TRUE(loop.has_value()) << loop.error().message;
  return std::move(*loop);
}

void turn(Loop& loop, bool wait = false) {
  auto done = loop.turn(wait);
  ASSERT_TRUE(done.has_value()) << done.error().message;
}

// Records each completion.
struct Recorder final : Completion {
  void complete(int32_t result, uint32_t flags, bool more) override {
    results.push_back(result);
    over = !more;
  }
  std::vector<int32_t> results;
  bool over = false;
};

// ---- completions ----

TEST(Loop, CompletesAnOperation) {
  auto loop = make_loop();
  Recorder recorder;
  io_uring_prep_nop(loop->prepare(&recorder));
  turn(*loop, true);
  EXPECT_EQ(recorder.results, std::vector<int32_t>{0});
  EXPECT_TRUE(recorder.over);
}

TEST(Loop, TakesMoreOperationsThanTheQueueHolds) {
  auto loop = make_loop({.entries = 8});
  std::vector<Recorder> recorders(1000);
  for (Recorder& recorder : recorders) io_uring_prep_nop(loop->prepare(&recorder));
  while (loop->stats().in_flight > 1) turn(*loop, true);  // the wake-up's stays
  for (Recorder& recorder : recorders) EXPECT_EQ(recorder.results, std::vector<int32_t>{0});
}

TEST(Loop, CancelEndsAllOperationsOfACompletion) {
  auto loop = make_loop();
  int pipe_fds[2];
  ASSERT_EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
  UniqueFd reader(pipe_fds[0]), writer(pipe_fds[1]);
  Recorder recorder;
  char bytes[2][8];
  for (auto& buffer : bytes)
    io_uring_prep_read(loop->prepare(&recorder), reader.get(), buffer, 8, 0);
  turn(*loop);
  EXPECT_TRUE(recorder.results.empty());
  loop->cancel(&recorder);
  while (recorder.results.size() < 2) turn(*loop, true);
  EXPECT_EQ(recorder.results, (std::vector<int32_t>{-ECANCELED, -ECANCELED}));
}

TEST(Loop, CancelEndsAMultishotOperation) {
  auto loop = make_loop();
  int pipe_fds[2];
  ASSERT_EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
  UniqueFd reader(pipe_fds[0]), writer(pipe_fds[1]);
  Recorder recorder;
  io_uring_prep_poll_multishot(loop->prepare(&recorder), reader.get(), POLLIN);
  turn(*loop);
  ASSERT_EQ(write(writer.get(), "x", 1), 1);
  while (recorder.results.empty()) turn(*loop, true);
  EXPECT_EQ(recorder.results[0], POLLIN);
  EXPECT_FALSE(recorder.over);
  loop->cancel(&recorder);
  while (!recorder.over) turn(*loop, true);
  EXPECT_EQ(recorder.results.back(), -ECANCELED);
}

TEST(Loop, EndsOperationsInFlightWhenItGoes) {
  Recorder recorder;
  int pipe_fds[2];
  ASSERT_EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
  UniqueFd reader(pipe_fds[0]), writer(pipe_fds[1]);
  char buffer[8];
  {
    auto loop = make_loop();
    io_uring_prep_read(loop->prepare(&recorder), reader.get(), buffer, 8, 0);
    turn(*loop);
    EXPECT_EQ(loop->stats().in_flight, 2u);  // with the wake-up's
  }
  EXPECT_EQ(recorder.results, std::vector<int32_t>{-ECANCELED});
}

TEST(Loop, ACallbackMayRunATurnOfItsOwn) {
  auto loop = make_loop();
  struct Nesting final : Completion {
    void complete(int32_t result, uint32_t flags, bool more) override {
      if (++calls == 1) turn(*loop);
    }
    Loop* loop = nullptr;
    int calls = 0;
  } nesting;
  nesting.loop = loop.get();
  for (int i = 0; i < 5; ++i) io_uring_prep_nop(loop->prepare(&nesting));
  turn(*loop, true);
  turn(*loop);
  EXPECT_EQ(nesting.calls, 5);
}

// ---- timers ----

TEST(Loop, TimersFireInOrderAndNotEarly) {
  auto loop = make_loop();
  std::vector<int> fired;
  const int64_t start_ns = monotonic_ns();
  int64_t last_ns = 0;
  Timer second(*loop, [&] { fired.push_back(2), last_ns = monotonic_ns(), loop->stop(); });
  Timer first(*loop, [&] { fired.push_back(1); });
  second.set_ms(6);
  first.set_ms(2);
  EXPECT_TRUE(first.armed());
  ASSERT_TRUE(loop->run().has_value());
  EXPECT_EQ(fired, (std::vector<int>{1, 2}));
  EXPECT_GE(last_ns - start_ns, 6'000'000);
  EXPECT_FALSE(first.armed());
}

TEST(Loop, MovedAndCancelledTimersObey) {
  auto loop = make_loop();
  std::vector<char> fired;
  Timer later(*loop, [&] { fired.push_back('l'); });
  Timer sooner(*loop, [&] { fired.push_back('s'); });
  Timer cancelled(*loop, [&] { fired.push_back('c'); });
  Timer again(*loop, [&] { fired.push_back('a'); });
  Timer end(*loop, [&] { loop->stop(); });
  const int64_t now_ns = monotonic_ns();
  later.set_at_ns(now_ns + 1'000'000);
  later.set_at_ns(now_ns + 8'000'000);
  sooner.set_at_ns(now_ns + 1'000'000'000'000);
  sooner.set_at_ns(now_ns + 4'000'000);
  cancelled.set_at_ns(now_ns + 2'000'000);
  cancelled.cancel();
  again.set_at_ns(now_ns + 2'000'000);
  again.cancel();
  again.set_at_ns(now_ns + 6'000'000);
  end.set_at_ns(now_ns + 12'000'000);
  ASSERT_TRUE(loop->run().has_value());
  EXPECT_EQ(fired, (std::vector<char>{'s', 'a', 'l'}));
}

TEST(Loop, ATimerMayDestroyItselfAndOthers) {
  auto loop = make_loop();
  std::vector<std::unique_ptr<Timer>> timers(10);
  int fired = 0;
  for (auto& timer : timers) {
    timer = std::make_unique<Timer>(*loop, [&] {
      ++fired;
      timers.clear();
    });
    timer->set_at_ns(1);
  }
  turn(*loop);
  turn(*loop);
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(loop->stats().timers, 0u);
}

TEST(Loop, ATimerSetIntoThePastByItsCallbackDoesNotHoldTheLoop) {
  auto loop = make_loop();
  int fired = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(*loop, [&] { ++fired, timer->set_at_ns(1); });
  timer->set_at_ns(1);
  for (int i = 1; i <= 3; ++i) {
    turn(*loop, true);
    EXPECT_EQ(fired, i);
  }
}

// Each request moves its connection's time-out: the heap must not be touched by that, and each
// timer must still fire at the time it was given last.
TEST(Loop, TenThousandTimersMovedForward) {
  auto loop = make_loop();
  constexpr size_t kTimers = 10'000;
  std::vector<std::unique_ptr<Timer>> timers;
  size_t fired = 0;
  bool early = false;
  int64_t due_ns = 0;
  for (size_t i = 0; i < kTimers; ++i)
    timers.push_back(std::make_unique<Timer>(*loop, [&] {
      early = early || monotonic_ns() < due_ns;
      if (++fired == kTimers) loop->stop();
    }));
  due_ns = monotonic_ns() + 5'000'000;
  for (auto& timer : timers) timer->set_at_ns(due_ns);
  for (int round = 0; round < 100; ++round) {
    due_ns += 100'000;
    for (auto& timer : timers) timer->set_at_ns(due_ns);
  }
  EXPECT_EQ(loop->stats().timers, kTimers);
  ASSERT_TRUE(loop->run().has_value());
  EXPECT_EQ(fired, kTimers);
  EXPECT_FALSE(early);
}

TEST(Loop, TimersAgreeWithASortedList) {
  auto loop = make_loop();
  std::mt19937 random(7);
  const int64_t now_ns = monotonic_ns() - 1'000'000'000;
  std::vector<int64_t> due_ns(500);
  std::vector<int64_t> fired;
  std::vector<std::unique_ptr<Timer>> timers;
  for (size_t i = 0; i < due_ns.size(); ++i)
    timers.push_back(std::make_unique<Timer>(*loop, [&, i] { fired.push_back(due_ns[i]); }));
  for (int step = 0; step < 5000; ++step) {
    const size_t i = random() % due_ns.size();
    if (random() % 4 == 0) {
      due_ns[i] = 0;
      timers[i]->cancel();
    } else {
      due_ns[i] = now_ns + random() % 1'000'000;
      timers[i]->set_at_ns(due_ns[i]);
    }
  }
  std::vector<int64_t> expected;
  std::copy_if(due_ns.begin(), due_ns.end(), std::back_inserter(expected),
               [](auto ns) { return ns > 0; });
  for (int i = 0; i < 3; ++i) turn(*loop);
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(fired, expected);
}

// ---- deferred calls, the hook, waking ----

TEST(Loop, DeferredCallsRunOnceAndBeforeSleep) {
  auto loop = make_loop();
  int calls = 0;
  Deferred deferred([&] { ++calls; });
  loop->defer(deferred);
  loop->defer(deferred);
  turn(*loop, true);  // would hang if the loop slept
  EXPECT_EQ(calls, 1);
}

TEST(Loop, ADeferredCallThatDefersItselfLeavesRoomForOthers) {
  auto loop = make_loop();
  int calls = 0;
  std::unique_ptr<Deferred> deferred;
  deferred = std::make_unique<Deferred>([&] { ++calls, loop->defer(*deferred); });
  loop->defer(*deferred);
  for (int i = 1; i <= 3; ++i) {
    turn(*loop, true);
    EXPECT_EQ(calls, i);
  }
}

TEST(Loop, DeferredCallsMayDestroyThemselvesAndOthers) {
  auto loop = make_loop();
  std::vector<std::unique_ptr<Deferred>> all(5);
  int calls = 0;
  for (auto& deferred : all) {
    deferred = std::make_unique<Deferred>([&] { ++calls, all.clear(); });
    loop->defer(*deferred);
  }
  turn(*loop);
  turn(*loop);
  EXPECT_EQ(calls, 1);
}

TEST(Loop, PostedFunctionsRunOnce) {
  auto loop = make_loop();
  int calls = 0;
  loop->post([&] {
    ++calls;
    loop->post([&] { calls += 10; });
  });
  turn(*loop, true);
  EXPECT_EQ(calls, 1);
  turn(*loop, true);
  EXPECT_EQ(calls, 11);
}

TEST(Loop, TheHookKeepsTheLoopAwakeWhileItHasMore) {
  auto loop = make_loop();
  int left = 3, other = 0;
  loop->add_turn_hook([&](bool) { return --left > 0; });
  loop->add_turn_hook([&](bool) {
    other++;
    return false;
  });
  turn(*loop);
  while (left > 0) turn(*loop, true);
  EXPECT_EQ(left, 0);
  EXPECT_EQ(other, 3);
}

TEST(Loop, TheHookKnowsWhetherTheTurnWasIdle) {
  auto loop = make_loop();
  bool idle = false;
  loop->add_turn_hook([&](bool now_idle) {
    idle = now_idle;
    return false;
  });
  turn(*loop);
  EXPECT_TRUE(idle);
  loop->post([] {});
  turn(*loop);
  EXPECT_FALSE(idle);
}

TEST(Loop, AnotherThreadWakesIt) {
  auto loop = make_loop();
  std::atomic<bool> done{false};
  for (int i = 0; i < 3; ++i) {
    std::thread thread([&] {
      done = true;
      loop->wake();
      loop->wake();
    });
    while (!done.exchange(false)) turn(*loop, true);
    thread.join();
  }
}

TEST(Loop, ASignalHandlerWakesIt) {
  auto loop = make_loop();
  static Loop* g_loop;
  static volatile sig_atomic_t g_signals;
  g_loop = loop.get();
  g_signals = 0;
  struct sigaction action{};
  action.sa_handler = [](int) {
    g_signals = g_signals + 1;
    g_loop->wake();
  };
  sigaction(SIGUSR1, &action, nullptr);
  Timer timer(*loop, [] { kill(getpid(), SIGUSR1); });
  timer.set_ms(1);
  while (g_signals == 0) turn(*loop, true);
  signal(SIGUSR1, SIG_DFL);
  EXPECT_EQ(g_signals, 1);
}

// ---- restrictions ----

class RestrictedLoop : public testing::Test {
 protected:
  void SetUp() override {
    loop =
        make_loop({.entries = 64, .fixed_files = 16, .recv_buffer_count = 16, .restricted = true});
    auto enabled = loop->restrict_and_enable();
    ASSERT_TRUE(enabled.has_value()) << enabled.error().message;
  }
  int32_t result_of(auto prepare) {
    Recorder recorder;
    prepare(loop->prepare(&recorder));
    while (recorder.results.empty()) turn(*loop, true);
    return recorder.results.front();
  }
  std::unique_ptr<Loop> loop;
};

TEST_F(RestrictedLoop, RefusesWhatOpensOrConnects) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(
      result_of([](auto* sqe) { io_uring_prep_openat(sqe, AT_FDCWD, "/dev/null", O_RDONLY, 0); }),
      -EACCES);
  EXPECT_EQ(result_of([](auto* sqe) { io_uring_prep_socket(sqe, AF_INET, SOCK_STREAM, 0, 0); }),
            -EACCES);
  EXPECT_EQ(result_of([&](auto* sqe) {
              io_uring_prep_connect(sqe, fd.get(), reinterpret_cast<sockaddr*>(&address),
                                    sizeof address);
            }),
            -EACCES);
  EXPECT_EQ(result_of([](auto* sqe) { io_uring_prep_unlink(sqe, "/nowhere", 0); }), -EACCES);
  EXPECT_EQ(result_of([](auto* sqe) { io_uring_prep_statx(sqe, AT_FDCWD, "/", 0, 0, nullptr); }),
            -EACCES);
}

TEST_F(RestrictedLoop, RefusesFlagsOutsideTheList) {
  EXPECT_EQ(result_of([](auto* sqe) {
              io_uring_prep_nop(sqe);
              sqe->flags |= IOSQE_IO_DRAIN;
            }),
            -EACCES);
}

TEST_F(RestrictedLoop, TakesOperationsOnWhatItHolds) {
  int pipe_fds[2];
  ASSERT_EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
  UniqueFd reader(pipe_fds[0]), writer(pipe_fds[1]);
  char byte = 'x';
  EXPECT_EQ(result_of([](auto* sqe) { io_uring_prep_nop(sqe); }), 0);
  EXPECT_EQ(result_of([&](auto* sqe) { io_uring_prep_write(sqe, writer.get(), &byte, 1, 0); }), 1);
  EXPECT_EQ(result_of([&](auto* sqe) { io_uring_prep_read(sqe, reader.get(), &byte, 1, 0); }), 1);
  int moved = reader.get();
  EXPECT_EQ(result_of([&](auto* sqe) {
              io_uring_prep_files_update(sqe, &moved, 1, static_cast<int>(IORING_FILE_INDEX_ALLOC));
            }),
            1);
  EXPECT_EQ(
      result_of([&](auto* sqe) { io_uring_prep_close_direct(sqe, static_cast<unsigned>(moved)); }),
      0);
}

TEST(Loop, UnrestrictedOneOpens) {
  auto loop = make_loop();
  Recorder recorder;
  io_uring_prep_openat(loop->prepare(&recorder), AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC, 0);
  while (recorder.results.empty()) turn(*loop, true);
  ASSERT_GE(recorder.results.front(), 0);
  close(recorder.results.front());
}

TEST(Ring, NoOperationOfTheListOpensConnectsOrRuns) {
  for (uint8_t operation : restricted_operations())
    for (uint8_t forbidden :
         {IORING_OP_OPENAT, IORING_OP_OPENAT2, IORING_OP_SOCKET, IORING_OP_CONNECT,
          IORING_OP_URING_CMD, IORING_OP_UNLINKAT, IORING_OP_RENAMEAT})
      EXPECT_NE(operation, forbidden);
}

TEST(Ring, SetupErrorsSayWhatIsMissing) {
  EXPECT_NE(explain_setup_error(EINVAL, "5.15.0").message.find("DEFER_TASKRUN"), std::string::npos);
  EXPECT_NE(explain_setup_error(EINVAL, "5.15.0").message.find("5.15.0"), std::string::npos);
  EXPECT_NE(explain_setup_error(EPERM, "6.1").message.find("kernel.io_uring_disabled"),
            std::string::npos);
  EXPECT_NE(explain_setup_error(ENOSYS, "4.9").message.find("no io_uring"), std::string::npos);
}

TEST(Ring, TheFileTableIsCutToTheDescriptorLimit) {
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
  rlimit low{128, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  auto loop = Loop::create({.entries = 8, .fixed_files = 100'000});
  setrlimit(RLIMIT_NOFILE, &old);
  EXPECT_TRUE(loop.has_value());
}

}  // namespace
}  // namespace skep::loop
