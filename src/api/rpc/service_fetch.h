// fetch() of a service binding: a request that another worker of the shard answers, carried between
// the two events without HTTP on the way. To the caller it is an exchange as with an origin
// (net/client/exchange.h), to the callee a channel as any client's (fetch_channel.h); bodies go in
// chunks, each side waiting for the other. On the loop's thread.
#pragma once

#include <memory>

#include "api/rpc/service.h"
#include "net/client/exchange.h"

namespace skep::api {

class Event;

// For one request: start() makes the exchange.
class ServiceClient final : public net::HttpClient {
 public:
  ServiceClient(Event& caller, std::shared_ptr<EntrypointCapability> target)
      : caller_(caller), target_(std::move(target)) {}
  std::unique_ptr<net::ClientExchange> start(const net::ClientRequest& request,
                                             net::ClientEvents& events) override;

 private:
  Event& caller_;
  std::shared_ptr<EntrypointCapability> target_;
};

}  // namespace skep::api
