// The resolver against a name server that lies, is slow or cuts its answers short, and races of
// connections against listeners of the test's own.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <thread>

#include "base/limits_outbound.h"
#include "broker/outbound_race.h"
#include "broker/resolver.h"

namespace skep::broker {
namespace {

void put16(std::string& out, unsigned value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value));
}

struct Question {
  std::string name;   // "a.example"
  unsigned type = 0;  // 1: A, 28: AAAA
  std::string bytes;  // as sent, with its type and class
};

std::string encoded(const std::string& name) {
  std::string out;
  size_t at = 0;
  while (at < name.size()) {
    const size_t dot = std::min(name.find('.', at), name.size());
    out.push_back(static_cast<char>(dot - at));
    out += name.substr(at, dot - at);
    at = dot + 1;
  }
  return out + '\0';
}

std::string record(const std::string& owner, unsigned type, unsigned ttl, const std::string& data) {
  std::string out = encoded(owner);
  put16(out, type);
  put16(out, 1);
  put16(out, ttl >> 16);
  put16(out, ttl);
  put16(out, static_cast<unsigned>(data.size()));
  return out + data;
}

std::string a_record(const std::string& owner, const char* address, unsigned ttl = 60) {
  in_addr in = {};
  inet_pton(AF_INET, address, &in);
  return record(owner, 1, ttl, std::string(reinterpret_cast<char*>(&in), 4));
}

struct Reply {
  std::vector<std::string> records;
  unsigned code = 0;       // 3: no such name
  bool truncated = false;  // by UDP
  bool silent = false;
  bool wrong_id = false;
  std::string raw;  // sent as it is, where there is any
};

// A name server on a thread of its own, over UDP and TCP.
class NameServer {
 public:
  using Answer = std::function<Reply(const Question&, bool tcp)>;

