// Both ends of a connection, in one loop and in two threads with a loop each.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <thread>

#include "base/limits.h"
#include "rpc/connection.h"
#include "rpc/descriptor.h"
#include "rpc/kj_loop.h"
#include "rpc/outcome.h"
#include "rpc/skep.capnp.h"

namespace skep::rpc {
namespace {

struct Pair {
  Pair() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    broker.reset(fds[0]);
    shard.reset(fds[1]);
  }
  UniqueFd broker, shard;
};

std::unique_ptr<loop::Loop> make_loop() {
  auto loop = loop::Loop::create(
      {.entries = 64, .fixed_files = 0, .recv_buffer_bytes = 0, .recv_buffer_count = 0});
  EXPECT_TRUE(loop) << loop.error().message;
  return std::move(*loop);
}

// Answers load() with `bytes` of content, or fails where told to.
class FakeSource final : public WorkerSource::Server {
 public:
  explicit FakeSource(size_t bytes) : bytes_(bytes) {}

  kj::Promise<void> load(LoadContext context) override {
    if (bytes_ == 0) throw_error(Error{"src/index.js:3:1: no such thing", 0});
    auto worker = context.getResults().initWorker();
    worker.setVersion(7);
    auto content = worker.initMain().initContent(bytes_);
    memset(content.begin(), 'x', content.size());
    return kj::READY_NOW;
  }

  kj::Promise<void> storeCache(StoreCacheContext context) override {
    stored_bytes += context.getParams().getData().size();
    return kj::READY_NOW;
  }

  size_t stored_bytes = 0;

 private:
  size_t bytes_;
};

// The descriptor that the broker gives out: one end of a pipe, so that a test can write through it.
class FakeHost final : public Host::Server {
 public:
  FakeHost(UniqueFd listener, WorkerSource::Client source)
      : listener_(std::move(listener)), source_(kj::mv(source)) {}

  kj::Promise<void> attach(AttachContext context) override {
    shard = context.getParams().getShard();
    auto results = context.getResults();
    results.initConfig().setIndex(4);
    results.getConfig().initWorkers(1)[0].setSource(source_);
    results.getConfig().initRoutes(1)[0].setPattern(std::string(padding, 'x'));
    results.initListeners(1).set(0, kj::heap<DescriptorServer<Listener>>(std::move(listener_)));
    return kj::READY_NOW;
  }

  kj::Promise<void> log(LogContext context) override {
    for (auto entry : context.getParams().getEntries()) lines.push_back(entry.getMessage().cStr());
    return kj::READY_NOW;
  }

  kj::Maybe<Shard::Client> shard;
  std::vector<std::string> lines;
  size_t padding = 0;  // bytes that make attach()'s answer longer

 private:
  UniqueFd listener_;
  WorkerSource::Client source_;
};

class FakeShard final : public Shard::Server {
 public:
  kj::Promise<void> drain(DrainContext) override { return kj::READY_NOW; }
  kj::Promise<void> stats(StatsContext context) override {
    context.getResults().initStats().setRequests(42);
    return kj::READY_NOW;
  }
};

// Broker and shard in one loop.
class RpcTest : public testing::Test {
 protected:
  ~RpcTest() noexcept override {}

  void connect(size_t source_bytes = 100) {
    int pipe_ends[2];
    ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
    pipe_read_.reset(pipe_ends[0]);
    auto source = kj::heap<FakeSource>(source_bytes);
    source_ = source.get();
    auto host = kj::heap<FakeHost>(UniqueFd(pipe_ends[1]), WorkerSource::Client(kj::mv(source)));
    host_ = host.get();
    Pair pair;
    broker_.emplace(*loop_, std::move(pair.broker), Role::broker, Host::Client(kj::mv(host)));
    shard_.emplace(*loop_, std::move(pair.shard), Role::shard,
                   Shard::Client(kj::heap<FakeShard>()));
  }

  auto attach() {
    auto request = shard_->bootstrap().castAs<Host>().attachRequest();
    request.setShard(kj::heap<FakeShard>());
    return kj_.wait(request.send());
  }

  WorkerSource::Client source() { return attach().getConfig().getWorkers()[0].getSource(); }

  void TearDown() override {
    shard_.reset();
    broker_.reset();
    // What was cancelled completes.
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(loop_->turn(false));
  }

