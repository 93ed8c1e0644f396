// A connected byte stream as the HTTP code sees it: a plain socket today, TLS over one later,
// memory in tests and fuzz targets. Owned by the connection that speaks over it; runs in the shard.
// The promises are those of loop::Socket, and so are the events; every event may destroy the
// stream.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "loop/socket.h"

namespace skep::net {

struct TlsFacts;

class Stream {
 public:
  virtual ~Stream() = default;

  // Who hears of what happens from now on. Must be set before receive().
  virtual void set_events(loop::SocketEvents* events) = 0;
  virtual void receive() = 0;
  virtual void pause() = 0;
  // Copies `data` into the send buffer.
  virtual void send(std::string_view data) = 0;
  // As send, but `owner` keeps the bytes alive instead of a copy.
  virtual void send_owned(std::span<const char> data, std::shared_ptr<void> owner) = 0;
  virtual size_t queued() const = 0;
  virtual void shutdown_send() = 0;
  virtual int64_t last_progress_ns() const = 0;
  virtual bool secure() const = 0;
  // What TLS found out about the peer, once its handshake is through; null on a plain connection.
  virtual const TlsFacts* tls() const { return nullptr; }
};

std::unique_ptr<Stream> make_socket_stream(loop::Loop& loop, UniqueFd fd);

}  // namespace skep::net
