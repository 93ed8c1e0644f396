// What the loop itself costs: CPU microseconds a request of an echo server (100 bytes each way)
// over the loop, restricted and not, beside a plain epoll server. Prints the median of the rounds.
//   echo_bench [ROUNDS] [REQUESTS]
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <list>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/assert.h"
#include "base/unique_fd.h"
#include "loop/socket.h"

namespace skep::loop {
namespace {

constexpr size_t kMessageBytes = 100;

UniqueFd listen_on_loopback() {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  SKEP_ASSERT(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  SKEP_ASSERT(listen(fd.get(), 1024) == 0);
  return fd;
}

// ---- servers; each runs until it is killed ----

void add_to_epoll(int epoll, int fd) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  SKEP_ASSERT(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

[[noreturn]] void serve_epoll(UniqueFd listening) {
  fcntl(listening.get(), F_SETFL, O_NONBLOCK);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  add_to_epoll(epoll, listening.get());
  std::array<epoll_event, 256> events{};
  std::array<char, 16384> buffer{};
  for (;;) {
    const int count = epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      if (fd == listening.get()) {
        const int accepted = accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted >= 0) add_to_epoll(epoll, accepted);
        continue;
      }
      const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
      if (got <= 0 || send(fd, buffer.data(), static_cast<size_t>(got), MSG_NOSIGNAL) != got)
        close(fd);
    }
  }
}

class EchoServer final : public AcceptorEvents {
 public:
  EchoServer(Loop& loop, UniqueFd listening)
      : loop_(loop), acceptor_(loop, std::move(listening), *this) {
    acceptor_.start();
  }
  void on_connection(UniqueFd fd, PeerAddress peer) override {
    connections_.push_back(std::make_unique<Connection>(*this, std::move(fd)));
  }
  void on_accept_error(int error) override { std::abort(); }

 private:
  struct Connection final : SocketEvents {
    Connection(EchoServer& owner, UniqueFd fd)
        : server(owner), socket(owner.loop_, std::move(fd), *this) {
      socket.receive();
    }
    void on_data(std::span<const char> data) override { socket.send({data.data(), data.size()}); }
    void on_end() override { remove(); }
    void on_error(int error) override { remove(); }
    void on_sent() override {}
    void remove() {
      auto& all = server.connections_;
      std::erase_if(all, [&](const auto& other) { return other.get() == this; });
    }
    EchoServer& server;
    Socket socket;
  };
  Loop& loop_;
  Acceptor acceptor_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

[[noreturn]] void serve_loop(UniqueFd listening, bool restricted, unsigned fixed_files) {
  auto loop = Loop::create({.fixed_files = fixed_files,
                            .recv_buffer_count = limits::kRecvBufferCount,
                            .restricted = restricted});
  if (!loop) {
    fmt::print(stderr, "{}\n", loop.error().message);
    std::exit(1);
  }
  if (restricted) SKEP_ASSERT((*loop)->restrict_and_enable().has_value());
  EchoServer server(**loop, std::move(listening));
  (void)(*loop)->run();
  std::exit(0);
}

// ---- the client: closed loop, one request a connection in flight ----

void run_client(uint16_t port, int connections, int requests) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = port;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  const std::array<char, kMessageBytes> message{};
  std::vector<UniqueFd> fds;
  for (int i = 0; i < connections; ++i) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    SKEP_ASSERT(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    add_to_epoll(epoll, fd.get());
    fds.push_back(std::move(fd));
  }
  for (auto& fd : fds)
    SKEP_ASSERT(send(fd.get(), message.data(), message.size(), 0) == kMessageBytes);
  std::array<epoll_event, 256> events{};
  std::array<char, 4096> buffer{};
  int done = 0;
  while (done < requests) {
    const int count = epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      SKEP_ASSERT(recv(fd, buffer.data(), buffer.size(), 0) == kMessageBytes);
      ++done;
      SKEP_ASSERT(send(fd, message.data(), message.size(), 0) == kMessageBytes);
    }
  }
  close(epoll);
}

enum class Kind { epoll, loop, loop_fixed, loop_restricted };

double measure_us(Kind kind, int connections, int requests) {
  UniqueFd listening = listen_on_loopback();
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size);
  const pid_t server = fork();
  if (server == 0) {
    if (kind == Kind::epoll) serve_epoll(std::move(listening));
    serve_loop(std::move(listening), kind == Kind::loop_restricted,
               kind == Kind::loop ? 0 : limits::kRingFixedFiles);
  }
  listening.reset();
  run_client(address.sin_port, connections, requests);
  kill(server, SIGKILL);
  rusage usage{};
  int status = 0;
  SKEP_ASSERT(wait4(server, &status, 0, &usage) == server);
  SKEP_ASSERT(WIFSIGNALED(status));
  const auto us = [](const timeval& time) {
    return 1e6 * double(time.tv_sec) + double(time.tv_usec);
  };
  return (us(usage.ru_utime) + us(usage.ru_stime)) / requests;
}

int run(int rounds, int requests) {
  constexpr std::array<std::pair<Kind, std::string_view>, 4> kKinds = {{
      {Kind::epoll, "epoll"},
      {Kind::loop, "loop"},
      {Kind::loop_fixed, "loop, registered files"},
      {Kind::loop_restricted, "loop, registered files, restricted"},
  }};
  constexpr std::array<int, 3> kConnections = {1, 16, 128};
  std::array<std::array<std::vector<double>, 3>, 4> figures;
  for (int round = 0; round < rounds; ++round)
    for (size_t c = 0; c < kConnections.size(); ++c)
      for (size_t k = 0; k < kKinds.size(); ++k)
        figures[k][c].push_back(measure_us(kKinds[k].first, kConnections[c], requests));
  fmt::print("{:<36}{:>8}{:>8}{:>8}  connections; CPU us a request, median of {}\n", "", 1, 16, 128,
             rounds);
  for (size_t k = 0; k < kKinds.size(); ++k) {
    fmt::print("{:<36}", kKinds[k].second);
    for (auto& figure : figures[k]) {
      std::sort(figure.begin(), figure.end());
      fmt::print("{:>8.2f}", figure[figure.size() / 2]);
    }
    fmt::print("\n");
  }
  return 0;
}

}  // namespace
}  // namespace skep::loop

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  return skep::loop::run(argc > 1 ? std::atoi(argv[1]) : 5,
                         argc > 2 ? std::atoi(argv[2]) : 100'000);
}
