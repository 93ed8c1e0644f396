#include "net/server_core.h"

#include "base/assert.h"
#include "net/http1/connection.h"
#include "net/http2/session.h"
#include "net/http2/sniffer.h"
#include "net/tls/tls_facts.h"

namespace skep::net {

ServerCore::ServerCore(loop::Loop& the_loop, HttpHandler& the_handler, ServerOptions the_options)
    : loop(the_loop), handler(the_handler), options(the_options) {}

ServerCore::~ServerCore() {
  SKEP_ASSERT(first_ == nullptr);
}

void ServerCore::add(std::unique_ptr<Stream> stream, loop::PeerAddress peer, bool http2) {
  const TlsFacts* tls = stream->tls();
  if (tls != nullptr && tls->alpn == "h2") {
    add(*new http2::Session(shared_from_this(), std::move(stream), std::move(peer)));
  } else if (tls == nullptr && http2) {
    add(*new http2::Sniffer(shared_from_this(), std::move(stream), std::move(peer)));
  } else {
    add(*new http1::Connection(shared_from_this(), std::move(stream), std::move(peer)));
  }
}

void ServerCore::add(ServerConnection& added) {
  ServerConnection* const connection = &added;
  const bool full = stats.connections >= options.max_connections;
  if (full && refused_connections_ >= limits::kRefusedConnections) {
    stats.refused++;
    connection->drop_reference();
    return;
  }
  connection->next = first_;
  if (first_ != nullptr) first_->previous = connection;
  first_ = connection;
  if (full) {
    refused_connections_++;
    connection->start_refused();
  } else {
    stats.connections++;
    connection->start();
  }
}

void ServerCore::remove(ServerConnection& connection) {
  if (connection.over_limit) {
    refused_connections_--;
  } else {
    stats.connections--;
  }
  if (connection.previous != nullptr) connection.previous->next = connection.next;
  if (connection.next != nullptr) connection.next->previous = connection.previous;
  if (first_ == &connection) first_ = connection.next;
  connection.next = connection.previous = nullptr;
  connection.drop_reference();
  if (first_ == nullptr && drained_) report_drained();
}

void ServerCore::drain(std::function<void()> done) {
  draining = true;
  drained_ = std::move(done);
  for (ServerConnection* connection = first_; connection != nullptr;) {
    ServerConnection* following = connection->next;
    connection->drain();
    connection = following;
  }
  if (first_ == nullptr && drained_) report_drained();
}

void ServerCore::report_drained() {
  loop.post(std::exchange(drained_, nullptr));
}

void ServerCore::shut_down() {
  drained_ = nullptr;
  while (first_ != nullptr) first_->close();
}

std::unique_ptr<http1::Exchange> ServerCore::take_exchange() {
  if (idle_exchanges_.empty()) return std::make_unique<http1::Exchange>();
  std::unique_ptr<http1::Exchange> exchange = std::move(idle_exchanges_.back());
  idle_exchanges_.pop_back();
  return exchange;
}

void ServerCore::give_exchange(std::unique_ptr<http1::Exchange> exchange) {
  if (idle_exchanges_.size() >= limits::kExchangePoolIdle) return;
  exchange->reset();
  idle_exchanges_.push_back(std::move(exchange));
}

}  // namespace skep::net
