#include "broker/outbound_race.h"

#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/limits_outbound.h"

namespace skep::broker {

// One connect in the ring. It deletes itself with its completion, whoever is there to hear of it.
class ConnectRace::Try final : public loop::Completion {
 public:
  Try(ConnectRace& owner, const IpBytes& to, UniqueFd socket)
      : race(&owner), address(to), fd(std::move(socket)) {
    socklen_t length = sizeof(sockaddr_in6);
    if (is_ipv4(address)) {
      auto* in = reinterpret_cast<sockaddr_in*>(&storage_);
      in->sin_family = AF_INET;
      in->sin_port = htons(owner.port_);
      std::memcpy(&in->sin_addr, &address[12], 4);
      length = sizeof(sockaddr_in);
    } else {
      auto* in = reinterpret_cast<sockaddr_in6*>(&storage_);
      in->sin6_family = AF_INET6;
      in->sin6_port = htons(owner.port_);
      std::memcpy(&in->sin6_addr, address.data(), 16);
    }
    io_uring_prep_connect(owner.loop_.prepare(this), fd.get(),
                          reinterpret_cast<sockaddr*>(&storage_), length);
  }

  void complete(int32_t result, uint32_t, bool) override {
    const std::unique_ptr<Try> self(this);
    if (race != nullptr) race->tried(*this, result);
  }

  ConnectRace* race;  // null: given up
  const IpBytes address;
  UniqueFd fd;

 private:
  sockaddr_storage storage_{};
};

ConnectRace::ConnectRace(loop::Loop& loop, std::vector<IpBytes> addresses, uint16_t port, Done done)
    : loop_(loop),
      addresses_(std::move(addresses)),
      port_(port),
      done_(std::move(done)),
      begin_([this] { next(); }),
      stagger_(loop, [this] { next(); }),
      deadline_(loop, [this] { finish(fail_errno("cannot connect", ETIMEDOUT)); }) {
  deadline_.set_ms(limits::kOutboundConnectMs);
  loop_.defer(begin_);
}

ConnectRace::~ConnectRace() {
  for (Try* one : running_) {
    one->race = nullptr;
    loop_.cancel(one);
  }
}

void ConnectRace::next() {
  while (next_ < addresses_.size()) {
    const IpBytes& address = addresses_[next_++];
    UniqueFd fd(
        socket(is_ipv4(address) ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP));
    if (!fd) {
      if (first_error_ == 0) first_error_ = errno;
      continue;
    }
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    running_.push_back(new Try(*this, address, std::move(fd)));
    if (next_ < addresses_.size()) stagger_.set_ms(limits::kOutboundStaggerMs);
    return;
  }
  if (running_.empty()) finish(fail_errno("cannot connect", first_error_));
}

void ConnectRace::tried(Try& one, int32_t result) {
  std::erase(running_, &one);
  if (result == 0) return finish(Winner{std::move(one.fd), one.address});
  if (first_error_ == 0) first_error_ = -result;
  next();
}

void ConnectRace::finish(Result<Winner> result) {
  stagger_.cancel();
  deadline_.cancel();
  for (Try* one : running_) {
    one->race = nullptr;
    loop_.cancel(one);
  }
  running_.clear();
  const Done done = std::move(done_);
  done(std::move(result));  // `this` may be gone
}

}  // namespace skep::broker
