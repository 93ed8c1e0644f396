#include "shard/outbound_connector.h"

#include <cerrno>

namespace skep::shard {
namespace {

// What stays of an attempt when its owner gives it up: the answer finds nobody, and closes the
// socket that came.
struct Wanted {
  net::Connector::Done done;
};

class Attempt final : public net::ConnectAttempt {
 public:
  explicit Attempt(net::Connector::Done done) : wanted(std::make_shared<Wanted>(std::move(done))) {}

  const std::shared_ptr<Wanted> wanted;
};

}  // namespace

std::unique_ptr<net::ConnectAttempt> OutboundConnector::connect(const net::ConnectTarget& target,
                                                                Done done) {
  auto attempt = std::make_unique<Attempt>(std::move(done));
  if (target.tls) {
    loop_.post([wanted = std::weak_ptr<Wanted>(attempt->wanted)] {
      const auto held = wanted.lock();
      if (held) held->done(fail_errno("this version speaks no TLS to origins", EACCES));
    });
    return attempt;
  }
  host_.connect(worker_, target.host, target.port,
                [&loop = loop_, port = target.port,
                 wanted = std::weak_ptr<Wanted>(attempt->wanted)](Result<OutboundSocket> socket) {
                  const auto held = wanted.lock();
                  if (!held) return;
                  if (!socket) return held->done(std::unexpected(std::move(socket.error())));
                  held->done(net::ConnectedStream{
                      .stream = net::make_socket_stream(loop, std::move(socket->fd)),
                      .peer = {.address = std::move(socket->address), .port = port}});
                });
  return attempt;
}

}  // namespace skep::shard
