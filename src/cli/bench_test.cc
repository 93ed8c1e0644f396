#include "cli/bench.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <list>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/time.h"
#include "base/unique_fd.h"
#include "cli/bench_cpu.h"
#include "cli/bench_histogram.h"
#include "cli/bench_load.h"
#include "cli/bench_options.h"
#include "cli/bench_report.h"
#include "loop/socket.h"

namespace skep::cli {
namespace {

// ---- the histogram ----

TEST(BenchHistogram, SmallValuesAreExact) {
  Histogram histogram;
  for (int i = 1; i <= 1000; ++i) histogram.record(i);
  EXPECT_EQ(histogram.count(), 1000u);
  EXPECT_EQ(histogram.quantile(0), 1);
  EXPECT_EQ(histogram.quantile(0.5), 500);
  EXPECT_EQ(histogram.quantile(0.99), 990);
  EXPECT_EQ(histogram.quantile(1), 1000);
  EXPECT_DOUBLE_EQ(histogram.mean(), 500.5);
}

TEST(BenchHistogram, AgreesWithASortedList) {
  std::mt19937_64 random(1);
  std::vector<int64_t> values;
  Histogram histogram;
  for (int i = 0; i < 20'000; ++i) {
    const auto value = static_cast<int64_t>(random() >> (random() % 63 + 1));
    values.push_back(value);
    histogram.record(value);
  }
  std::sort(values.begin(), values.end());
  for (const double share : {0.001, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto exact = static_cast<double>(values[static_cast<size_t>(share * 20'000) - 1]);
    EXPECT_NEAR(static_cast<double>(histogram.quantile(share)), exact, exact * 0.002) << share;
  }
  EXPECT_EQ(histogram.min(), values.front());
  EXPECT_EQ(histogram.max(), values.back());
}

TEST(BenchHistogram, TakesTheEndsOfTheRange) {
  Histogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), 0);
  histogram.record(INT64_MAX);
  EXPECT_EQ(histogram.quantile(0.5), INT64_MAX);
  histogram.record(-5);
  EXPECT_EQ(histogram.quantile(0), 0);
  histogram.clear();
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.max(), 0);
}

// ---- options ----

TEST(BenchOptions, MakesTheRequest) {
  BenchOptions options{.url = "http://localhost:8787/a%20b?c=1#d", .headers = {"X-One: 1"}};
  auto target = make_target(options);
  ASSERT_TRUE(target.has_value()) << target.error().message;
  EXPECT_EQ(target->request, "GET /a%20b?c=1 HTTP/1.1\r\nHost: localhost:8787\r\nX-One: 1\r\n\r\n");
  EXPECT_EQ(target->name, "127.0.0.1:8787");
  EXPECT_FALSE(target->head_request);
}

TEST(BenchOptions, BodyHostAndMethod) {
  BenchOptions options{
      .url = "http://[::1]/", .method = "POST", .headers = {"hOST: other"}, .body = "12345"};
  auto target = make_target(options);
  ASSERT_TRUE(target.has_value()) << target.error().message;
  EXPECT_EQ(target->request, "POST / HTTP/1.1\r\nhOST: other\r\nContent-Length: 5\r\n\r\n12345");
  EXPECT_EQ(target->address.ss_family, AF_INET6);
}

TEST(BenchOptions, ConnectsElsewhere) {
  BenchOptions options{.url = "http://hello.example/", .connect = "unix:/run/x.sock"};
  auto target = make_target(options);
  ASSERT_TRUE(target.has_value()) << target.error().message;
  EXPECT_EQ(target->address.ss_family, AF_UNIX);
  EXPECT_STREQ(reinterpret_cast<sockaddr_un&>(target->address).sun_path, "/run/x.sock");
}

TEST(BenchOptions, RefusesWhatItCannotDo) {
  const auto error_of = [](BenchOptions options) {
    auto target = make_target(options);
    return target ? std::string() : target.error().message;
  };
  EXPECT_NE(error_of({.url = "localhost"}).find("is not a URL"), std::string::npos);
  EXPECT_NE(error_of({.url = "https://localhost/"}).find("only http://"), std::string::npos);
  EXPECT_NE(error_of({.url = "http://example.com/"}).find("--connect"), std::string::npos);
  EXPECT_NE(error_of({.url = "http://x/", .connect = "127.0.0.1"}).find("--connect"),
            std::string::npos);
  EXPECT_NE(error_of({.url = "http://x/", .connect = "127.0.0.1:99999"}), "");
  EXPECT_NE(error_of({.url = "http://x/", .connect = "unix:" + std::string(200, 'x')}), "");
  EXPECT_NE(error_of({.url = "http://localhost/", .headers = {"no colon"}}), "");
  EXPECT_NE(error_of({.url = "http://localhost/", .headers = {"a: b\r\nc: d"}}), "");
  EXPECT_NE(error_of({.url = "http://localhost/", .method = "GE T"}), "");
}

// ---- CPU time ----

void burn_cpu_ms(int64_t ms) {
  const int64_t end_ns = process_cpu_ns() + ms * 1'000'000;
  while (process_cpu_ns() < end_ns) {
  }
}

TEST(BenchCpu, CountsDescendants) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const pid_t grandchild = fork();
    burn_cpu_ms(grandchild == 0 ? 30 : 20);
    if (write(ready[1], "x", 1) != 1) _exit(1);
    pause();
    _exit(0);
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  const pid_t roots[] = {child};
  auto times = cpu_times_of_trees(roots);
  ASSERT_TRUE(times.has_value());
  EXPECT_EQ(times->size(), 2u);
  EXPECT_GE(cpu_used_ns({}, *times), 50'000'000);
  EXPECT_EQ(cpu_used_ns(*times, *times), 0);
  for (const auto& [pid, used_ns] : *times) kill(pid, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_FALSE(cpu_times_of_trees(roots).has_value());
}

// ---- the load ----

enum class Behaviour { answer, close_each_time, stall_once, not_http, hang_up, never, refuse };

// A server of a few lines on a thread of its own: counts requests by their empty line.
class TestServer final : public loop::AcceptorEvents {
 public:
  explicit TestServer(Behaviour behaviour) : behaviour_(behaviour) {
    UniqueFd listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listening.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listening.get(), 64), 0);
    getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this, fd = listening.release()] { serve(UniqueFd(fd)); });
    while (loop_.load() == nullptr) std::this_thread::yield();
  }
  ~TestServer() {
    stop_ = true;
    loop_.load()->wake();
    thread_.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port) + "/"; }
  uint16_t port = 0;

 private:
  struct Connection final : loop::SocketEvents {
    Connection(TestServer& owner, loop::Loop& loop, UniqueFd fd)
        : server(owner), socket(loop, std::move(fd), *this) {
      socket.receive();
    }
    void on_data(std::span<const char> data) override { server.requested(*this); }
    void on_end() override { remove(); }
    void on_error(int) override { remove(); }
    void on_sent() override {}
    void remove() {
      server.connections_.remove_if([this](auto& other) { return &other == this; });
    }
    TestServer& server;
    loop::Socket socket;
  };

  void serve(UniqueFd listening) {
    auto loop = loop::Loop::create({.entries = 64, .recv_buffer_count = 64});
    ASSERT_TRUE(loop.has_value());
    loop::Acceptor acceptor(**loop, std::move(listening), *this);
    acceptor.start();
    loop_ = loop->get();
    while (!stop_) ASSERT_TRUE((*loop)->turn(true).has_value());
    connections_.clear();
  }
  void on_connection(UniqueFd fd, loop::PeerAddress) override {
    connections_.emplace_back(*this, *loop_.load(), std::move(fd));
  }
  void on_accept_error(int) override {}
  void requested(Connection& connection) {
    const bool first = std::exchange(first_, false);
    switch (behaviour_) {
      case Behaviour::never:
        return;
      case Behaviour::hang_up:
        return connection.remove();
      case Behaviour::not_http:
        return connection.socket.send("what?\r\n\r\n");
      case Behaviour::refuse:
        return connection.socket.send("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
      case Behaviour::close_each_time:
        connection.socket.send(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
        return connection.socket.shutdown_send();
      case Behaviour::stall_once:
        if (first) std::this_thread::sleep_for(std::chrono::milliseconds(400));
        [[fallthrough]];
      case Behaviour::answer:
        connection.socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
  }

  Behaviour behaviour_;
  bool first_ = true;
  std::list<Connection> connections_;
  std::atomic<loop::Loop*> loop_{nullptr};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class BenchLoad : public testing::Test {
 protected:
  LoadResult run(Behaviour behaviour, BenchOptions options) {
    TestServer server(behaviour);
    options.url = server.url();
    auto target = make_target(options);
    auto loop = loop::Loop::create({.entries = 256, .recv_buffer_count = 64});
    EXPECT_TRUE(target.has_value() && loop.has_value());
    Load load(**loop, *target, options);
    EXPECT_TRUE(load.connect().has_value());
    EXPECT_TRUE(load.run(options.duration_s).has_value());
    EXPECT_TRUE(load.finish().has_value());
    return std::move(load.result());
  }
};

TEST_F(BenchLoad, ClosedLoopCountsAnswers) {
  const LoadResult result = run(Behaviour::answer, {.connections = 4, .duration_s = 0.2});
  EXPECT_GT(result.requests, 0u);
  EXPECT_EQ(result.by_status_class[2], result.requests);
  EXPECT_EQ(result.body_bytes, result.requests * 2);
  EXPECT_EQ(result.latency_ns.count(), result.requests);
  EXPECT_EQ(result.unanswered() + result.refused() + result.reconnects + result.late, 0u);
}

TEST_F(BenchLoad, OpenLoopKeepsTheRate) {
  const LoadResult result =
      run(Behaviour::answer, {.connections = 4, .duration_s = 0.5, .rate = 1000});
  EXPECT_EQ(result.requests + result.late, 500u);
  EXPECT_EQ(result.latency_ns.count(), 500u);
  EXPECT_EQ(result.unanswered(), 0u);
}

// One request holds the server for 400 ms. A tool with coordinated omission sees one slow request;
// in truth all that were due meanwhile waited.
TEST_F(BenchLoad, OpenLoopCountsTheWaitOfRequestsThatWereDue) {
  const LoadResult result =
      run(Behaviour::stall_once, {.connections = 1, .duration_s = 0.8, .rate = 500});
  EXPECT_EQ(result.requests + result.late, 400u);
  // 200 of 400 were due within the stall; those of its first 200 ms waited 200 ms or more.
  EXPECT_GT(result.latency_ns.quantile(0.80), 180'000'000);
  EXPECT_LT(result.service_ns.quantile(0.50), result.latency_ns.quantile(0.80));
}

TEST_F(BenchLoad, ConnectsAgainAfterClose) {
  const LoadResult result = run(Behaviour::close_each_time, {.connections = 2, .duration_s = 0.2});
  EXPECT_GT(result.requests, 2u);
  EXPECT_GE(result.reconnects + 2, result.requests);
  EXPECT_EQ(result.unanswered(), 0u);
}

TEST_F(BenchLoad, CountsEachKindOfFailure) {
  const BenchOptions options{.connections = 2, .duration_s = 0.1, .timeout_s = 5};
  EXPECT_GT(run(Behaviour::hang_up, options).broken, 0u);
  EXPECT_GT(run(Behaviour::not_http, options).malformed, 0u);
  EXPECT_GT(run(Behaviour::refuse, options).refused(), 0u);
  EXPECT_GT(
      run(Behaviour::never, {.connections = 2, .duration_s = 0.2, .timeout_s = 0.05}).timed_out,
      1u);
  const LoadResult open =
      run(Behaviour::never, {.connections = 1, .duration_s = 0.1, .rate = 100, .timeout_s = 0.3});
  EXPECT_EQ(open.timed_out, 10u);
}

// ---- the whole command ----

struct Outcome {
  int status;
  std::string out, err;
};

Outcome bench(std::vector<std::string> words) {
  words.insert(words.begin(), "skep bench http");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int status = bench_main(static_cast<int>(argv.size()), argv.data());
  std::string out = testing::internal::GetCapturedStdout();
  return {status, std::move(out), testing::internal::GetCapturedStderr()};
}

TEST(BenchCommand, PrintsTextAndJson) {
  TestServer server(Behaviour::answer);
  const std::string own_pid = std::to_string(getpid());
  const Outcome text =
      bench({server.url(), "-c", "2", "-d", "0.1", "--warmup", "0", "--pid", own_pid});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_NE(text.out.find("server CPU"), std::string::npos);
  const Outcome json = bench({server.url(), "-c", "2", "-d", "0.1", "--warmup", "0.05", "--json"});
  EXPECT_EQ(json.status, 0) << json.err;
  EXPECT_TRUE(json.out.starts_with("{\"url\":\"http://127.0.0.1:")) << json.out;
  EXPECT_NE(json.out.find("\"rate\":null"), std::string::npos);
  EXPECT_NE(json.out.find("\"latency_us\":{\"mean\":"), std::string::npos);
  EXPECT_TRUE(json.out.ends_with("}\n"));
}

TEST(BenchCommand, FailsWithAReason) {
  EXPECT_EQ(bench({}).status, 2);
  EXPECT_EQ(bench({"http://localhost/", "--rate", "fast"}).status, 2);
  EXPECT_EQ(bench({"http://localhost/", "--connections", "0"}).status, 2);
  EXPECT_EQ(bench({"--help"}).status, 0);
  const Outcome nobody = bench({"http://localhost:1/"});
  EXPECT_EQ(nobody.status, 1);
  EXPECT_NE(nobody.err.find("cannot connect to 127.0.0.1:1"), std::string::npos) << nobody.err;
  TestServer server(Behaviour::refuse);
  EXPECT_EQ(bench({server.url(), "-d", "0.05", "--warmup", "0"}).status, 1);
}

}  // namespace
}  // namespace skep::cli
