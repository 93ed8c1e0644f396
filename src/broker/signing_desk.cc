#include "broker/signing_desk.h"

#include <utility>

#include "base/limits_tls.h"
#include "base/log.h"
#include "net/tls/private_key.h"

namespace skep::broker {

using rpc::SignRefusal;

SigningDesk::SigningDesk(loop::Loop& loop, UniqueFd socket, const TlsStore& store, RateLimit budget)
    : loop_(loop), store_(store), budget_(budget) {
  socket_.emplace(loop, std::move(socket), static_cast<loop::SocketEvents&>(*this));
  socket_->receive();
}

void SigningDesk::on_data(std::span<const char> data) {
  const bool kept =
      requests_.feed(data, [this](const rpc::SignRequest& request, std::span<const char> input) {
        answer(request, input);
      });
  if (!kept) {
    log_warn("a shard asked for a signature of more bytes than a handshake has");
    return socket_.reset();
  }
  // A shard that asks and does not read is not served.
  if (socket_->queued() > limits::kTlsSignRepliesBytes) socket_->pause();
}

void SigningDesk::on_sent() {
  socket_->receive();
}

void SigningDesk::answer(const rpc::SignRequest& request, std::span<const char> input) {
  std::string signature;
  const SignRefusal refusal =
      sign(request, {reinterpret_cast<const uint8_t*>(input.data()), input.size()}, signature);
  const rpc::SignReply reply{refusal, static_cast<uint16_t>(signature.size())};
  socket_->send(rpc::bytes_of_head(reply));
  socket_->send(signature);
}

SignRefusal SigningDesk::sign(const rpc::SignRequest& request, std::span<const uint8_t> input,
                              std::string& signature) {
  const net::tls::PrivateKey* key = store_.find_key(request.key);
  if (key == nullptr) return SignRefusal::unknown_key;
  if (!net::tls::is_server_handshake(input)) return SignRefusal::not_a_handshake;
  if (!budget_.take(key->cost(), loop_.now_ns())) return SignRefusal::over_budget;
  auto made = key->sign(request.algorithm, input);
  if (!made || made->size() > limits::kTlsSignatureBytes) return SignRefusal::algorithm;
  signature = std::move(*made);
  return SignRefusal::none;
}

}  // namespace skep::broker
