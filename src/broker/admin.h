// The admin socket: HTTP for the operator (GET /metrics, GET /health), on a UNIX socket that only
// the owner may use. In the broker, on its loop; not for strangers.
#pragma once

#include <kj/async.h>

#include <functional>
#include <memory>

#include "base/result.h"
#include "base/unique_fd.h"
#include "broker/access_log.h"
#include "broker/metrics.h"
#include "broker/supervisor.h"
#include "loop/socket.h"
#include "net/server.h"

namespace skep::broker {

class AdminServer final : private net::HttpHandler,
                          private loop::AcceptorEvents,
                          private kj::TaskSet::ErrorHandler {
 public:
  // access: null where there is no access log. All arguments outlive the server.
  AdminServer(loop::Loop& loop, UniqueFd listening, Supervisor& supervisor,
              std::vector<std::string> workers, const AccessLog* access);
  ~AdminServer() noexcept;
  KJ_DISALLOW_COPY_AND_MOVE(AdminServer);

 private:
  class Scrape;
  class Visit;

  void on_request(net::HttpExchange& exchange) override;
  void on_connection(UniqueFd fd, loop::PeerAddress peer) override;
  void on_accept_error(int error) override;
  void taskFailed(kj::Exception&&) override {}
  // Asks all shards; calls back once, from the loop's stack.
  void collect(std::function<void(std::string)> done);
  BrokerCounts own_counts() const;

  loop::Loop& loop_;
  Supervisor& supervisor_;
  const AccessLog* access_;
  Metrics metrics_;
  net::Server server_;
  loop::Acceptor acceptor_;
  kj::TaskSet tasks_{*this};
};

}  // namespace skep::broker
