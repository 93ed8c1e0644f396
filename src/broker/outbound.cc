#include "broker/outbound.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

#include "base/limits_fetch.h"
#include "base/unique_fd.h"
#include "rpc/descriptor.h"

namespace skep::broker {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  std::string text;
  std::array<uint8_t, 16> bytes{};  // IPv4 as ::ffff:a.b.c.d
};

bool is_local_ipv4(uint32_t host) {
  struct Net {
    uint32_t address;
    int bits;
  };
  // IANA's special-purpose registry: what is not globally reachable.
  static constexpr Net kNets[] = {
      {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
      {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24}, {0xc0586300, 24}, {0xc0a80000, 16},
      {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 4},  {0xf0000000, 4}};
  for (const Net& net : kNets) {
    if (host >> (32 - net.bits) == net.address >> (32 - net.bits)) return true;
  }
  return false;
}

// Global unicast (2000::/3) but for what embeds an IPv4 address or is set aside.
bool is_local_ipv6(const in6_addr& address) {
  const uint8_t* b = address.s6_addr;
  if ((b[0] & 0xe0) != 0x20) return true;
  if (b[0] == 0x20 && b[1] == 0x02) return true;                        // 6to4
  if (b[0] == 0x20 && b[1] == 0x01 && b[2] < 2) return true;            // 2001::/23
  return b[0] == 0x20 && b[1] == 0x01 && b[2] == 0x0d && b[3] == 0xb8;  // documentation
}

std::optional<Address> numeric(std::string_view host, uint16_t port, bool& local) {
  std::string text(host);
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  if (text == "localhost") text = "127.0.0.1";
  Address address;
  address.text = text;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.length = sizeof *v4;
    address.bytes[10] = address.bytes[11] = 0xff;
    std::memcpy(&address.bytes[12], &v4->sin_addr, 4);
    local = is_local_ipv4(ntohl(v4->sin_addr.s_addr));
    return address;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.length = sizeof *v6;
    std::memcpy(address.bytes.data(), &v6->sin6_addr, 16);
    local = is_local_ipv6(v6->sin6_addr);
    return address;
  }
  return std::nullopt;
}

using Connected = Result<UniqueFd>;

// A connect in the ring. Deletes itself when the kernel is done with it.
class Connecting final : public loop::Completion {
 public:
  Connecting(loop::Loop& loop, UniqueFd fd, Address address,
             kj::Own<kj::PromiseFulfiller<Connected>> fulfiller)
      : fd_(std::move(fd)), address_(std::move(address)), fulfiller_(kj::mv(fulfiller)) {
    io_uring_sqe* sqe = loop.prepare(this);
    io_uring_prep_connect(sqe, fd_.get(), reinterpret_cast<sockaddr*>(&address_.storage),
                          address_.length);
  }

  void complete(int32_t result, uint32_t, bool) override {
    if (result == 0) {
      fulfiller_->fulfill(Connected(std::move(fd_)));
    } else {
      fulfiller_->fulfill(fail_errno("cannot connect", -result));
    }
    delete this;
  }

 private:
  UniqueFd fd_;
  Address address_;
  kj::Own<kj::PromiseFulfiller<Connected>> fulfiller_;
};

void write_failure(rpc::ConnectResult::Builder result, const Error& error) {
  result.setFailed(capnp::Text::Reader(error.message.c_str(), error.message.size()));
  result.setCode(static_cast<uint16_t>(error.code));
}

bool allowed(const Address& address, uint16_t port, bool local, const BrokerOptions& options) {
  const auto covered = [&](const std::vector<config::OutboundRule>& rules) {
    return std::any_of(rules.begin(), rules.end(), [&](const config::OutboundRule& rule) {
      return rule.covers(address.bytes, port);
    });
  };
  if (covered(options.outbound.deny)) return false;
  return !local || options.outbound_local || covered(options.outbound.allow);
}

Result<Address> check(std::string_view host, uint16_t port, const BrokerOptions& options) {
  if (host.empty() || host.size() > 255 || port == 0) {
    return std::unexpected(Error{"not an address", EINVAL});
  }
  bool local = false;
  auto address = numeric(host, port, local);
  if (!address) return std::unexpected(Error{fmt::format("{} is not known", host), ENOENT});
  if (!allowed(*address, port, local, options)) {
    return std::unexpected(Error{fmt::format("connections to {} are not allowed", host), EACCES});
  }
  return std::move(*address);
}

}  // namespace

kj::Promise<void> OutboundServer::connect(ConnectContext context) {
  const auto params = context.getParams();
  const auto host = params.getHost();
  auto address = check({host.begin(), host.size()}, params.getPort(), options_);
  if (!address) {
    write_failure(context.getResults().initResult(), address.error());
    return kj::READY_NOW;
  }
  UniqueFd fd(socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP));
  if (*connecting_ >= limits::kClientConnections || !fd) {
    write_failure(context.getResults().initResult(), Error{"no more connections", EAGAIN});
    return kj::READY_NOW;
  }
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const std::string connected_to = address->text;
  auto paf = kj::newPromiseAndFulfiller<Connected>();
  new Connecting(loop_, std::move(fd), std::move(*address), kj::mv(paf.fulfiller));
  ++*connecting_;
  auto answered = paf.promise.then([context, connected_to](Connected&& connected) mutable {
    auto result = context.getResults().initResult();
    if (!connected) return write_failure(result, connected.error());
    result.setConnection(
        kj::heap<rpc::DescriptorServer<rpc::OutboundConnection>>(std::move(*connected)));
    result.setAddress(capnp::Text::Reader(connected_to.c_str(), connected_to.size()));
  });
  // Also where the shard gives the call up.
  return answered.attach(kj::defer([count = connecting_] { --*count; }));
}

}  // namespace skep::broker
