// The first bytes of a plain connection on which both HTTP versions may be spoken: the preface of
// HTTP/2 (RFC 9113 3.4) or something else. Then the connection is the right one's, with those bytes
// in front. In the shard.
#pragma once

#include <memory>
#include <string>

#include "net/server_connection.h"
#include "net/server_core.h"

namespace skep::net::http2 {

class Sniffer final : public ServerConnection, private loop::SocketEvents {
 public:
  Sniffer(std::shared_ptr<ServerCore> core, std::unique_ptr<Stream> stream, loop::PeerAddress peer);

  void start() override;
  void start_refused() override;
  // Nothing was asked yet.
  void drain() override { close(); }
  void close() override;

 private:
  ~Sniffer() override = default;
  void on_data(std::span<const char> data) override;
  void on_end() override { decide(); }
  void on_error(int) override { close(); }
  void on_sent() override {}
  void decide();

  std::shared_ptr<ServerCore> core_;
  std::unique_ptr<Stream> stream_;
  loop::PeerAddress peer_;
  std::string received_;
  loop::Timer deadline_;
};

}  // namespace skep::net::http2
