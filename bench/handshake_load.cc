// A client that makes one full TLS 1.3 handshake a request, many at once, and hardly costs anything
// beside it: what it measures is the server. No session is resumed and no certificate checked; the
// hello is like a browser's (AES-128 first). One thread, epoll. Prints how many requests were
// answered in the time given.
//   handshake_load PORT CONNECTIONS SECONDS [x25519|p256|mlkem]
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace skep {
namespace {

constexpr std::string_view kRequest =
    "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
constexpr int64_t kNsPerSecond = 1'000'000'000;

struct Client {
  UniqueFd fd;
  bssl::UniquePtr<SSL> ssl;
  bool sent = false, answered = false;
};

class Load {
 public:
  Load(uint16_t port, size_t count, uint16_t group)
      : clients_(count), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    address_.sin_family = AF_INET;
    address_.sin_port = htons(port);
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SKEP_ASSERT(SSL_CTX_set_min_proto_version(context_.get(), TLS1_3_VERSION));
    SKEP_ASSERT(SSL_CTX_set1_group_ids(context_.get(), &group, 1));
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_OFF);
  }

  void run(int64_t duration_ns) {
    const int64_t start = monotonic_ns();
    for (Client& client : clients_) begin(client);
    std::vector<epoll_event> events(clients_.size());
    while (monotonic_ns() - start < duration_ns) {
      const int count =
          epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 100);
      for (int i = 0; i < count; i++) {
        Client& client = *static_cast<Client*>(events[static_cast<size_t>(i)].data.ptr);
        if (!advance(client)) begin(client);
      }
    }
    fmt::print("{} requests in {:.2f} s, {} failed\n", answered_,
               static_cast<double>(monotonic_ns() - start) / kNsPerSecond, failed_);
  }

 private:
  void begin(Client& client) {
    client = {};
    client.fd.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    setsockopt(client.fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const auto* address = reinterpret_cast<const sockaddr*>(&address_);
    if (connect(client.fd.get(), address, sizeof address_) != 0) SKEP_ASSERT(errno == EINPROGRESS);
    client.ssl.reset(SSL_new(context_.get()));
    SSL_set_fd(client.ssl.get(), client.fd.get());
    SSL_set_connect_state(client.ssl.get());
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = &client}};
    SKEP_ASSERT(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, client.fd.get(), &event) == 0);
  }

  // False: this connection is over.
  bool advance(Client& client) {
    SSL* ssl = client.ssl.get();
    ERR_clear_error();
    if (!client.sent) {
      const int done = SSL_do_handshake(ssl);
      if (done != 1) return waits(ssl, done) || (failed_++, false);
      SSL_write(ssl, kRequest.data(), static_cast<int>(kRequest.size()));
      client.sent = true;
    }
    char bytes[4096];
    for (;;) {
      const int size = SSL_read(ssl, bytes, sizeof bytes);
      if (size > 0) {
        client.answered = true;
        continue;
      }
      if (waits(ssl, size)) return true;
      (client.answered ? answered_ : failed_)++;
      return false;
    }
  }

  static bool waits(const SSL* ssl, int result) {
    const int error = SSL_get_error(ssl, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  }

  std::vector<Client> clients_;
  UniqueFd epoll_;
  sockaddr_in address_{};
  bssl::UniquePtr<SSL_CTX> context_;
  uint64_t answered_ = 0, failed_ = 0;
};

uint16_t group_of(std::string_view name) {
  if (name == "mlkem") return SSL_GROUP_X25519_MLKEM768;
  return name == "p256" ? SSL_GROUP_SECP256R1 : SSL_GROUP_X25519;
}

}  // namespace
}  // namespace skep

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "usage: handshake_load PORT CONNECTIONS SECONDS [x25519|p256|mlkem]\n");
    return 2;
  }
  const std::string_view group = argc > 4 ? argv[4] : "x25519";
  skep::Load load(static_cast<uint16_t>(atoi(argv[1])), static_cast<size_t>(atoi(argv[2])),
                  skep::group_of(group));
  load.run(static_cast<int64_t>(atof(argv[3]) * skep::kNsPerSecond));
}
