// rpc::KvNamespace as a shard sees it that was taken over: whatever it sends, it gets an answer or
// a refusal, and reaches no namespace but the one it holds.
#include <capnp/rpc.capnp.h>
#include <capnp/serialize.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "base/limits_kv.h"
#include "bindings/broker/bindings.h"
#include "bindings/kv/generations.h"
#include "rpc/connection.h"
#include "rpc/descriptor.h"
#include "rpc/kj_loop.h"
#include "rpc/outcome.h"

namespace skep::bindings {
namespace {

class KvRpc : public testing::Test {
 protected:
  ~KvRpc() noexcept override = default;
  void SetUp() override {
    char name[] = "/tmp/skep-kv-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    loop_ = std::move(*loop::Loop::create({.entries = 256, .recv_buffer_count = 0}));
    kj_.emplace(*loop_);
    bindings_.emplace(*loop_, StorePlace{folder_, false});
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    broker_.emplace(*loop_, UniqueFd(pair[0]), rpc::Role::broker, make("a-worker", {}));
    shard_.emplace(*loop_, UniqueFd(pair[1]), rpc::Role::shard, nullptr);
    kv_.emplace(shard_->bootstrap().castAs<rpc::KvNamespace>());
  }
  void TearDown() override {
    kv_.reset();
    shard_.reset();
    broker_.reset();
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(loop_->turn(false));
    bindings_.reset();
    std::filesystem::remove_all(folder_);
  }

  rpc::KvNamespace::Client make(std::string worker, std::string id) {
    capnp::MallocMessageBuilder message;
    auto out = message.initRoot<rpc::Binding>();
    const config::Binding binding{"KV", config::KvBinding{std::move(id)}};
    EXPECT_TRUE(bindings_->write(binding, {std::move(worker), share_}, out));
    return out.getKv();
  }
  static capnp::Data::Reader data(std::string_view text) {
    return {reinterpret_cast<const kj::byte*>(text.data()), text.size()};
  }
  // "" or why not.
  template <typename Promise>
  std::string outcome(Promise promise) {
    std::string text;
    kj_->wait(promise.then([](auto&&...) {},
                           [&](kj::Exception&& e) { text = rpc::error_of(e).message; }));
    return text;
  }
  std::string put(std::string_view key, std::string_view value, std::string_view metadata = "") {
    auto request = kv_->putRequest();
    request.setKey(data(key));
    request.setValue(data(value));
    request.initOptions().setMetadata(data(metadata));
    return outcome(request.send().ignoreResult());
  }
  std::string get(std::string_view key, rpc::KvNamespace::Client* from = nullptr) {
    auto request = (from != nullptr ? *from : *kv_).getRequest();
    request.setKey(data(key));
    std::string text;
    const std::string failed = outcome(request.send().then([&](auto&& response) {
      const auto entry = response.getEntry();
      if (entry.isMissing()) text = "missing";
      if (entry.isBlob()) text = "blob";
      if (entry.isValue())
        text.assign(reinterpret_cast<const char*>(entry.getValue().begin()),
                    entry.getValue().size());
    }));
    return failed.empty() ? text : failed;
  }
  std::string list(std::string_view prefix, uint32_t limit, const std::string& cursor) {
    auto request = kv_->listRequest();
    request.setPrefix(data(prefix));
    request.setLimit(limit);
    request.setCursor({cursor.c_str(), cursor.size()});
    return outcome(request.send().ignoreResult());
  }

