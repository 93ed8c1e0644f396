#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/limits.h"
#include "loop/loop_impl.h"
#include "loop/socket.h"

namespace skep::loop {
namespace {

PeerAddress peer_of(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  // A connection that is gone already has no peer; its first receive will tell.
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET) {
    const auto& address = reinterpret_cast<const sockaddr_in&>(storage);
    inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
    return {text.data(), ntohs(address.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    const auto& address = reinterpret_cast<const sockaddr_in6&>(storage);
    // An IPv4 client of a dual-stack listener is the same client as of an IPv4 one.
    if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr))
      inet_ntop(AF_INET, &address.sin6_addr.s6_addr[12], text.data(), text.size());
    else
      inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
    return {text.data(), ntohs(address.sin6_port)};
  }
  return {"unix", 0};
}

// The client gave up while it waited: its loss alone.
bool is_of_one_connection(int error) {
  switch (error) {
    case EINTR:
    case EAGAIN:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EPERM:  // a firewall rule
    case ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

bool passes_with_time(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

struct Acceptor::State final : Completion {
  State(Loop& owner_loop, UniqueFd fd, AcceptorEvents& owner)
      : loop(*owner_loop.impl_),
        listening(std::move(fd)),
        events(&owner),
        retry(owner_loop, [this] { arm(); }) {}

  void arm();
  void complete(int32_t result, uint32_t flags, bool more) override;
  void take(int32_t result);
  void delete_if_over() {
    if (!armed && !in_callback && events == nullptr) delete this;
  }

  LoopImpl& loop;
  UniqueFd listening;
  AcceptorEvents* events;  // null once the Acceptor is gone
  Timer retry;
  bool wanted = false;
  bool armed = false;
  bool cancelling = false;
  bool in_callback = false;
};

void Acceptor::State::arm() {
  if (!wanted || armed) return;
  io_uring_sqe* sqe = loop.prepare(this);
  io_uring_prep_multishot_accept(sqe, listening.get(), nullptr, nullptr, SOCK_CLOEXEC);
  armed = true;
}

void Acceptor::State::complete(int32_t result, uint32_t flags, bool more) {
  if (!more) armed = cancelling = false;
  in_callback = true;
  take(result);
  in_callback = false;
  // After a failure that passes, the timer arms again.
  if (events != nullptr && !retry.armed()) arm();
  delete_if_over();
}

void Acceptor::State::take(int32_t result) {
  if (result >= 0) {
    UniqueFd fd(result);
    if (events == nullptr) return;
    PeerAddress peer = peer_of(fd.get());
    return events->on_connection(std::move(fd), std::move(peer));
  }
  const int error = -result;
  if (events == nullptr || error == ECANCELED || is_of_one_connection(error)) return;
  if (passes_with_time(error)) return retry.set_ms(limits::kAcceptPauseMs);
  wanted = false;
  events->on_accept_error(error);
}

Acceptor::Acceptor(Loop& loop, UniqueFd listening, AcceptorEvents& events)
    : state_(new State(loop, std::move(listening), events)) {}

Acceptor::~Acceptor() {
  stop();
  state_->events = nullptr;
  state_->delete_if_over();
}

void Acceptor::start() {
  state_->wanted = true;
  if (!state_->retry.armed()) state_->arm();
}

void Acceptor::stop() {
  state_->wanted = false;
  state_->retry.cancel();
  if (!state_->armed || state_->cancelling) return;
  state_->cancelling = true;
  state_->loop.cancel(state_);
}

}  // namespace skep::loop
