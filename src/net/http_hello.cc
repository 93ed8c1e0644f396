// A server that answers everything with the same few bytes: what a request costs in the loop and in
// HTTP, before any Worker. usage: http_hello PORT. Prints its CPU time a request when it is ended
// by SIGINT or SIGTERM.
#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <charconv>
#include <cstdio>
#include <cstring>

#include "base/limits.h"
#include "base/log.h"
#include "base/time.h"
#include "net/server.h"
#include "net/testing.h"

namespace skep::net {
namespace {

class Listener final : public loop::AcceptorEvents {
 public:
  Listener(loop::Loop& loop, Server& server) : loop_(loop), server_(server) {}
  void on_connection(UniqueFd fd, loop::PeerAddress peer) override {
    server_.add_stream(make_socket_stream(loop_, std::move(fd)), std::move(peer), true);
  }
  void on_accept_error(int error) override { log_error("accept: {}", strerror(error)); }

 private:
  loop::Loop& loop_;
  Server& server_;
};

Result<UniqueFd> listen_on(uint16_t port) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
    return fail_errno("bind", errno);
  if (listen(fd.get(), 1024) != 0) return fail_errno("listen", errno);
  return fd;
}

// Stops the loop at SIGINT or SIGTERM.
class SignalStop final : private loop::Completion {
 public:
  explicit SignalStop(loop::Loop& loop) : loop_(loop) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    fd_.reset(signalfd(-1, &signals, SFD_CLOEXEC));
    io_uring_prep_read(loop_.prepare(this), fd_.get(), &info_, sizeof(info_), 0);
  }

 private:
  void complete(int32_t, uint32_t, bool) override { loop_.stop(); }

  loop::Loop& loop_;
  UniqueFd fd_;
  signalfd_siginfo info_{};
};

void print_figures(const ServerStats& stats) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  fmt::print("{} requests, {:.3f} us CPU each, peak memory {} KB\n", stats.requests,
             static_cast<double>(process_cpu_ns()) / 1000 /
                 std::max(static_cast<double>(stats.requests), 1.0),
             usage.ru_maxrss);
}

Result<> serve(uint16_t port, bool with_site) {
  SKEP_TRY_ASSIGN(auto loop, loop::Loop::create({.entries = limits::kRingEntries,
                                                 .fixed_files = limits::kRingFixedFiles,
                                                 .recv_buffer_bytes = limits::kRecvBufferBytes,
                                                 .recv_buffer_count = limits::kRecvBufferCount}));
  testing::Hello hello;
  testing::Site site;
  site.keep_bodies = false;
  const ServerOptions options{.max_body_bytes = 1ull << 50};
  Server server(*loop, with_site ? static_cast<HttpHandler&>(site) : hello, options);
  Listener listener(*loop, server);
  SKEP_TRY_ASSIGN(UniqueFd listening, listen_on(port));
  loop::Acceptor acceptor(*loop, std::move(listening), listener);
  acceptor.start();
  const SignalStop signal_stop(*loop);
  SKEP_TRY(loop->run());
  print_figures(server.stats());
  return {};
}

}  // namespace
}  // namespace skep::net

int main(int argc, char** argv) {
  uint16_t port = 0;
  const bool with_site = argc == 3 && std::string_view(argv[2]) == "site";
  if ((argc != 2 && !with_site) ||
      std::from_chars(argv[1], argv[1] + strlen(argv[1]), port).ec != std::errc()) {
    fmt::print(stderr, "usage: http_hello PORT [site]\n");
    return 2;
  }
  if (const auto result = skep::net::serve(port, with_site); !result) {
    fmt::print(stderr, "http_hello: {}\n", result.error().message);
    return 1;
  }
  return 0;
}
