// Sockets: a shard uses those that it was handed and makes none.
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "attempts.h"

namespace skep::attempts {

namespace {

sockaddr_in loopback(unsigned port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

long connect_to_host(const Given& given) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return -1;
  const sockaddr_in address = loopback(given.port);
  return connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

// The sockets that are held already are tried too: their namespace is the host's.
long connect_held(const Given& given) {
  const sockaddr_in address = loopback(given.port);
  return connect(given.listener, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

long bind_held(const Given& given) {
  const sockaddr_in address = loopback(0);
  return bind(given.connected, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

long connect_to_abstract(const Given&) {
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) return -1;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, "\0/org/freedesktop/systemd1/private", 35);
  return connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

long send_datagram(const Given& given) {
  const sockaddr_in address = loopback(53);
  return sendto(given.connected, "x", 1, 0, reinterpret_cast<const sockaddr*>(&address),
                sizeof address);
}

long send_message(const Given& given) {
  char byte = 'x';
  iovec data{&byte, 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  return sendmsg(given.connected, &message, MSG_DONTWAIT);
}

long receive_message(const Given& given) {
  char byte = 'x';
  iovec data{&byte, 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  return recvmsg(given.connected, &message, MSG_DONTWAIT);
}

long bind_to_device(const Given& given) {
  return setsockopt(given.listener, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2);
}

constexpr std::array kAttempts = {
    Attempt{"socket inet", kKilled,
            [](const Given&) -> long { return socket(AF_INET, SOCK_STREAM, 0); }, true},
    Attempt{"socket inet6", kKilled,
            [](const Given&) -> long { return socket(AF_INET6, SOCK_DGRAM, 0); }},
    Attempt{"socket unix", kKilled,
            [](const Given&) -> long { return socket(AF_UNIX, SOCK_STREAM, 0); }, true},
    Attempt{"socket netlink", kKilled,
            [](const Given&) -> long { return socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE); }, true},
    Attempt{"socket raw", kKilled,
            [](const Given&) -> long { return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); }, false,
            EPERM},
    Attempt{"socket packet", kKilled,
            [](const Given&) -> long { return socket(AF_PACKET, SOCK_RAW, 0); }, false, EPERM},
    Attempt{"socket vsock", kKilled,
            [](const Given&) -> long { return socket(40, SOCK_STREAM, 0); }},
    Attempt{"socketpair", kKilled,
            [](const Given&) -> long {
              int ends[2];
              return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
            },
            true},
    Attempt{"connect to the host", kKilled, connect_to_host, true, ENETUNREACH},
    Attempt{"connect to an abstract socket", kKilled, connect_to_abstract, false, ECONNREFUSED},
    Attempt{"connect of a socket held open", kKilled, connect_held},
    Attempt{"bind of a socket held open", kKilled, bind_held},
    Attempt{"listen on a socket held open", kKilled,
            [](const Given& g) -> long { return listen(g.listener, 1); }, true},
    Attempt{"accept", kKilled,
            [](const Given& g) -> long { return syscall(SYS_accept, g.connected, 0, 0); }},
    Attempt{"accept4", kKilled,
            [](const Given& g) -> long {
              return accept4(g.connected, nullptr, nullptr, SOCK_NONBLOCK);
            }},
    Attempt{"sendto another address", kKilled, send_datagram},
    Attempt{"sendmsg", kKilled, send_message, true},
    Attempt{"recvmsg", kKilled, receive_message},
    Attempt{"setsockopt SO_BINDTODEVICE", kKilled, bind_to_device},
    Attempt{"setsockopt TCP_REPAIR", kKilled,
            [](const Given& g) -> long {
              const int on = 1;
              return setsockopt(g.listener, IPPROTO_TCP, TCP_REPAIR, &on, sizeof on);
            }},
    Attempt{"setsockopt SO_ATTACH_BPF", kKilled,
            [](const Given& g) -> long {
              const int fd = -1;
              return setsockopt(g.listener, SOL_SOCKET, SO_ATTACH_BPF, &fd, sizeof fd);
            }},
    Attempt{"pipe2", kKilled,
            [](const Given&) -> long {
              int ends[2];
              return pipe2(ends, 0);
            },
            true},
    Attempt{"dup2", kKilled, [](const Given& g) -> long { return dup2(g.file, 0); }, true},
    Attempt{"eventfd2", kKilled, [](const Given&) -> long { return eventfd(0, 0); }, true},
    Attempt{"epoll_create1", kKilled, [](const Given&) -> long { return epoll_create1(0); }, true},
    Attempt{"timerfd_create", kKilled,
            [](const Given&) -> long { return timerfd_create(CLOCK_MONOTONIC, 0); }, true},
    Attempt{"signalfd4", kKilled,
            [](const Given&) -> long {
              sigset_t none;
              sigemptyset(&none);
              return signalfd(-1, &none, 0);
            },
            true},
    Attempt{"poll", kKilled, [](const Given&) -> long { return poll(nullptr, 0, 0); }, true},
};

}  // namespace

std::span<const Attempt> network_attempts() {
  return kAttempts;
}

}  // namespace skep::attempts
