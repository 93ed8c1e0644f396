// Pairs of sockets on one loop do everything at random, also from within callbacks, on a ring and
// with buffers far too small. What arrives must be a prefix of what was sent, in order, and all of
// it where neither end was destroyed.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/time.h"
#include "loop/socket.h"

namespace skep::loop {
namespace {

char byte_at(uint64_t position) {
  return static_cast<char>(position * 2654435761u >> 13);
}

class Torture;

struct End final : SocketEvents {
  End(Torture& owner, Loop& loop, int fd);
  void on_data(std::span<const char> data) override;
  void on_end() override;
  void on_error(int error) override;
  void on_sent() override;

  Torture& torture;
  std::unique_ptr<Socket> socket;
  End* other = nullptr;
  bool finished_sending = false;
  bool errored = false;
  bool ended = false;
  bool waits = false;  // paused by the game, not to be woken by the test's end
  uint64_t sent = 0;
  uint64_t received = 0;
};

struct Pair {
  std::unique_ptr<End> a, b;
};

class Torture {
 public:
  Torture(Loop& loop, unsigned seed, size_t pairs) : loop_(loop), random_(seed), pairs_(pairs) {
    for (Pair& pair : pairs_) renew(pair);
  }

  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }

  void renew(Pair& pair) {
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    pair.a = std::make_unique<End>(*this, loop_, fds[0]);
    pair.b = std::make_unique<End>(*this, loop_, fds[1]);
    pair.a->other = pair.b.get();
    pair.b->other = pair.a.get();
  }

  // One thing or another happens to one end. Destroys sockets, never Ends: the callbacks' `this`.
  void act(End& end) {
    if (end.socket == nullptr) return;
    switch (pick(16)) {
      case 0:
        end.socket->pause();
        return;
      case 1:
      case 2:
        end.socket->receive();
        return;
      case 3:
        if (pick(8) == 0) end.socket.reset();
        return;
      case 4:
        if (pick(8) != 0 || end.finished_sending) return;
        end.finished_sending = true;
        end.socket->shutdown_send();
        return;
      default:
        send(end, pick(5) == 0 ? pick(60'000) : pick(300));
    }
  }

  void send(End& end, size_t bytes) {
    if (end.finished_sending || end.errored || end.socket->queued() > 200'000) return;
    auto text = std::make_shared<std::string>(bytes, 0);
    for (char& c : *text) c = byte_at(end.sent++);
    if (pick(2) == 0)
      end.socket->send(*text);
    else
      end.socket->send_owned(*text, text);
  }

  void step() {
    Pair& pair = pairs_[pick(static_cast<unsigned>(pairs_.size()))];
    act(pick(2) == 0 ? *pair.a : *pair.b);
    if (pick(200) == 0 && (pair.a->socket == nullptr || pair.b->socket == nullptr)) renew(pair);
    if (pick(3) == 0) turn();
  }

  void turn() { ASSERT_TRUE(loop_.turn(false).has_value()); }

  // Everybody receives until nothing moves any more.
  void settle() {
    settling_ = true;
    for (int quiet = 0; quiet < 200; ++quiet) {
      // Some of the kernel's work (a send that found its buffer full) is done by other threads.
      if (quiet > 0) poll(nullptr, 0, 1);
      uint64_t before = total();
      for (Pair& pair : pairs_)
        for (End* end : {pair.a.get(), pair.b.get()})
          if (end->socket != nullptr) end->socket->receive();
      turn();
      if (total() != before) quiet = 0;
    }
  }

  void check() {
    for (Pair& pair : pairs_) {
      if (pair.a->socket == nullptr || pair.b->socket == nullptr) continue;
      if (pair.a->errored || pair.b->errored) continue;
      EXPECT_EQ(pair.a->received, pair.b->sent);
      EXPECT_EQ(pair.b->received, pair.a->sent);
      EXPECT_EQ(pair.a->ended, pair.b->finished_sending);
      EXPECT_EQ(pair.b->ended, pair.a->finished_sending);
    }
  }

  uint64_t total() const {
    uint64_t sum = 0;
    for (const Pair& pair : pairs_) sum += pair.a->received + pair.b->received;
    return sum;
  }
  bool settling() const { return settling_; }
  void close() { pairs_.clear(); }

 private:
  Loop& loop_;
  std::mt19937 random_;
  std::vector<Pair> pairs_;
  bool settling_ = false;
};

End::End(Torture& owner, Loop& loop, int fd) : torture(owner) {
  socket = std::make_unique<Socket>(loop, UniqueFd(fd), *this);
}

void End::on_data(std::span<const char> data) {
  ASSERT_TRUE(socket != nullptr && socket->receiving() && !ended && !errored);
  for (const char c : data) ASSERT_EQ(c, byte_at(received++));
  ASSERT_LE(received, other->sent);
  if (!torture.settling() && torture.pick(4) == 0) torture.act(*this);
}

void End::on_end() {
  ASSERT_TRUE(socket != nullptr && !ended && !errored);
  ended = true;
  if (!torture.settling()) torture.act(*this);
}

void End::on_error(int) {
  ASSERT_FALSE(errored);
  errored = true;
  if (!torture.settling()) torture.act(*this);
}

void End::on_sent() {
  ASSERT_TRUE(socket != nullptr && !errored);
  EXPECT_EQ(socket->queued(), 0u);
  if (!torture.settling()) torture.act(*this);
}

class SocketTorture : public testing::TestWithParam<unsigned> {};

TEST_P(SocketTorture, BytesKeepTheirOrderWhateverHappens) {
  LoopOptions options{
      .entries = 8, .fixed_files = 8, .recv_buffer_bytes = 512, .recv_buffer_count = 4};
  if (GetParam() % 2 == 1) options = {.entries = 256, .fixed_files = 64, .recv_buffer_count = 64};
  auto loop = Loop::create(options);
  ASSERT_TRUE(loop.has_value()) << loop.error().message;
  Torture torture(**loop, GetParam(), 24);
  for (int i = 0; i < 6000 && !HasFatalFailure(); ++i) torture.step();
  torture.settle();
  torture.check();
  EXPECT_GT(torture.total(), 1'000'000u);
  torture.close();
  for (int i = 0; i < 100 && (*loop)->stats().in_flight > 1; ++i) torture.turn();
  EXPECT_EQ((*loop)->stats().in_flight, 1u);  // the wake-up's
  EXPECT_EQ((*loop)->stats().fixed_files_used, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SocketTorture, testing::Range(1u, 13u));

}  // namespace
}  // namespace skep::loop
