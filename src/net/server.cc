#include "net/server.h"

#include "net/server_core.h"

namespace skep::net {

struct Server::Impl {
  std::shared_ptr<ServerCore> core;
};

Server::Server(loop::Loop& loop, HttpHandler& handler, ServerOptions options)
    : impl_(std::make_unique<Impl>(std::make_shared<ServerCore>(loop, handler, options))) {}

Server::~Server() {
  impl_->core->shut_down();
}

void Server::add_connection(UniqueFd fd, loop::PeerAddress peer) {
  add_stream(make_socket_stream(impl_->core->loop, std::move(fd)), std::move(peer));
}

void Server::add_stream(std::unique_ptr<Stream> stream, loop::PeerAddress peer, bool http2) {
  impl_->core->add(std::move(stream), std::move(peer), http2);
}

void Server::drain(std::function<void()> done) {
  impl_->core->drain(std::move(done));
}

ServerStats Server::stats() const {
  return impl_->core->stats;
}

}  // namespace skep::net
