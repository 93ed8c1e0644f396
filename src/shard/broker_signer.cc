#include "shard/broker_signer.h"

#include <utility>

namespace skep::shard {
namespace {

Error error_of(rpc::SignRefusal refusal) {
  switch (refusal) {
    case rpc::SignRefusal::unknown_key:
      return Error{"this key is gone", 0};
    case rpc::SignRefusal::not_a_handshake:
      return Error{"what is to be signed is not of a server's handshake", 0};
    case rpc::SignRefusal::algorithm:
      return Error{"signature: the algorithm does not fit the key", 0};
    case rpc::SignRefusal::over_budget:
      return Error{"too many signatures for one shard", 0};
    case rpc::SignRefusal::none:
      break;
  }
  return Error{"no signature", 0};
}

}  // namespace

void BrokerSigner::open(UniqueFd socket) {
  socket_.emplace(loop_, std::move(socket), static_cast<loop::SocketEvents&>(*this));
  socket_->receive();
}

void BrokerSigner::sign(uint32_t key, uint16_t algorithm, std::span<const uint8_t> input,
                        std::function<void(Result<std::string>)> done) {
  if (!socket_ || input.size() > rpc::SignRequest::kMostBytes) {
    return loop_.post([done = std::move(done)] { done(fail("nobody signs this")); });
  }
  const rpc::SignRequest request{key, algorithm, static_cast<uint16_t>(input.size())};
  socket_->send(rpc::bytes_of_head(request));
  socket_->send({reinterpret_cast<const char*>(input.data()), input.size()});
  waiting_.push_back(std::move(done));
}

void BrokerSigner::on_data(std::span<const char> data) {
  bool asked = true;
  const bool kept =
      replies_.feed(data, [&](const rpc::SignReply& reply, std::span<const char> signature) {
        if (waiting_.empty()) {
          asked = false;
          return;
        }
        const auto done = std::move(waiting_.front());
        waiting_.pop_front();
        if (reply.refusal != rpc::SignRefusal::none || signature.empty())
          return done(std::unexpected(error_of(reply.refusal)));
        done(std::string(signature.data(), signature.size()));
      });
  if (!kept || !asked) lose();
}

void BrokerSigner::lose() {
  socket_.reset();
  const auto waiting = std::exchange(waiting_, {});
  for (const auto& done : waiting) done(fail("the broker does not sign any more"));
  on_lost_();
}

}  // namespace skep::shard
