#include "broker/listeners.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/limits.h"
#include "broker/port_owner.h"

namespace skep::broker {
namespace {

using config::ListenAddress;

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t bytes = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  void set_port(uint16_t port) {
    if (family() == AF_INET6) {
      reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port = htons(port);
    } else {
      reinterpret_cast<sockaddr_in*>(&storage)->sin_port = htons(port);
    }
  }
};

Result<SocketAddress> tcp_address(const ListenAddress& address) {
  SocketAddress out;
  int parsed;
  if (address.kind == ListenAddress::Kind::tcp6) {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
    in6->sin6_family = AF_INET6;
    out.bytes = sizeof *in6;
    parsed = inet_pton(AF_INET6, address.host.c_str(), &in6->sin6_addr);
  } else {
    auto* in = reinterpret_cast<sockaddr_in*>(&out.storage);
    in->sin_family = AF_INET;
    out.bytes = sizeof *in;
    parsed = inet_pton(AF_INET, address.host.c_str(), &in->sin_addr);
  }
  if (parsed != 1) return fail(fmt::format("{} is no numeric address", address.address));
  out.set_port(address.port);
  return out;
}

std::unexpected<Error> cannot_listen(const ListenAddress& address, int error) {
  std::string hint;
  if (error == EADDRINUSE) {
    const std::string owner = find_port_owner(address.port);
    hint = owner.empty() ? "another program listens there" : owner + " listens there";
  } else if (error == EACCES && address.port < 1024) {
    hint =
        "ports below 1024 need root, CAP_NET_BIND_SERVICE or a lower "
        "net.ipv4.ip_unprivileged_port_start";
  } else if (error == EADDRNOTAVAIL) {
    hint = "this machine does not have that address";
  }
  std::string message = fmt::format("cannot listen at {}: {}", address.address, strerror(error));
  if (!hint.empty()) message += fmt::format(" ({})", hint);
  return std::unexpected(Error{std::move(message), error});
}

Result<UniqueFd> bound_socket(const ListenAddress& address, const SocketAddress& where,
                              bool share_port) {
  UniqueFd fd(socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return cannot_listen(address, errno);
  const int on = 1;
  const auto set = [&](int level, int option) {
    return setsockopt(fd.get(), level, option, &on, sizeof on) == 0;
  };
  // TCP_NODELAY is inherited by what accept gives: no system call a connection.
  if (!set(SOL_SOCKET, SO_REUSEADDR) || !set(IPPROTO_TCP, TCP_NODELAY) ||
      (share_port && !set(SOL_SOCKET, SO_REUSEPORT)) ||
      (where.family() == AF_INET6 && !set(IPPROTO_IPV6, IPV6_V6ONLY)))
    return cannot_listen(address, errno);
  if (bind(fd.get(), where.get(), where.bytes) != 0) return cannot_listen(address, errno);
  return fd;
}

Result<uint16_t> port_of(const ListenAddress& address, int fd) {
  SocketAddress bound;
  bound.bytes = sizeof bound.storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&bound.storage), &bound.bytes) != 0)
    return cannot_listen(address, errno);
  return ntohs(bound.family() == AF_INET6
                   ? reinterpret_cast<sockaddr_in6*>(&bound.storage)->sin6_port
                   : reinterpret_cast<sockaddr_in*>(&bound.storage)->sin_port);
}

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un out = {};
  out.sun_family = AF_UNIX;
  if (path.size() >= sizeof out.sun_path)
    return fail(fmt::format("cannot listen at unix:{}: a socket's path has at most {} bytes", path,
                            sizeof out.sun_path - 1));
  memcpy(out.sun_path, path.c_str(), path.size() + 1);
  return out;
}

