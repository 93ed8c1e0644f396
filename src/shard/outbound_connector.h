// A worker's connections to the outside: the broker is asked for a connected socket; what is spoken
// over it, TLS too, is the shard's affair. A connector is owned by its worker, OutboundTls by the
// shard, for all workers. On the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "loop/loop.h"
#include "net/client/connector.h"
#include "net/tls/tls_client.h"
#include "shard/host_link.h"

namespace skep::shard {

// What origins' certificates are checked against, fetched from the broker at the first use.
class OutboundTls {
 public:
  using Context = Result<std::shared_ptr<net::tls::ClientContext>>;

  explicit OutboundTls(HostLink& host) : host_(host) {}

  // Calls `use`, at once or later.
  void with_context(std::function<void(const Context&)> use);

 private:
  HostLink& host_;
  std::shared_ptr<net::tls::ClientContext> context_;
  std::vector<std::function<void(const Context&)>> waiting_;
};

class OutboundConnector final : public net::Connector {
 public:
  OutboundConnector(loop::Loop& loop, HostLink& host, OutboundTls& tls, uint32_t worker)
      : loop_(loop), host_(host), tls_(tls), worker_(worker) {}

  std::unique_ptr<net::ConnectAttempt> connect(const net::ConnectTarget& target,
                                               Done done) override;
  std::unique_ptr<net::ConnectAttempt> start_tls(std::unique_ptr<net::Stream> stream,
                                                 const net::ConnectTarget& target,
                                                 Done done) override;

 private:
  class Attempt;
  struct Held;

  loop::Loop& loop_;
  HostLink& host_;
  OutboundTls& tls_;
  const uint32_t worker_;
};

}  // namespace skep::shard
