// The server side of connections: a set of them, each speaking HTTP/1.1, with time-outs and bounds.
// Owned by the shard, one for all its listeners.
#pragma once

#include <functional>
#include <memory>

#include "base/limits.h"
#include "net/http.h"

namespace skep::net {

struct ServerOptions {
  size_t max_connections = limits::kConnectionsPerShard;
  uint64_t max_body_bytes = limits::kRequestBodyBytes;
  int64_t header_timeout_ms = limits::kHeaderTimeoutMs;
  int64_t body_timeout_ms = limits::kBodyTimeoutMs;
  int64_t send_timeout_ms = limits::kSendTimeoutMs;
  int64_t idle_timeout_ms = limits::kIdleTimeoutMs;
  size_t max_buffered_bytes = limits::kBufferedBytes;
};

struct ServerStats {
  size_t connections = 0;
  size_t buffered_bytes = 0;  // received and not read by a handler yet, or to be sent
  size_t exchanges = 0;       // open now
  uint64_t requests = 0;
  uint64_t refused = 0;  // answered with an error by the server itself
};

class Server {
 public:
  Server(loop::Loop& loop, HttpHandler& handler, ServerOptions options);
  // Closes everything; exchanges that are open hear on_closed(false). May be called from within a
  // callback of this server.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Takes a connection that was accepted. Over max_connections it gets a 503 and is closed.
  void add_connection(UniqueFd fd, loop::PeerAddress peer);
  // The same over any stream (TLS, memory).
  // HTTP/2 where TLS agreed on it (ALPN); on a plain stream where `http2` allows it and the client
  // begins with its preface (RFC 9113 3.3).
  void add_stream(std::unique_ptr<Stream> stream, loop::PeerAddress peer, bool http2 = false);
  // Idle connections are closed, busy ones after their exchange ("Connection: close"); `done` is
  // called when none is left.
  void drain(std::function<void()> done);
  ServerStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skep::net