  std::string folder_;
  std::unique_ptr<loop::Loop> loop_;
  std::optional<rpc::KjLoop> kj_;
  std::optional<BrokerBindings> bindings_;
  const std::shared_ptr<ShardShare> share_ = std::make_shared<ShardShare>();
  std::optional<rpc::Connection> broker_, shard_;
  std::optional<rpc::KvNamespace::Client> kv_;
};

TEST_F(KvRpc, WhatItMay) {
  EXPECT_EQ(get("a"), "missing");
  EXPECT_EQ(put("a", "1"), "");
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(list("", 10, ""), "");
}

TEST_F(KvRpc, WhatIsRefused) {
  EXPECT_EQ(put("", "1"), "not a key");
  EXPECT_EQ(get(""), "not a key");
  EXPECT_EQ(put(std::string(limits::kKvKeyBytes + 1, 'k'), "1"), "not a key");
  EXPECT_EQ(put("a", std::string(limits::kKvInlineBytes + 1, 'v')), "a large value is not put so");
  EXPECT_EQ(put("a", "1", std::string(limits::kKvMetadataBytes + 1, 'm')), "too much metadata");
  EXPECT_EQ(list("", 0, ""), "not a page that can be asked for");
  EXPECT_EQ(list("", 1'000'000, ""), "not a page that can be asked for");
  EXPECT_EQ(list(std::string(600, 'p'), 1, ""), "not a page that can be asked for");
  EXPECT_EQ(list("", 1, "../../etc/passwd"), "the cursor is not valid");
  EXPECT_EQ(get("a"), "missing");
}

TEST_F(KvRpc, NoNamespaceButItsOwn) {
  auto other = make("another-worker", {});
  EXPECT_EQ(put("secret", "1"), "");
  EXPECT_EQ(get("secret", &other), "missing");
  // Names made to look like another's.
  auto guess = make("x/KV", "worker:a-worker/KV");
  EXPECT_EQ(get("secret", &guess), "missing");
  auto shared = make("x", "one"), also = make("y", "one");
  auto request = shared.putRequest();
  request.setKey(data("k"));
  request.setValue(data("v"));
  EXPECT_EQ(outcome(request.send().ignoreResult()), "");
  EXPECT_EQ(get("k", &also), "v");
  EXPECT_EQ(get("k"), "missing");
}

// The connection's capability answers to its own interface and no other.
TEST_F(KvRpc, NoOtherInterface) {
  auto as_host = kv_->castAs<rpc::Host>().trustedRootsRequest().send();
  EXPECT_NE(outcome(kj::mv(as_host).ignoreResult()), "");
  auto as_source = kv_->castAs<rpc::WorkerSource>().loadRequest().send();
  EXPECT_NE(outcome(kj::mv(as_source).ignoreResult()), "");
  auto as_outbound = kv_->castAs<rpc::Outbound>().connectRequest().send();
  EXPECT_NE(outcome(kj::mv(as_outbound).ignoreResult()), "");
}

// Below what the library lets a shard do: messages of its own making, to capabilities that it
// guesses. A connection has what was handed over on it, by number, and nothing else.
TEST_F(KvRpc, GuessesOfCapabilities) {
  for (const uint32_t guess : {0u, 1u, 2u, 7u, 1000u, 0xffffffffu}) {
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    const UniqueFd raw(pair[1]);
    rpc::Connection connection(*loop_, UniqueFd(pair[0]), rpc::Role::broker, make("w", "one"));
    capnp::MallocMessageBuilder message;
    auto call = message.initRoot<capnp::rpc::Message>().initCall();
    call.setQuestionId(1);
    call.initTarget().setImportedCap(guess);
    call.setInterfaceId(capnp::typeId<rpc::KvNamespace>());
    call.setMethodId(0);
    call.initParams();
    const auto words = capnp::messageToFlatArray(message);
    const auto bytes = words.asBytes();
    ASSERT_EQ(write(raw.get(), bytes.begin(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    // Answered by the end of the connection, after a word about why, and by no result.
    alignas(8) char answer[4096];
    ssize_t got = -1;
    loop::Timer tick(*loop_, [] {});
    for (int i = 0; i < 1000 && got < 0; ++i) {
      tick.set_ms(5);
      ASSERT_TRUE(loop_->turn(true));
      got = read(raw.get(), answer, sizeof answer);
    }
    ASSERT_GT(got, 0) << guess;
    capnp::FlatArrayMessageReader reader(
        {reinterpret_cast<const capnp::word*>(answer), static_cast<size_t>(got) / 8});
    EXPECT_TRUE(reader.getRoot<capnp::rpc::Message>().isAbort()) << guess;
  }
}

TEST_F(KvRpc, LargeValuesHaveAnEnd) {
  auto open = kv_->putLargeRequest();
  open.setKey(data("big"));
  auto sink = open.send().getSink();
  const std::string chunk(5 << 20, 'x');
  std::string refused;
  for (int i = 0; i < 9 && refused.empty(); ++i) {
    auto write = sink.writeRequest();
    write.setChunk(data(chunk));
    refused = outcome(write.send());
  }
  EXPECT_EQ(refused, "the value is too large");
  EXPECT_NE(outcome(sink.endRequest().send().ignoreResult()), "");
  EXPECT_EQ(get("big"), "missing");
}

TEST_F(KvRpc, NothingAfterTheEnd) {
  auto open = kv_->putLargeRequest();
  open.setKey(data("big"));
  auto sink = open.send().getSink();
  auto write = sink.writeRequest();
  write.setChunk(data("text"));
  EXPECT_EQ(outcome(write.send()), "");
  EXPECT_EQ(outcome(sink.endRequest().send().ignoreResult()), "");
  EXPECT_EQ(outcome(sink.endRequest().send().ignoreResult()), "the value has ended");
  EXPECT_EQ(get("big"), "blob");
}

// One that floods the disk leaves room for the others, and is heard again when its writes are done.
TEST_F(KvRpc, HowManyWritesMayWait) {
  const std::string value(limits::kKvInlineBytes, 'v');
  size_t refused = 0, kept = 0;
  auto all = kj::heapArrayBuilder<kj::Promise<void>>(1200);
  for (int i = 0; i < 1200; ++i) {
    auto request = kv_->putRequest();
    request.setKey(data("k" + std::to_string(i % 10)));
    request.setValue(data(value));
    request.initOptions();
    all.add(request.send().then([&](auto&&) { ++kept; },
                                [&](kj::Exception&& e) {
                                  refused += rpc::error_of(e).message ==
                                             "too many writes wait for the disk";
                                }));
  }
  kj_->wait(kj::joinPromises(all.finish()));
  EXPECT_EQ(kept + refused, 1200u);
  EXPECT_GE(kept, limits::kKvWriteBytesWaiting / (2 * limits::kKvInlineBytes));
  EXPECT_EQ(put("after", "1"), "");
  EXPECT_EQ(share_->writes, 0u);
  EXPECT_EQ(share_->write_bytes, 0u);
}

TEST_F(KvRpc, HowManyItMayHold) {
  std::vector<rpc::KvSink::Client> sinks;
  std::string refused;
  for (size_t i = 0; i < limits::kKvSinksHeld + 1 && refused.empty(); ++i) {
    auto open = kv_->putLargeRequest();
    open.setKey(data("big"));
    refused =
        outcome(open.send().then([&](auto&& response) { sinks.push_back(response.getSink()); }));
  }
  EXPECT_EQ(refused, "too many large values are written at once");
  EXPECT_EQ(sinks.size(), limits::kKvSinksHeld);
}

TEST_F(KvRpc, TheCountersCanOnlyBeRead) {
  UniqueFd page;
  EXPECT_EQ(
      outcome(kv_->generationsRequest()
                  .send()
                  .then([](auto&& response) { return rpc::take_descriptor(response.getPage()); })
                  .then([&](UniqueFd&& fd) { page = std::move(fd); })),
      "");
  void* read = mmap(nullptr, kKvGenerationBytes, PROT_READ, MAP_SHARED, page.get(), 0);
  ASSERT_NE(read, MAP_FAILED);
  EXPECT_EQ(mmap(nullptr, kKvGenerationBytes, PROT_READ | PROT_WRITE, MAP_SHARED, page.get(), 0),
            MAP_FAILED);
  EXPECT_NE(mprotect(read, kKvGenerationBytes, PROT_READ | PROT_WRITE), 0);
  EXPECT_EQ(write(page.get(), "x", 1), -1);
  EXPECT_EQ(ftruncate(page.get(), 0), -1);
  EXPECT_EQ(ftruncate(page.get(), 1 << 20), -1);
  const auto* counters = static_cast<const KvCounter*>(read);
  const uint64_t before = counters[kv_slot("a")].load();
  EXPECT_EQ(put("a", "1"), "");
  EXPECT_NE(counters[kv_slot("a")].load(), before);
  munmap(read, kKvGenerationBytes);
}

}  // namespace
}  // namespace skep::bindings
