// The shard's end of the signing socket: has the broker sign the handshakes of TLS servers. Owned
// by the link to the broker.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "loop/loop.h"
#include "loop/socket.h"
#include "net/tls/tls_server.h"
#include "rpc/signing_wire.h"

namespace skep::shard {

class BrokerSigner final : public net::tls::Signer, private loop::SocketEvents {
 public:
  // `on_lost`: the broker's end is gone, or talks nonsense.
  BrokerSigner(loop::Loop& loop, std::function<void()> on_lost)
      : loop_(loop), on_lost_(std::move(on_lost)) {}

  void open(UniqueFd socket);
  void sign(uint32_t key, uint16_t algorithm, std::span<const uint8_t> input,
            std::function<void(Result<std::string>)> done) override;

 private:
  void on_data(std::span<const char> data) override;
  void on_end() override { lose(); }
  void on_error(int) override { lose(); }
  void on_sent() override {}
  void lose();

  loop::Loop& loop_;
  const std::function<void()> on_lost_;
  std::optional<loop::Socket> socket_;
  rpc::SigningReader<rpc::SignReply> replies_;
  std::deque<std::function<void(Result<std::string>)>> waiting_;  // in the order of the requests
};

}  // namespace skep::shard