  explicit NameServer(Answer answer) : answer_(std::move(answer)) {
    // One port for both.
    for (bool bound = false; !bound;) {
      udp_ = UniqueFd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      tcp_ = UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_in address = loopback(0);
      socklen_t length = sizeof address;
      auto* generic = reinterpret_cast<sockaddr*>(&address);
      if (bind(udp_.get(), generic, length) != 0) abort();
      getsockname(udp_.get(), generic, &length);
      port_ = ntohs(address.sin_port);
      bound = bind(tcp_.get(), generic, length) == 0 && listen(tcp_.get(), 16) == 0;
    }
    thread_ = std::thread([this] { serve(); });
  }
  ~NameServer() {
    stop_ = true;
    thread_.join();
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::atomic<int> questions = 0;

  static sockaddr_in loopback(uint16_t port) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

 private:
  void serve() {
    while (!stop_) {
      pollfd fds[] = {{udp_.get(), POLLIN, 0}, {tcp_.get(), POLLIN, 0}};
      if (poll(fds, 2, 20) <= 0) continue;
      if (fds[0].revents != 0) serve_udp();
      if (fds[1].revents != 0) serve_tcp();
    }
  }

  void serve_udp() {
    char buffer[2048];
    sockaddr_in from = {};
    socklen_t length = sizeof from;
    const ssize_t n =
        recvfrom(udp_.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (n < 12) return;
    for (const std::string& out : replies({buffer, static_cast<size_t>(n)}, false)) {
      sendto(udp_.get(), out.data(), out.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
    }
  }

  void serve_tcp() {
    const UniqueFd fd(accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const timeval most = {2, 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    for (;;) {
      uint8_t size[2];
      if (recv(fd.get(), size, 2, MSG_WAITALL) != 2) return;
      std::string query(static_cast<size_t>(size[0] << 8 | size[1]), '\0');
      if (recv(fd.get(), query.data(), query.size(), MSG_WAITALL) !=
          static_cast<ssize_t>(query.size())) {
        return;
      }
      for (const std::string& out : replies(query, true)) {
        std::string framed;
        put16(framed, static_cast<unsigned>(out.size()));
        framed += out;
        if (send(fd.get(), framed.data(), framed.size(), MSG_NOSIGNAL) < 0) return;
      }
    }
  }

  std::vector<std::string> replies(const std::string& query, bool tcp) {
    ++questions;
    Question question;
    size_t at = 12;
    while (at < query.size() && query[at] != 0) {
      if (!question.name.empty()) question.name += '.';
      const auto size = static_cast<size_t>(query[at]);
      question.name += query.substr(at + 1, size);
      at += size + 1;
    }
    question.type = static_cast<uint8_t>(query[at + 2]);
    question.bytes = query.substr(12, at + 5 - 12);
    const Reply reply = answer_(question, tcp);
    if (reply.silent) return {};
    if (!reply.raw.empty()) return {reply.raw};
    std::string out = query.substr(0, 2);
    if (reply.wrong_id) out[0] = static_cast<char>(out[0] ^ 0x55);
    put16(out, 0x8180 | (reply.truncated ? 0x0200 : 0) | reply.code);
    put16(out, 1);
    put16(out, static_cast<unsigned>(reply.records.size()));
    put16(out, 0);
    put16(out, 0);
    out += question.bytes;
    for (const std::string& one : reply.records) out += one;
    return {out};
  }

  Answer answer_;
  UniqueFd udp_, tcp_;
  uint16_t port_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

class ResolverTest : public testing::Test {
 protected:
  void SetUp() override {
    auto loop = loop::Loop::create({.entries = 64, .recv_buffer_count = 0});
    ASSERT_TRUE(loop) << loop.error().message;
    loop_ = std::move(*loop);
  }
  void serve(NameServer::Answer answer) {
    server_ = std::make_unique<NameServer>(std::move(answer));
    auto resolver = Resolver::create(*loop_, {server_->address()});
    ASSERT_TRUE(resolver) << resolver.error().message;
    resolver_ = std::move(*resolver);
  }
  Resolver::Answer ask(const std::string& name) {
    std::optional<Resolver::Answer> answer;
    resolver_->resolve(name, [&](const Resolver::Answer& got) { answer = got; });
    while (!answer) EXPECT_TRUE(loop_->turn(true));
    return *answer;
  }
  static std::vector<std::string> texts(const Resolver::Answer& answer) {
    std::vector<std::string> out;
    for (const IpBytes& one : answer.addresses) out.push_back(text_of(one));
    std::sort(out.begin(), out.end());
    return out;
  }
  using Texts = std::vector<std::string>;

  std::unique_ptr<loop::Loop> loop_;
  std::unique_ptr<NameServer> server_;
  std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverTest, AsksOnceAndRemembers) {
  serve([](const Question& question, bool) {
    if (question.type != 1) return Reply{};
    return Reply{{a_record(question.name, "192.0.2.1"), a_record(question.name, "192.0.2.2")}};
  });
  EXPECT_EQ(texts(ask("a.example")), (Texts{"192.0.2.1", "192.0.2.2"}));
  const int before = server_->questions;
  EXPECT_EQ(texts(ask("a.example")), (Texts{"192.0.2.1", "192.0.2.2"}));
  EXPECT_EQ(server_->questions, before);
  EXPECT_EQ(resolver_->stats().asking, 0u);
}

TEST_F(ResolverTest, ServersInAllForms) {
  EXPECT_TRUE(Resolver::create(*loop_, {}));
  EXPECT_TRUE(
      Resolver::create(*loop_, {"192.0.2.1", "192.0.2.1:5353", "::1", "[::1]", "[::1]:53"}));
  EXPECT_FALSE(Resolver::create(*loop_, {"dns.example"}));
}

TEST_F(ResolverTest, ManyWhoAskTheSameAskOnce) {
  serve([](const Question& question, bool) {
    return question.type == 1 ? Reply{{a_record(question.name, "192.0.2.1")}} : Reply{};
  });
  int answered = 0;
  for (int i = 0; i < 500; ++i) {
    resolver_->resolve("a.example", [&](const Resolver::Answer& answer) {
      answered += answer.addresses.size() == 1 ? 1 : 0;
    });
  }
  while (resolver_->stats().asking > 0) ASSERT_TRUE(loop_->turn(true));
  EXPECT_EQ(answered, 500);
  EXPECT_EQ(server_->questions, 2);
}

TEST_F(ResolverTest, NoSuchName) {
  serve([](const Question&, bool) { return Reply{.code = 3}; });
  EXPECT_EQ(ask("nowhere.example").code, ENOENT);
  const int before = server_->questions;
  EXPECT_EQ(ask("nowhere.example").code, ENOENT);
  EXPECT_EQ(server_->questions, before);
}

TEST_F(ResolverTest, ANameWithoutAddresses) {
  serve([](const Question&, bool) { return Reply{}; });
  EXPECT_EQ(ask("empty.example").code, ENOENT);
}

TEST_F(ResolverTest, ATruncatedAnswerIsAskedForAgainOverTcp) {
  serve([](const Question& question, bool tcp) {
    if (question.type != 1) return Reply{};
    if (!tcp) return Reply{.truncated = true};
    std::vector<std::string> records;
    for (int i = 1; i <= 200; ++i) {
      records.push_back(a_record(question.name, ("198.51.100." + std::to_string(i)).c_str()));
    }
    return Reply{records};
  });
  EXPECT_EQ(ask("big.example").addresses.size(), limits::kOutboundAddresses);
}

TEST_F(ResolverTest, AFloodOfAliasesEnds) {
  serve([](const Question& question, bool tcp) {
    if (!tcp) return Reply{.truncated = true};
    std::vector<std::string> records;
    std::string from = question.name;
    for (int i = 0; i < 1000; ++i) {
      const std::string to = "c" + std::to_string(i) + ".example";
      records.push_back(record(from, 5, 60, encoded(to)));
      from = to;
    }
    records.push_back(record(from, 5, 60, encoded(question.name)));  // and round again
    return Reply{records};
  });
  EXPECT_TRUE(ask("loop.example").addresses.empty());
}

TEST_F(ResolverTest, LiesAndRubbish) {
  serve([](const Question& question, bool) {
    if (question.name == "short.example") return Reply{.raw = "x"};
    if (question.name == "random.example") return Reply{.raw = std::string(512, '\xff')};
    if (question.name == "id.example") {
      return Reply{.records = {a_record(question.name, "192.0.2.1")}, .wrong_id = true};
    }
    // A length that leads out of the message.
    std::string bad = a_record(question.name, "192.0.2.1");
    bad[bad.size() - 5] = '\x70';
    return Reply{{bad}};
  });
  std::map<std::string, Resolver::Answer> answers;
  const char* names[] = {"short.example", "random.example", "id.example", "length.example"};
  for (const char* name : names) {
    resolver_->resolve(
        name, [&answers, name](const Resolver::Answer& answer) { answers[name] = answer; });
  }
  while (answers.size() < 4) ASSERT_TRUE(loop_->turn(true));
  for (const auto& [name, answer] : answers) {
    EXPECT_TRUE(answer.addresses.empty()) << name;
    EXPECT_NE(answer.code, 0) << name;
  }
}

TEST_F(ResolverTest, ASilentServerIsGivenUpAndGoingMeanwhileIsFine) {
  serve([](const Question&, bool) { return Reply{.silent = true}; });
  bool called = false;
  resolver_->resolve("gone.example", [&](const Resolver::Answer&) { called = true; });
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(loop_->turn(false));
  resolver_.reset();
  EXPECT_FALSE(called);
  auto again = Resolver::create(*loop_, {server_->address()});
  ASSERT_TRUE(again);
  resolver_ = std::move(*again);
  EXPECT_EQ(ask("silent.example").code, ETIMEDOUT);
}

TEST_F(ResolverTest, HowManyNamesItKnowsIsBounded) {
  serve([](const Question&, bool) { return Reply{.code = 3}; });
  size_t answered = 0, refused = 0;
  const size_t names = limits::kResolverNames + 100;
  for (size_t i = 0; i < names; ++i) {
    resolver_->resolve("n" + std::to_string(i) + ".example", [&](const Resolver::Answer& answer) {
      ++answered;
      refused += answer.code == EAGAIN ? 1 : 0;
    });
  }
  EXPECT_EQ(refused, 100u);
  EXPECT_LE(resolver_->stats().names, limits::kResolverNames);
  resolver_.reset();
}

// ---- races

class RaceTest : public testing::Test {
 protected:
  void SetUp() override {
    loop_ = std::move(*loop::Loop::create({.entries = 64, .recv_buffer_count = 0}));
    listener_ = UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = NameServer::loopback(0);
    socklen_t length = sizeof address;
    ASSERT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    ASSERT_EQ(listen(listener_.get(), 16), 0);
    getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
  }
  static IpBytes ip(std::string_view text) { return read_host(text).addresses.front(); }
  Result<ConnectRace::Winner> race(std::vector<IpBytes> addresses) {
    std::optional<Result<ConnectRace::Winner>> won;
    ConnectRace running(*loop_, std::move(addresses), port_,
                        [&](Result<ConnectRace::Winner> result) { won = std::move(result); });
    while (!won) EXPECT_TRUE(loop_->turn(true));
    return std::move(*won);
  }
  std::unique_ptr<loop::Loop> loop_;
  UniqueFd listener_;
  uint16_t port_ = 0;
};

TEST_F(RaceTest, TheFirstThatAnswersWins) {
  const auto won = race({ip("127.0.0.2"), ip("[::1]"), ip("127.0.0.1")});
  ASSERT_TRUE(won) << won.error().message;
  EXPECT_EQ(text_of(won->address), "127.0.0.1");
  EXPECT_TRUE(won->fd);
}

TEST_F(RaceTest, AllRefuse) {
  const auto won = race({ip("127.0.0.2"), ip("127.0.0.3")});
  ASSERT_FALSE(won);
  EXPECT_EQ(won.error().code, ECONNREFUSED);
}

TEST_F(RaceTest, GivingUpLeavesNothingBehind) {
  for (int turns = 0; turns < 3; ++turns) {
    bool called = false;
    {
      ConnectRace running(*loop_, {ip("127.0.0.2"), ip("127.0.0.1")}, port_,
                          [&](Result<ConnectRace::Winner>) { called = true; });
      for (int i = 0; i < turns && !called; ++i) ASSERT_TRUE(loop_->turn(false));
    }
    for (int i = 0; i < 20 && loop_->stats().in_flight > 0; ++i) ASSERT_TRUE(loop_->turn(false));
  }
}

}  // namespace
}  // namespace skep::broker
