#include "shard/outbound_connector.h"

#include <utility>

namespace skep::shard {

void OutboundTls::with_context(std::function<void(const Context&)> use) {
  if (context_) return use(context_);
  waiting_.push_back(std::move(use));
  if (waiting_.size() > 1) return;
  host_.trusted_roots([this](Result<std::string> roots) {
    Context context = std::unexpected(Error{});
    if (roots) {
      context = net::tls::ClientContext::create(*roots);
    } else {
      context = std::unexpected(std::move(roots.error()));
    }
    if (context) context_ = *context;
    // Where it failed, the next one asks again.
    const auto waiting = std::exchange(waiting_, {});
    for (const auto& each : waiting) each(context);
  });
}

// Callbacks hold it weakly: given up by its owner it is gone, and what they bring is closed.
class OutboundConnector::Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(loop::Loop& loop, OutboundTls& tls, const net::ConnectTarget& target, Done done)
      : loop_(loop), tls_(tls), target_(target), done_(std::move(done)) {}

  void start(HostLink& host, uint32_t worker) {
    host.connect(worker, target_.host, target_.port,
                 [self = weak_from_this()](Result<OutboundSocket> socket) {
                   if (const auto held = self.lock()) held->on_socket(std::move(socket));
                 });
  }

  // From the loop, for done_ may be called.
  void start(std::unique_ptr<net::Stream> stream) {
    connected_.stream = std::move(stream);
    loop_.post([self = weak_from_this()] {
      if (const auto held = self.lock()) held->secure();
    });
  }

 private:
  void on_socket(Result<OutboundSocket> socket) {
    if (!socket) return done_(std::unexpected(std::move(socket.error())));
    connected_.stream = net::make_socket_stream(loop_, std::move(socket->fd));
    connected_.peer = {.address = std::move(socket->address), .port = target_.port};
    if (!target_.tls) return done_(std::move(connected_));
    secure();
  }

  void secure() {
    tls_.with_context([self = weak_from_this()](const OutboundTls::Context& context) {
      if (const auto held = self.lock()) held->on_context(context);
    });
  }

  void on_context(const OutboundTls::Context& context) {
    if (!context) return done_(std::unexpected(context.error()));
    net::tls::ClientOptions options{.host = target_.host, .alpn = target_.alpn};
    if (options.host.starts_with('[')) {
      options.host = options.host.substr(1, options.host.size() - 2);
    }
    // The attempt owns the handshake, so it is there whenever this is called.
    handshake_ = (*context)->connect(loop_, std::move(connected_.stream), options,
                                     [this](Result<std::unique_ptr<net::Stream>> stream) {
                                       const auto held = shared_from_this();
                                       on_secure(std::move(stream));
                                     });
    handshake_->start();
  }

  void on_secure(Result<std::unique_ptr<net::Stream>> stream) {
    if (!stream) return done_(std::unexpected(std::move(stream.error())));
    connected_.stream = std::move(*stream);
    done_(std::move(connected_));
  }

  loop::Loop& loop_;
  OutboundTls& tls_;
  const net::ConnectTarget target_;
  const Done done_;
  net::ConnectedStream connected_;
  std::unique_ptr<net::tls::Handshake> handshake_;
};

struct OutboundConnector::Held final : net::ConnectAttempt {
  explicit Held(std::shared_ptr<Attempt> own) : attempt(std::move(own)) {}
  const std::shared_ptr<Attempt> attempt;
};

std::unique_ptr<net::ConnectAttempt> OutboundConnector::connect(const net::ConnectTarget& target,
                                                                Done done) {
  auto attempt = std::make_shared<Attempt>(loop_, tls_, target, std::move(done));
  attempt->start(host_, worker_);
  return std::make_unique<Held>(std::move(attempt));
}

std::unique_ptr<net::ConnectAttempt> OutboundConnector::start_tls(
    std::unique_ptr<net::Stream> stream, const net::ConnectTarget& target, Done done) {
  auto attempt = std::make_shared<Attempt>(loop_, tls_, target, std::move(done));
  attempt->start(std::move(stream));
  return std::make_unique<Held>(std::move(attempt));
}

}  // namespace skep::shard
