#include "broker/outbound.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

#include "base/limits_outbound.h"
#include "broker/outbound_race.h"

namespace skep::broker {
namespace {

// One connection's place in the counts: as long as it is being made or the broker holds its socket.
class Place {
 public:
  Place(std::shared_ptr<OutboundShare> share, std::shared_ptr<size_t> worker)
      : share_(std::move(share)), worker_(std::move(worker)) {
    ++share_->open;
    ++*worker_;
  }
  ~Place() {
    --share_->open;
    --*worker_;
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  const std::shared_ptr<OutboundShare> share_;
  const std::shared_ptr<size_t> worker_;
};

// A connected socket, until the shard has taken it and lets go.
class HandedSocket final : public rpc::OutboundConnection::Server {
 public:
  HandedSocket(UniqueFd fd, std::shared_ptr<Place> place)
      : fd_(std::move(fd)), place_(std::move(place)) {}
  kj::Maybe<int> getFd() override { return fd_.get(); }

 private:
  const UniqueFd fd_;
  const std::shared_ptr<Place> place_;
};

struct Asked {
  Host host;
  std::string said;  // as the worker wrote it
  uint16_t port = 0;
};

void write_failure(rpc::ConnectResult::Builder result, const Error& error) {
  result.setFailed(capnp::Text::Reader(error.message.c_str(), error.message.size()));
  result.setCode(static_cast<uint16_t>(error.code));
}

// What a worker is told says nothing of what the name stands for here.
Error not_found(const Asked& asked, int code) {
  switch (code) {
    case ENOENT:
      return {fmt::format("there is no host {}", asked.said), ENOENT};
    case ETIMEDOUT:
      return {fmt::format("no name server answers for {}", asked.said), ETIMEDOUT};
    case EAGAIN:
      return {"too many names are being looked up", EAGAIN};
    default:
      return {fmt::format("the name servers failed for {}", asked.said), EIO};
  }
}

using Addresses = Result<std::vector<IpBytes>>;

Addresses allowed(const OutboundService& service, const Asked& asked,
                  const std::vector<IpBytes>& addresses) {
  std::vector<IpBytes> good;
  for (const IpBytes& address : addresses) {
    if (service.policy.allows(asked.host.name, address, asked.port)) good.push_back(address);
  }
  if (!good.empty()) return good;
  return std::unexpected(Error{
      fmt::format("connections to {} port {} are not allowed", asked.said, asked.port), EACCES});
}

kj::Promise<Addresses> look_up(const std::shared_ptr<OutboundService>& service,
                               const std::shared_ptr<const Asked>& asked) {
  if (asked->host.kind == Host::Kind::address) {
    return allowed(*service, *asked, asked->host.addresses);
  }
  auto paf = kj::newPromiseAndFulfiller<Resolver::Answer>();
  auto fulfiller =
      std::make_shared<kj::Own<kj::PromiseFulfiller<Resolver::Answer>>>(kj::mv(paf.fulfiller));
  service->resolver->resolve(asked->host.name, [fulfiller](const Resolver::Answer& answer) {
    (*fulfiller)->fulfill(Resolver::Answer(answer));
  });
  return paf.promise.then([service, asked](Resolver::Answer&& answer) -> Addresses {
    if (answer.addresses.empty()) return std::unexpected(not_found(*asked, answer.code));
    return allowed(*service, *asked, answer.addresses);
  });
}

using Won = Result<ConnectRace::Winner>;

kj::Promise<Won> race(OutboundService& service, Addresses&& addresses, uint16_t port) {
  if (!addresses) return Won(std::unexpected(std::move(addresses.error())));
  auto paf = kj::newPromiseAndFulfiller<Won>();
  auto fulfiller = std::make_shared<kj::Own<kj::PromiseFulfiller<Won>>>(kj::mv(paf.fulfiller));
  auto running =
      kj::heap<ConnectRace>(service.loop, std::move(*addresses), port,
                            [fulfiller](Won won) { (*fulfiller)->fulfill(std::move(won)); });
  return paf.promise.attach(kj::mv(running));
}

std::optional<Endpoint> endpoint_of(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  Endpoint endpoint;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return std::nullopt;
  if (storage.ss_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&storage);
    endpoint.address[10] = endpoint.address[11] = 0xff;
    std::memcpy(&endpoint.address[12], &in->sin_addr, 4);
    endpoint.port = ntohs(in->sin_port);
    return endpoint;
  }
  if (storage.ss_family != AF_INET6) return std::nullopt;
  const auto* in = reinterpret_cast<const sockaddr_in6*>(&storage);
  std::memcpy(endpoint.address.data(), &in->sin6_addr, 16);
  endpoint.port = ntohs(in->sin6_port);
  return endpoint;
}

}  // namespace

Result<std::shared_ptr<OutboundService>> make_outbound_service(
    loop::Loop& loop, const BrokerOptions& options, const std::vector<UniqueFd>& listening) {
  std::vector<Endpoint> own;
  for (const UniqueFd& fd : listening) {
    if (const auto endpoint = endpoint_of(fd.get())) own.push_back(*endpoint);
  }
  SKEP_TRY_ASSIGN(auto resolver, Resolver::create(loop, options.outbound.resolvers));
  return std::make_shared<OutboundService>(OutboundService{
      loop, OutboundPolicy(options.outbound, options.outbound_local, std::move(own)),
      std::move(resolver)});
}

OutboundShare::OutboundShare() : rate(limits::kOutboundPerSecond, limits::kOutboundBurst) {}

kj::Promise<void> OutboundServer::connect(ConnectContext context) {
  const auto params = context.getParams();
  const auto host = params.getHost();
  auto asked = std::make_shared<Asked>();
  asked->host = read_host({host.begin(), host.size()});
  asked->port = params.getPort();
  if (asked->host.kind == Host::Kind::bad || asked->port == 0) {
    write_failure(context.getResults().initResult(), Error{"this is no address", EINVAL});
    return kj::READY_NOW;
  }
  asked->said.assign(host.begin(), host.end());
  if (*open_ >= limits::kOutboundPerWorker || share_->open >= limits::kOutboundPerShard ||
      !share_->rate.take(1, service_->loop.now_ns())) {
    write_failure(context.getResults().initResult(), Error{"too many connections", EAGAIN});
    return kj::READY_NOW;
  }
  auto place = std::make_shared<Place>(share_, open_);
  return look_up(service_, asked)
      .then([service = service_, port = asked->port](Addresses&& addresses) {
        return race(*service, std::move(addresses), port);
      })
      .then([context, place, service = service_](Won&& won) mutable {
        auto result = context.getResults().initResult();
        if (!won) return write_failure(result, won.error());
        const std::string text = text_of(won->address);
        result.setConnection(kj::heap<HandedSocket>(std::move(won->fd), place));
        result.setAddress(capnp::Text::Reader(text.c_str(), text.size()));
      });
}

}  // namespace skep::broker