  std::unique_ptr<loop::Loop> loop_ = make_loop();
  KjLoop kj_{*loop_};
  std::optional<Connection> broker_, shard_;
  FakeHost* host_ = nullptr;
  FakeSource* source_ = nullptr;
  UniqueFd pipe_read_;
};

TEST_F(RpcTest, CallsGoBothWays) {
  connect();
  auto answer = attach();
  EXPECT_EQ(answer.getConfig().getIndex(), 4u);
  auto stats = kj_.wait(KJ_ASSERT_NONNULL(host_->shard).statsRequest().send());
  EXPECT_EQ(stats.getStats().getRequests(), 42u);
  auto peer = kj_.wait(broker_->bootstrap().castAs<Shard>().statsRequest().send());
  EXPECT_EQ(peer.getStats().getRequests(), 42u);
}

TEST_F(RpcTest, DescriptorsRideAlong) {
  connect();
  auto answer = attach();
  const UniqueFd writer = kj_.wait(take_descriptor(answer.getListeners()[0]));
  ASSERT_EQ(write(writer.get(), "hi", 2), 2);
  char text[2];
  EXPECT_EQ(read(pipe_read_.get(), text, 2), 2);
  EXPECT_EQ(std::string(text, 2), "hi");
}

// The broker is built so: it has no use for a descriptor of a shard's.
TEST_F(RpcTest, DescriptorsFromAShardAreDropped) {
  connect();
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK), 0);
  const UniqueFd reader(pipe_ends[0]);

  class ShardWithDescriptor final : public Shard::Server {
   public:
    explicit ShardWithDescriptor(UniqueFd fd) : fd_(std::move(fd)) {}
    kj::Maybe<int> getFd() override { return fd_.get(); }

   private:
    UniqueFd fd_;
  };
  auto request = shard_->bootstrap().castAs<Host>().attachRequest();
  request.setShard(kj::heap<ShardWithDescriptor>(UniqueFd(pipe_ends[1])));
  kj_.wait(request.send());
  auto taken = caught([&] { return kj_.wait(take_descriptor(KJ_ASSERT_NONNULL(host_->shard))); });
  EXPECT_FALSE(taken);
  host_->shard = nullptr;
}

TEST_F(RpcTest, StreamingKeepsOrder) {
  connect();
  auto host = shard_->bootstrap().castAs<Host>();
  constexpr int kLines = 2000;
  kj::Promise<void> all = kj::READY_NOW;
  for (int i = 0; i < kLines; ++i) {
    auto request = host.logRequest();
    request.initEntries(1)[0].setMessage(std::to_string(i));
    all = all.then([sent = request.send()]() mutable { return kj::mv(sent); });
  }
  kj_.wait(kj::mv(all));
  attach();  // comes after everything that was sent before
  ASSERT_EQ(host_->lines.size(), static_cast<size_t>(kLines));
  for (int i = 0; i < kLines; ++i) ASSERT_EQ(host_->lines[i], std::to_string(i));
}

TEST_F(RpcTest, BigMessagesPass) {
  connect(64 << 20);
  auto answer = kj_.wait(source().loadRequest().send());
  auto content = answer.getWorker().getMain().getContent();
  ASSERT_EQ(content.size(), size_t{64} << 20);
  EXPECT_EQ(content[0], 'x');
  EXPECT_EQ(content[content.size() - 1], 'x');
}

TEST_F(RpcTest, TooBigAMessageIsRefusedBySenderAndReceiver) {
  connect();
  auto target = source();
  auto request = target.storeCacheRequest();
  request.initData(limits::kRpcMessageWords * 8 + 8);
  EXPECT_FALSE(caught([&] { kj_.wait(request.send()); }));
  EXPECT_EQ(source_->stored_bytes, 0u);
}