// A file that a killed process left is removed; a socket that somebody listens at, or anything
// else, is not.
Result<> remove_stale_socket(const std::string& path, const sockaddr_un& address) {
  struct stat status;
  if (lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode))
    return fail(fmt::format("cannot listen at unix:{}: there is a file that is no socket", path));
  const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!probe) return fail_errno("socket", errno);
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
      errno != ECONNREFUSED)
    return fail(fmt::format("cannot listen at unix:{}: another program listens there", path));
  if (unlink(path.c_str()) != 0)
    return fail_errno(fmt::format("cannot remove the stale socket {}", path), errno);
  return {};
}

}  // namespace

Result<std::unique_ptr<Listeners>> Listeners::open(
    const std::vector<config::ListenAddress>& addresses, unsigned shards) {
  // They ride to a shard in one message, and the signing socket with them.
  constexpr size_t kMost = limits::kRpcFdsPerMessage - 1;
  if (addresses.size() > kMost)
    return fail(fmt::format("{} [[listen]] tables: there can be {}", addresses.size(), kMost));
  std::unique_ptr<Listeners> listeners(new Listeners);
  for (const ListenAddress& address : addresses) {
    if (address.kind == ListenAddress::Kind::unix_socket) {
      SKEP_TRY(listeners->open_unix(address));
    } else {
      SKEP_TRY(listeners->open_tcp(address, shards));
    }
  }
  return listeners;
}

Listeners::~Listeners() {
  for (const std::string& path : socket_files_) unlink(path.c_str());
}

Result<> Listeners::open_tcp(const ListenAddress& address, unsigned shards) {
  SKEP_TRY_ASSIGN(SocketAddress where, tcp_address(address));
  // Sockets that share a port do so with any other of this user. A first one that does not share
  // tells whether somebody is there already, even another skep.
  SKEP_TRY_ASSIGN(UniqueFd probe, bound_socket(address, where, false));
  SKEP_TRY_ASSIGN(const uint16_t port, port_of(address, probe.get()));
  probe.reset();
  where.set_port(port);

  std::vector<UniqueFd> sockets;
  for (unsigned i = 0; i < shards; ++i) {
    SKEP_TRY_ASSIGN(UniqueFd fd, bound_socket(address, where, true));
    if (listen(fd.get(), limits::kListenBacklog) != 0) return cannot_listen(address, errno);
    sockets.push_back(std::move(fd));
  }
  sockets_.push_back(std::move(sockets));
  const bool v6 = address.kind == ListenAddress::Kind::tcp6;
  names_.push_back(fmt::format("{}://{}{}{}:{}", address.tls ? "https" : "http", v6 ? "[" : "",
                               address.host, v6 ? "]" : "", port));
  return {};
}

Result<> Listeners::open_unix(const ListenAddress& address) {
  SKEP_TRY_ASSIGN(const sockaddr_un where, unix_address(address.path));
  SKEP_TRY(remove_stale_socket(address.path, where));
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket", errno);
  // Who may connect is the folder's to say, as it is for other servers' sockets.
  const mode_t previous = umask(address.owner_only ? 0177 : 0111);
  const int bound = bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where);
  const int error = errno;
  umask(previous);
  if (bound != 0) return fail_errno(fmt::format("cannot listen at unix:{}", address.path), error);
  socket_files_.push_back(address.path);
  if (listen(fd.get(), limits::kListenBacklog) != 0)
    return fail_errno(fmt::format("cannot listen at unix:{}", address.path), errno);
  std::vector<UniqueFd> sockets;
  sockets.push_back(std::move(fd));
  sockets_.push_back(std::move(sockets));
  names_.push_back(fmt::format("unix:{}", address.path));
  return {};
}

Result<std::vector<UniqueFd>> Listeners::of_shard(unsigned index) const {
  std::vector<UniqueFd> copies;
  for (const auto& sockets : sockets_) {
    const int fd = sockets[index % sockets.size()].get();
    UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!copy) return fail_errno("a listening socket for a shard", errno);
    copies.push_back(std::move(copy));
  }
  return copies;
}

}  // namespace skep::broker
