#include "loop/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <functional>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "base/time.h"

namespace skep::loop {
namespace {

constexpr int64_t kPatienceNs = 20'000'000'000;  // a test that hangs this long has failed

struct Events final : SocketEvents {
  void on_data(std::span<const char> data) override {
    received.append(data.data(), data.size());
    if (data_hook) data_hook();
  }
  void on_end() override {
    ++ends;
    if (end_hook) end_hook();
  }
  void on_error(int error) override {
    errors.push_back(error);
    if (error_hook) error_hook();
  }
  void on_sent() override {
    ++drained;
    if (sent_hook) sent_hook();
  }
  std::string received;
  int ends = 0;
  int drained = 0;
  std::vector<int> errors;
  std::function<void()> data_hook, end_hook, error_hook, sent_hook;
};

struct Accepted final : AcceptorEvents {
  void on_connection(UniqueFd fd, PeerAddress peer) override {
    fds.push_back(std::move(fd));
    peers.push_back(std::move(peer));
    if (hook) hook();
  }
  void on_accept_error(int error) override { errors.push_back(error); }
  std::vector<UniqueFd> fds;
  std::vector<PeerAddress> peers;
  std::vector<int> errors;
  std::function<void()> hook;
};

// A loop, a Socket on it, and the other end as a plain descriptor.
class SocketTest : public testing::Test {
 protected:
  void SetUp() override { make_loop({.entries = 64, .fixed_files = 64, .recv_buffer_count = 16}); }
  void make_loop(LoopOptions options) {
    socket.reset();
    auto made = Loop::create(options);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    loop = std::move(*made);
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    peer.reset(fds[1]);
    fcntl(peer.get(), F_SETFL, O_NONBLOCK);
    socket = std::make_unique<Socket>(*loop, UniqueFd(fds[0]), events);
  }
  void TearDown() override {
    socket.reset();
    if (loop) turns(3);
  }
  void turns(int count) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(loop->turn(false).has_value());
  }
  // Turns the loop until `done`.
  void until(const std::function<bool()>& done) {
    const int64_t end_ns = monotonic_ns() + kPatienceNs;
    Timer tick(*loop, [] {});
    while (!done()) {
      ASSERT_LT(monotonic_ns(), end_ns) << "gave up waiting";
      tick.set_ms(20);
      ASSERT_TRUE(loop->turn(true).has_value());
    }
  }
  void write_peer(std::string_view data) {
    ASSERT_EQ(write(peer.get(), data.data(), data.size()), ssize_t(data.size()));
  }
  std::string read_peer() {
    std::string all;
    char buffer[65536];
    for (;;) {
      const ssize_t n = read(peer.get(), buffer, sizeof buffer);
      if (n <= 0) return all;
      all.append(buffer, static_cast<size_t>(n));
    }
  }
  bool peer_sees_end() {
    char byte;
    return read(peer.get(), &byte, 1) == 0;
  }

