// The broker's end of one shard's signing socket: signs what a TLS server signs in its handshake,
// with the keys of the configuration, as often as one shard may ask. The shard is hostile. Made
// when it attaches, gone with its connection.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "broker/log_output.h"
#include "broker/tls_store.h"
#include "loop/loop.h"
#include "loop/socket.h"
#include "rpc/signing_wire.h"

namespace skep::broker {

class SigningDesk final : private loop::SocketEvents {
 public:
  // `store` outlives it. The loop needs receive buffers.
  SigningDesk(loop::Loop& loop, UniqueFd socket, const TlsStore& store, RateLimit budget);

 private:
  void on_data(std::span<const char> data) override;
  void on_end() override { socket_.reset(); }
  void on_error(int) override { socket_.reset(); }
  void on_sent() override;

  void answer(const rpc::SignRequest& request, std::span<const char> input);
  rpc::SignRefusal sign(const rpc::SignRequest& request, std::span<const uint8_t> input,
                        std::string& signature);

  loop::Loop& loop_;
  const TlsStore& store_;
  RateLimit budget_;
  rpc::SigningReader<rpc::SignRequest> requests_;
  std::optional<loop::Socket> socket_;  // none: the shard closed it, or did not keep to the wire
};

}  // namespace skep::broker