TEST_F(RpcTest, ErrorsKeepTheirText) {
  connect(0);
  auto target = source();
  auto result =
      caught([&] { return kj_.wait(target.loadRequest().send()).getWorker().getVersion(); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "src/index.js:3:1: no such thing");
}

TEST_F(RpcTest, WhenDoneGivesResults) {
  connect(0);
  std::vector<std::string> seen;
  auto target = source();
  auto failing = when_done(
      target.loadRequest().send().then(
          [](auto&& answer) { return answer.getWorker().getVersion(); }),
      [&](Result<uint64_t> result) { seen.push_back(result ? "value" : result.error().message); });
  kj_.wait(kj::mv(failing));
  auto working = when_done(target.storeCacheRequest().send().ignoreResult(),
                           [&](Result<> result) { seen.push_back(result ? "done" : "failed"); });
  kj_.wait(kj::mv(working));
  EXPECT_EQ(seen, (std::vector<std::string>{"src/index.js:3:1: no such thing", "done"}));
}

TEST_F(RpcTest, EachSideHearsThatTheOtherIsGone) {
  connect();
  attach();
  auto gone = broker_->on_disconnect();
  shard_.reset();
  kj_.wait(kj::mv(gone));
  auto call = caught([&] { kj_.wait(broker_->bootstrap().castAs<Shard>().drainRequest().send()); });
  EXPECT_FALSE(call);
}

TEST_F(RpcTest, CallsInFlightFailWhenThePeerGoes) {
  class NeverDrained final : public Shard::Server {
    kj::Promise<void> drain(DrainContext) override { return kj::NEVER_DONE; }
  };
  connect();
  auto request = shard_->bootstrap().castAs<Host>().attachRequest();
  request.setShard(kj::heap<NeverDrained>());
  kj_.wait(request.send());
  auto drained = KJ_ASSERT_NONNULL(host_->shard).drainRequest().send();
  shard_.reset();
  EXPECT_FALSE(caught([&] { kj_.wait(kj::mv(drained)); }));
}

TEST_F(RpcTest, ConnectionsGoWithMessagesOnTheirWay) {
  for (int i = 0; i < 20; ++i) {
    connect(1 << 20);
    auto request = shard_->bootstrap().castAs<Host>().attachRequest();
    request.setShard(kj::heap<FakeShard>());
    auto sent = request.send();
    for (int turn = 0; turn < i; ++turn) ASSERT_TRUE(loop_->turn(false));
    if (i % 2 == 0) broker_.reset();
    shard_.reset();
    broker_.reset();
  }
}

TEST_F(RpcTest, GarbageEndsTheConnectionCleanly) {
  const std::string inputs[] = {
      std::string(1000, '\xff'),
      std::string(1000, '\0'),
      std::string("GET / HTTP/1.1\r\n\r\n"),
      std::string("\x01\x00\x00\x00\xff\xff\xff\x7f\xff\xff\xff\x7f", 12),
      std::string("\x00\x00\x00\x00\x02\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff", 16),
  };
  for (const std::string& input : inputs) {
    Pair pair;
    Connection broker(*loop_, std::move(pair.broker), Role::broker,
                      Shard::Client(kj::heap<FakeShard>()));
    auto gone = broker.on_disconnect();
    ASSERT_EQ(write(pair.shard.get(), input.data(), input.size()),
              static_cast<ssize_t>(input.size()));
    shutdown(pair.shard.get(), SHUT_WR);
    kj_.wait(kj::mv(gone));
  }
}

// One read takes a short answer and the beginning of a long one behind it, whose descriptor comes
// with that read too: a buffered stream of Cap'n Proto's loses it.
TEST(RpcThreads, DescriptorsOfALongMessageBehindAShortOneArrive) {
  Pair pair;
  const int shard_socket = pair.shard.get();
  std::thread broker([socket = std::move(pair.broker)]() mutable {
    auto loop = make_loop();
    KjLoop kj(*loop);
    auto host = kj::heap<FakeHost>(UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)),
                                   WorkerSource::Client(kj::heap<FakeSource>(10)));
    host->padding = 1 << 20;
    Connection connection(*loop, std::move(socket), Role::broker, Host::Client(kj::mv(host)));
    kj.wait(connection.on_disconnect());
  });
  {
    auto loop = make_loop();
    KjLoop kj(*loop);
    Connection connection(*loop, std::move(pair.shard), Role::shard,
                          Shard::Client(kj::heap<FakeShard>()));
    auto host = connection.bootstrap().castAs<Host>();
    kj.wait(host.logRequest().send());
    auto first = host.logRequest().send();
    auto request = host.attachRequest();
    request.setShard(kj::heap<FakeShard>());
    auto second = request.send();
    // The ring reads when this thread turns it, and not before both answers are there.
    int waiting_bytes = 0;
    while (waiting_bytes < 10'000) {
      if (waiting_bytes == 0) ASSERT_TRUE(loop->turn(false));
      ASSERT_EQ(ioctl(shard_socket, FIONREAD, &waiting_bytes), 0);
    }
    kj.wait(kj::mv(first));
    auto answer = kj.wait(kj::mv(second));
    EXPECT_EQ(answer.getConfig().getRoutes()[0].getPattern().size(), 1u << 20);
    auto taken = caught([&] { return kj.wait(take_descriptor(answer.getListeners()[0])); });
    EXPECT_TRUE(taken) << taken.error().message;
  }
  broker.join();
}

TEST(RpcThreads, TwoLoopsTalk) {
  Pair pair;
  std::thread shard([socket = std::move(pair.shard)]() mutable {
    auto loop = make_loop();
    KjLoop kj(*loop);
    Connection connection(*loop, std::move(socket), Role::shard,
                          Shard::Client(kj::heap<FakeShard>()));
    auto gone = connection.on_disconnect();
    auto request = connection.bootstrap().castAs<Host>().attachRequest();
    request.setShard(kj::heap<FakeShard>());
    EXPECT_EQ(kj.wait(request.send()).getConfig().getIndex(), 4u);
    kj.wait(kj::mv(gone));
  });
  {
    auto loop = make_loop();
    KjLoop kj(*loop);
    auto host = kj::heap<FakeHost>(UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)),
                                   WorkerSource::Client(kj::heap<FakeSource>(10)));
    FakeHost* host_pointer = host.get();
    Connection connection(*loop, std::move(pair.broker), Role::broker, Host::Client(kj::mv(host)));
    while (host_pointer->shard == nullptr) ASSERT_TRUE(loop->turn(true));
    auto stats = kj.wait(KJ_ASSERT_NONNULL(host_pointer->shard).statsRequest().send());
    EXPECT_EQ(stats.getStats().getRequests(), 42u);
  }
  shard.join();
}

}  // namespace
}  // namespace skep::rpc
