// What the connections of one server share: options, handler, counters, the date, the pool of
// exchanges, and the list of the connections themselves. Held by the Server and by each connection,
// so that a connection whose callback destroys the server still stands on something. One loop.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/limits.h"
#include "net/http_date.h"
#include "net/server.h"
#include "net/server_connection.h"

namespace skep::net {

namespace http1 {
class Exchange;
}

class ServerCore : public std::enable_shared_from_this<ServerCore> {
 public:
  ServerCore(loop::Loop& loop, HttpHandler& handler, ServerOptions options);
  ~ServerCore();

  // HTTP/2 where TLS agreed on it, or where `http2` lets the client say so by its first bytes.
  void add(std::unique_ptr<Stream> stream, loop::PeerAddress peer, bool http2);
  void add(ServerConnection& connection);
  void remove(ServerConnection& connection);
  void drain(std::function<void()> done);
  // Closes everything and calls the handler no more but for on_closed of what is open.
  void shut_down();

  // The connections hold more than the server may: no new requests, small buffers.
  bool over_budget() const { return stats.buffered_bytes > options.max_buffered_bytes; }
  std::unique_ptr<http1::Exchange> take_exchange();
  void give_exchange(std::unique_ptr<http1::Exchange> exchange);

  loop::Loop& loop;
  HttpHandler& handler;
  const ServerOptions options;
  ServerStats stats;
  DateCache date;
  bool draining = false;

 private:
  void report_drained();

  ServerConnection* first_ = nullptr;
  size_t refused_connections_ = 0;
  std::vector<std::unique_ptr<http1::Exchange>> idle_exchanges_;
  std::function<void()> drained_;
};

}  // namespace skep::net