  std::unique_ptr<Loop> loop;
  Events events;
  UniqueFd peer;
  std::unique_ptr<Socket> socket;
};

std::string pattern(size_t bytes) {
  std::string text(bytes, 0);
  uint32_t state = 1;
  for (char& c : text) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return text;
}

// ---- receive ----

TEST_F(SocketTest, ReceivesThenHearsTheEnd) {
  socket->receive();
  write_peer("hello");
  until([&] { return events.received == "hello"; });
  write_peer(" again");
  until([&] { return events.received == "hello again"; });
  shutdown(peer.get(), SHUT_WR);
  until([&] { return events.ends == 1; });
  turns(3);
  EXPECT_EQ(events.ends, 1);
  EXPECT_TRUE(events.errors.empty());
}

TEST_F(SocketTest, DeliversNothingBeforeReceive) {
  write_peer("early");
  turns(3);
  EXPECT_EQ(events.received, "");
  socket->receive();
  until([&] { return events.received == "early"; });
}

TEST_F(SocketTest, KeepsWhatArrivesWhilePaused) {
  socket->receive();
  turns(1);
  socket->pause();
  EXPECT_FALSE(socket->receiving());
  write_peer("one ");
  turns(3);
  write_peer("two ");
  turns(3);
  shutdown(peer.get(), SHUT_WR);
  turns(3);
  EXPECT_EQ(events.received, "");
  EXPECT_EQ(events.ends, 0);
  socket->receive();
  EXPECT_EQ(events.received, "");  // not within receive()
  until([&] { return events.ends == 1; });
  EXPECT_EQ(events.received, "one two ");
}

TEST_F(SocketTest, PausedSocketHoldsTheSenderBack) {
  socket->receive();
  turns(1);
  socket->pause();
  const std::string block = pattern(4096);
  size_t sent = 0;
  for (int idle = 0; idle < 20;) {
    const ssize_t n = write(peer.get(), block.data(), block.size());
    sent += n > 0 ? static_cast<size_t>(n) : 0;
    if (n <= 0) turns(1);
    idle = n > 0 ? 0 : idle + 1;
  }
  // What the two kernel buffers hold, and one turn's receive buffers.
  EXPECT_LT(sent, 2u << 20);
  socket->receive();
  until([&] { return events.received.size() == sent; });
}

TEST_F(SocketTest, PauseWithinOnDataStopsIt) {
  events.data_hook = [&] { socket->pause(); };
  socket->receive();
  const std::string data = pattern(100'000);
  size_t written = 0;
  while (events.received.size() < data.size()) {
    const ssize_t n = write(peer.get(), data.data() + written, data.size() - written);
    written += n > 0 ? static_cast<size_t>(n) : 0;
    turns(2);
    socket->receive();
  }
  EXPECT_EQ(events.received, data);
}

TEST_F(SocketTest, GoesOnAfterAllBuffersWereTaken) {
  make_loop({.entries = 64, .recv_buffer_bytes = 1024, .recv_buffer_count = 2});
  const std::string data = pattern(100'000);
  ASSERT_EQ(write(peer.get(), data.data(), data.size()), ssize_t(data.size()));
  socket->receive();
  until([&] { return events.received.size() == data.size(); });
  EXPECT_EQ(events.received, data);
  EXPECT_EQ(loop->stats().recv_buffers, 2u);
}

TEST_F(SocketTest, BuffersGrowOnDemand) {
  make_loop({.entries = 64, .recv_buffer_bytes = 512, .recv_buffer_count = 1024});
  EXPECT_EQ(loop->stats().recv_buffers, 64u);
  const std::string data = pattern(150'000);
  ASSERT_EQ(write(peer.get(), data.data(), data.size()), ssize_t(data.size()));
  socket->receive();
  until([&] { return events.received.size() == data.size(); });
  EXPECT_EQ(events.received, data);
  EXPECT_GT(loop->stats().recv_buffers, 64u);
}

TEST_F(SocketTest, TellsOfAResetOnce) {
  socket->receive();
  turns(1);
  // A UNIX socket is reset when its peer closes with unread bytes.
  socket->send("unread");
  turns(2);
  peer.reset();
  until([&] { return !events.errors.empty(); });
  socket->send("more");
  turns(5);
  EXPECT_EQ(events.errors, std::vector<int>{ECONNRESET});
}

// ---- send ----

TEST_F(SocketTest, SendsInOrderAndSaysSo) {
  socket->send("a");
  socket->send("b");
  EXPECT_EQ(socket->queued(), 2u);
  socket->send_owned(std::string_view("cc"), nullptr);
  socket->send("d");
  until([&] { return events.drained == 1; });
  EXPECT_EQ(read_peer(), "abccd");
  EXPECT_EQ(socket->queued(), 0u);
  EXPECT_GT(socket->last_progress_ns(), 0);
}

TEST_F(SocketTest, SmallSendsOfATurnLeaveTogether) {
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
  UniqueFd other(fds[1]);
  socket = std::make_unique<Socket>(*loop, UniqueFd(fds[0]), events);
  for (int i = 0; i < 10; ++i) socket->send("x");
  until([&] { return events.drained == 1; });
  char buffer[100];
  EXPECT_EQ(read(other.get(), buffer, sizeof buffer), 10);  // one record: one system call
}

TEST_F(SocketTest, KeepsOwnedBytesUntilTheyAreSent) {
  auto owner = std::make_shared<std::string>(pattern(1 << 20));
  std::weak_ptr<std::string> watch = owner;
  socket->send("head ");
  socket->send_owned(*owner, owner);
  const std::string expected = "head " + *owner;
  owner.reset();
  turns(3);
  EXPECT_FALSE(watch.expired());
  std::string got;
  until([&] {
    got += read_peer();
    return events.drained == 1;
  });
  got += read_peer();
  EXPECT_TRUE(got == expected);
  EXPECT_TRUE(watch.expired());
}

TEST_F(SocketTest, ManyPiecesOfAllSizes) {
  std::string expected, got;
  const std::string source = pattern(100'000);
  for (size_t i = 0; i < 500; ++i) {
    const size_t bytes = (i * 977) % 3000 + 1;
    const std::string_view part = std::string_view(source).substr(i * 13, bytes);
    expected += part;
    if (i % 3 == 0)
      socket->send_owned(part, nullptr);
    else
      socket->send(part);
    if (i % 7 == 0) turns(1);
    got += read_peer();
  }
  until([&] {
    got += read_peer();
    return got.size() == expected.size();
  });
  EXPECT_TRUE(got == expected);
  until([&] { return socket->queued() == 0; });
}

TEST_F(SocketTest, ShutdownFollowsTheQueuedBytes) {
  const std::string data = pattern(2 << 20);
  socket->send(data);
  socket->shutdown_send();
  std::string got;
  until([&] {
    got += read_peer();
    return got.size() == data.size();
  });
  until([&] { return peer_sees_end(); });
  EXPECT_TRUE(got == data);
  // The other direction still works.
  socket->receive();
  write_peer("still here");
  until([&] { return events.received == "still here"; });
}

TEST_F(SocketTest, ShutdownWithNothingQueued) {
  socket->shutdown_send();
  until([&] { return peer_sees_end(); });
}

TEST_F(SocketTest, SendToAClosedPeerIsAnError) {
  peer.reset();
  socket->send("nobody");
  until([&] { return !events.errors.empty(); });
  EXPECT_EQ(events.errors, std::vector<int>{EPIPE});
  EXPECT_EQ(socket->queued(), 0u);
}

TEST_F(SocketTest, ABusyConnectionMovesIntoTheTable) {
  socket->receive();
  for (unsigned i = 0; i < limits::kSendsBeforeFixedFile; ++i) {
    socket->send("x");
    until([&] { return socket->queued() == 0; });
  }
  until([&] { return loop->stats().fixed_files_used == 1; });
  socket->send("through the table");
  until([&] { return socket->queued() == 0; });
  EXPECT_EQ(read_peer(), std::string(limits::kSendsBeforeFixedFile, 'x') + "through the table");
  socket->pause();
  write_peer("y");
  turns(3);
  socket->receive();  // armed anew, on the slot
  until([&] { return events.received == "y"; });
  write_peer("z");
  until([&] { return events.received == "yz"; });
  socket->shutdown_send();
  until([&] { return peer_sees_end(); });
  socket.reset();
  until([&] { return loop->stats().fixed_files_used == 0; });
}

TEST_F(SocketTest, AFullTableDoesNoHarm) {
  make_loop({.entries = 64, .fixed_files = 1, .recv_buffer_count = 16});
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  UniqueFd other_peer(fds[1]);
  Events other_events;
  Socket other(*loop, UniqueFd(fds[0]), other_events);
  for (unsigned i = 0; i < limits::kSendsBeforeFixedFile * 2; ++i) {
    socket->send("x");
    other.send("y");
    until([&] { return socket->queued() + other.queued() == 0; });
  }
  EXPECT_EQ(loop->stats().fixed_files_used, 1u);
  EXPECT_TRUE(events.errors.empty());
  EXPECT_TRUE(other_events.errors.empty());
}

// ---- destruction ----

TEST_F(SocketTest, DestructionClosesTheConnection) {
  socket->receive();
  turns(2);
  socket.reset();
  until([&] { return peer_sees_end(); });
  until([&] { return loop->stats().in_flight == 1; });
}

TEST_F(SocketTest, DestructionWithASendInFlightAndBytesQueued) {
  auto owner = std::make_shared<std::string>(pattern(4 << 20));
  std::weak_ptr<std::string> watch = owner;
  socket->receive();
  socket->send_owned(*owner, owner);
  turns(2);
  socket->send(*owner);
  owner.reset();
  socket.reset();
  until([&] { return watch.expired(); });
  until([&] { return loop->stats().in_flight == 1; });
  EXPECT_EQ(events.drained, 0);
}

TEST_F(SocketTest, DestructionInTheTurnThatStartedEverything) {
  socket->receive();
  socket->send("never or once");
  socket.reset();
  until([&] { return loop->stats().in_flight == 1; });
}

TEST_F(SocketTest, DestructionWithinOnData) {
  events.data_hook = [&] { socket.reset(); };
  socket->receive();
  write_peer(pattern(100'000));
  until([&] { return !events.received.empty(); });
  const size_t seen = events.received.size();
  until([&] { return loop->stats().in_flight == 1; });
  EXPECT_EQ(events.received.size(), seen);
}

TEST_F(SocketTest, DestructionWithinOnEnd) {
  events.end_hook = [&] { socket.reset(); };
  socket->receive();
  shutdown(peer.get(), SHUT_WR);
  until([&] { return events.ends == 1; });
  until([&] { return loop->stats().in_flight == 1; });
}

TEST_F(SocketTest, DestructionWithinOnSent) {
  events.sent_hook = [&] { socket.reset(); };
  socket->receive();
  socket->send("bytes");
  until([&] { return events.drained == 1; });
  until([&] { return loop->stats().in_flight == 1; });
}

TEST_F(SocketTest, DestructionWithinOnError) {
  events.error_hook = [&] { socket.reset(); };
  socket->receive();
  peer.reset();
  socket->send("bytes");
  until([&] { return events.errors.size() + events.ends > 0; });
  socket.reset();
  until([&] { return loop->stats().in_flight == 1; });
}

TEST_F(SocketTest, DestructionWithinTheDeliveryOfKeptBytes) {
  socket->receive();
  turns(1);
  socket->pause();
  write_peer("kept");
  turns(3);
  events.data_hook = [&] { socket.reset(); };
  socket->receive();
  until([&] { return events.received == "kept"; });
  until([&] { return loop->stats().in_flight == 1; });
}

TEST_F(SocketTest, DestructionByTheOwnerOfItsBytes) {
  std::shared_ptr<void> owner(nullptr, [&](void*) { socket.reset(); });
  socket->send_owned(std::string_view("bytes"), std::move(owner));
  until([&] { return socket == nullptr; });
  until([&] { return loop->stats().in_flight == 1; });
  EXPECT_EQ(events.drained, 0);
}

TEST_F(SocketTest, TheLoopMayGoRightAfterItsSockets) {
  socket->receive();
  socket->send(pattern(4 << 20));
  turns(2);
  socket.reset();
  loop.reset();
}

// ---- a slow reader ----

size_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  unsigned long total = 0, resident = 0;
  if (std::fscanf(file, "%lu %lu", &total, &resident) != 2) resident = 0;
  std::fclose(file);
  return resident * 4096;
}

// Sends back what it gets, with bounds: stops receiving while too much is queued.
struct Echo final : SocketEvents {
  Echo(Loop& loop, UniqueFd fd) : socket(loop, std::move(fd), *this) { socket.receive(); }
  void on_data(std::span<const char> data) override {
    socket.send({data.data(), data.size()});
    most_queued = std::max(most_queued, socket.queued());
    if (socket.queued() > limits::kSendBufferHighWater) socket.pause();
  }
  void on_sent() override { socket.receive(); }
  void on_end() override { socket.shutdown_send(); }
  void on_error(int error) override { failed = error; }
  size_t most_queued = 0;
  int failed = 0;
  Socket socket;
};

void stream_hundred_megabytes(int fd, bool* right) {
  const std::string block = pattern(1 << 20);
  constexpr size_t kTotal = 100 << 20;
  size_t sent = 0, got = 0;
  std::string buffer(1 << 20, 0);
  *right = true;
  for (int round = 0; got < kTotal; ++round) {
    pollfd wait{fd, static_cast<short>(sent < kTotal ? POLLIN | POLLOUT : POLLIN), 0};
    poll(&wait, 1, -1);
    if ((wait.revents & POLLOUT) != 0) {
      const size_t at = sent % block.size();
      const ssize_t n = send(fd, block.data() + at, block.size() - at, MSG_DONTWAIT);
      sent += n > 0 ? static_cast<size_t>(n) : 0;
    }
    // Reads less often than it writes.
    if ((wait.revents & POLLIN) == 0 || (sent < kTotal && round % 4 != 0)) continue;
    const ssize_t n = recv(fd, buffer.data(), 256 * 1024, MSG_DONTWAIT);
    if (n <= 0) break;
    for (ssize_t i = 0; i < n; i += 97)
      *right = *right && buffer[size_t(i)] == block[(got + size_t(i)) % block.size()];
    got += static_cast<size_t>(n);
  }
  *right = *right && got == kTotal;
}

TEST_F(SocketTest, HundredMegabytesThroughASlowReaderInBoundedMemory) {
  socket.reset();
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  UniqueFd client(fds[1]);
  Echo echo(*loop, UniqueFd(fds[0]));
  bool right = false;
  std::atomic<bool> done{false};
  std::thread thread([&] {
    stream_hundred_megabytes(client.get(), &right);
    done = true;
    loop->wake();
  });
  turns(1);
  const size_t before = resident_bytes();
  size_t most = before;
  until([&] {
    most = std::max(most, resident_bytes());
    return done.load();
  });
  thread.join();
  EXPECT_TRUE(right);
  EXPECT_EQ(echo.failed, 0);
  EXPECT_LT(echo.most_queued, 2u << 20);
#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer)
  // AddressSanitizer keeps freed memory back.
  EXPECT_LT(most - before, 24u << 20);
#endif
}

// ---- accept ----

struct Listener {
  explicit Listener(int family = AF_INET) {
    fd.reset(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* address =
        family == AF_INET ? reinterpret_cast<sockaddr*>(&v4) : reinterpret_cast<sockaddr*>(&v6);
    usable = bind(fd.get(), address, family == AF_INET ? sizeof v4 : sizeof v6) == 0 &&
             listen(fd.get(), 64) == 0;
  }
  UniqueFd connect_client() {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
    UniqueFd client(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    return client;
  }
  static uint16_t local_port(const UniqueFd& client) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(client.get(), reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }
  UniqueFd fd;
  bool usable = false;
};

TEST_F(SocketTest, AcceptsWithThePeersAddress) {
  Listener listener;
  ASSERT_TRUE(listener.usable);
  Accepted accepted;
  Acceptor acceptor(*loop, UniqueFd(dup(listener.fd.get())), accepted);
  acceptor.start();
  UniqueFd first = listener.connect_client();
  UniqueFd second = listener.connect_client();
  until([&] { return accepted.fds.size() == 2; });
  EXPECT_EQ(accepted.peers[0].address, "127.0.0.1");
  EXPECT_EQ(accepted.peers[0].port, Listener::local_port(first));
  EXPECT_EQ(accepted.peers[1].port, Listener::local_port(second));
  Events other;
  Socket connection(*loop, std::move(accepted.fds[0]), other);
  connection.receive();
  ASSERT_EQ(write(first.get(), "hi", 2), 2);
  until([&] { return other.received == "hi"; });
}

TEST_F(SocketTest, AcceptsOverIpv6) {
  Listener listener(AF_INET6);
  if (!listener.usable) GTEST_SKIP() << "no IPv6 here";
  Accepted accepted;
  Acceptor acceptor(*loop, UniqueFd(dup(listener.fd.get())), accepted);
  acceptor.start();
  UniqueFd client = listener.connect_client();
  until([&] { return accepted.fds.size() == 1; });
  EXPECT_EQ(accepted.peers[0].address, "::1");
}

TEST_F(SocketTest, AcceptsOnUnixSockets) {
  UniqueFd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_EQ(bind(listening.get(), reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)), 0);
  ASSERT_EQ(listen(listening.get(), 4), 0);
  socklen_t size = sizeof address;
  getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size);
  Accepted accepted;
  Acceptor acceptor(*loop, std::move(listening), accepted);
  acceptor.start();
  UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  until([&] { return accepted.fds.size() == 1; });
  EXPECT_EQ(accepted.peers[0].address, "unix");
  EXPECT_EQ(accepted.peers[0].port, 0);
}

TEST_F(SocketTest, StoppedAcceptorLeavesConnectionsInTheBacklog) {
  Listener listener;
  Accepted accepted;
  Acceptor acceptor(*loop, UniqueFd(dup(listener.fd.get())), accepted);
  acceptor.start();
  turns(2);
  acceptor.stop();
  turns(2);
  UniqueFd client = listener.connect_client();
  turns(5);
  EXPECT_TRUE(accepted.fds.empty());
  acceptor.start();
  until([&] { return accepted.fds.size() == 1; });
  acceptor.stop();
  acceptor.start();  // before the cancellation has come back
  UniqueFd second = listener.connect_client();
  until([&] { return accepted.fds.size() == 2; });
}

TEST_F(SocketTest, AcceptorMayGoWithinItsCallback) {
  Listener listener;
  Accepted accepted;
  auto acceptor = std::make_unique<Acceptor>(*loop, UniqueFd(dup(listener.fd.get())), accepted);
  accepted.hook = [&] { acceptor.reset(); };
  acceptor->start();
  UniqueFd first = listener.connect_client();
  UniqueFd second = listener.connect_client();
  until([&] { return acceptor == nullptr; });
  until([&] { return loop->stats().in_flight == 1; });
  EXPECT_EQ(accepted.fds.size(), 1u);
}

TEST_F(SocketTest, AcceptorRetriesWhenDescriptorsRunOut) {
  Listener listener;
  Accepted accepted;
  Acceptor acceptor(*loop, UniqueFd(dup(listener.fd.get())), accepted);
  UniqueFd client = listener.connect_client();
  rlimit old{};
  getrlimit(RLIMIT_NOFILE, &old);
  rlimit low{static_cast<rlim_t>(client.get()) + 1, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  acceptor.start();
  turns(5);
  EXPECT_TRUE(accepted.fds.empty());
  setrlimit(RLIMIT_NOFILE, &old);
  until([&] { return accepted.fds.size() == 1; });
  EXPECT_TRUE(accepted.errors.empty());
}

TEST_F(SocketTest, AcceptorTellsOfALastingError) {
  Accepted accepted;
  UniqueFd not_listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Acceptor acceptor(*loop, std::move(not_listening), accepted);
  acceptor.start();
  until([&] { return !accepted.errors.empty(); });
  EXPECT_EQ(accepted.errors, std::vector<int>{EINVAL});
}

// A whole server on a restricted ring: accept, receive, send, the table, close.
TEST_F(SocketTest, WorksOnARestrictedRing) {
  socket.reset();
  turns(2);
  auto made =
      Loop::create({.entries = 64, .fixed_files = 16, .recv_buffer_count = 16, .restricted = true});
  ASSERT_TRUE(made.has_value());
  loop = std::move(*made);
  ASSERT_TRUE(loop->restrict_and_enable().has_value());
  Listener listener;
  Accepted accepted;
  Acceptor acceptor(*loop, UniqueFd(dup(listener.fd.get())), accepted);
  acceptor.start();
  UniqueFd client = listener.connect_client();
  until([&] { return accepted.fds.size() == 1; });
  {
    Echo echo(*loop, std::move(accepted.fds[0]));
    for (unsigned i = 0; i < limits::kSendsBeforeFixedFile + 5; ++i) {
      ASSERT_EQ(write(client.get(), "ping", 4), 4);
      char buffer[8];
      ssize_t got = -1;
      until([&] { return (got = recv(client.get(), buffer, 8, MSG_DONTWAIT)) > 0; });
      EXPECT_EQ(got, 4);
    }
    EXPECT_EQ(loop->stats().fixed_files_used, 1u);
  }
  turns(3);
  EXPECT_EQ(loop->stats().fixed_files_used, 0u);
  char byte;
  until([&] { return recv(client.get(), &byte, 1, MSG_DONTWAIT) == 0; });
}

}  // namespace
}  // namespace skep::loop
