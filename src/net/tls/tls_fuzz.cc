// A TLS server fed by a client that is hostile. The input's first byte chooses: either the rest is
// what the client sends, cut in pieces; or a real client of ours speaks with the server and the
// rest says how its bytes are broken on their way, so that records behind the handshake are
// reached.
#include <fuzzer/FuzzedDataProvider.h>

#include <deque>

#include "base/assert.h"
#include "net/testing.h"
#include "net/tls/private_key.h"
#include "net/tls/tickets.h"
#include "net/tls/tls_client.h"
#include "net/tls/tls_server.h"

namespace skep::net::tls {
namespace {

using testing::MemoryStream;
using testing::Wire;

constexpr int kTurns = 40;

struct Setup final : Signer {
  Setup() {
    loop = testing::make_loop();
    const SelfSigned pem = make_self_signed({"a.example"});
    key = *PrivateKey::from_pem(pem.key_pem);
    ServerConfig config;
    config.ticket_keys = {std::string(kTicketKeyBytes, 'k')};
    ServerCertificate certificate;
    certificate.chain = read_certificate_chain(pem.certificate_pem)->der;
    certificate.names = {"a.example"};
    config.certificates.push_back(certificate);
    certificate.names = {"asked.example"};
    certificate.client_auth = ClientAuth::optional;
    certificate.client_ca = certificate.chain;
    config.certificates.push_back(std::move(certificate));
    server = *ServerContext::create(config, *this);
    client = *ClientContext::create(pem.certificate_pem);
  }

  void sign(uint32_t, uint16_t algorithm, std::span<const uint8_t> input,
            std::function<void(Result<std::string>)> done) override {
    SKEP_ASSERT(is_server_handshake(input));
    auto signature = key->sign(algorithm, input);
    loop->post([done = std::move(done), signature = std::move(signature)] { done(signature); });
  }

  std::unique_ptr<loop::Loop> loop;
  std::unique_ptr<PrivateKey> key;
  std::shared_ptr<ServerContext> server;
  std::shared_ptr<ClientContext> client;
};

// Whoever has a stream at the end of a handshake: sends back what comes, pauses now and then.
struct End final : loop::SocketEvents {
  void begin(Result<std::unique_ptr<Stream>> result) {
    const std::unique_ptr<Handshake> over = std::move(handshake);
    if (!result) return;
    stream = std::move(*result);
    SKEP_ASSERT(stream->tls() != nullptr);
    stream->set_events(this);
    stream->receive();
    if (greets) stream->send("hello");
  }
  void on_data(std::span<const char> bytes) override {
    seen += bytes.size();
    if (seen % 3 == 0) stream->pause();
    if (seen < 100'000) stream->send({bytes.data(), bytes.size()});
  }
  void on_end() override { stream->shutdown_send(); }
  void on_error(int) override { stream.reset(); }
  void on_sent() override {}

  std::unique_ptr<Handshake> handshake;
  std::unique_ptr<Stream> stream;
  size_t seen = 0;
  bool greets = false;
};

class Talk {
 public:
  Talk(Setup& setup, bool http2) : setup_(setup), wire_(std::make_shared<Wire>()) {
    server_.handshake = setup.server->accept(
        *setup.loop, std::make_unique<MemoryStream>(wire_), http2,
        [this](Result<std::unique_ptr<Stream>> result) { server_.begin(std::move(result)); });
    server_.handshake->start();
  }

  void start_client(const std::string& host, std::vector<std::string> alpn) {
    client_wire_ = std::make_shared<Wire>();
    client_.greets = true;
    client_.handshake = setup_.client->connect(
        *setup_.loop, std::make_unique<MemoryStream>(client_wire_),
        {.host = host, .alpn = std::move(alpn)},
        [this](Result<std::unique_ptr<Stream>> result) { client_.begin(std::move(result)); });
    client_.handshake->start();
  }

  void deliver(std::string_view bytes) {
    // On the heap and of exact size, so that a read beyond it is seen.
    const std::vector<char> piece(bytes.begin(), bytes.end());
    if (!wire_->closed) wire_->deliver({piece.data(), piece.size()});
  }

  void turn() {
    SKEP_ASSERT(setup_.loop->turn(false));
    if (server_.stream) server_.stream->receive();
    if (!wire_->closed) wire_->report_sent();
    if (client_wire_ && !client_wire_->closed) client_wire_->report_sent();
  }

  std::string take_from_client() { return std::exchange(client_wire_->sent, {}); }
  void carry_to_client() {
    const std::string bytes = std::exchange(wire_->sent, {});
    if (!client_wire_->closed && !bytes.empty()) client_wire_->deliver(bytes);
  }
  void end() {
    if (!wire_->closed) wire_->end();
  }

 private:
  Setup& setup_;
  std::shared_ptr<Wire> wire_, client_wire_;
  End server_, client_;
};

void raw_client(Setup& setup, FuzzedDataProvider& input) {
  Talk talk(setup, input.ConsumeBool());
  while (input.remaining_bytes() > 0) {
    talk.deliver(input.ConsumeRandomLengthString(input.ConsumeIntegralInRange<size_t>(1, 4096)));
    talk.turn();
  }
  talk.end();
  talk.turn();
}

void broken_client(Setup& setup, FuzzedDataProvider& input) {
  Talk talk(setup, input.ConsumeBool());
  talk.start_client(input.ConsumeBool() ? "a.example" : "asked.example",
                    input.ConsumeBool() ? std::vector<std::string>{"h2", "http/1.1"}
                                        : std::vector<std::string>());
  for (int i = 0; i < kTurns; i++) {
    talk.turn();
    std::string bytes = talk.take_from_client();
    switch (input.ConsumeIntegralInRange<int>(0, 7)) {
      case 1:
        if (!bytes.empty()) {
          bytes[input.ConsumeIntegralInRange<size_t>(0, bytes.size() - 1)] ^=
              static_cast<char>(input.ConsumeIntegral<uint8_t>());
        }
        break;
      case 2:
        bytes.insert(input.ConsumeIntegralInRange<size_t>(0, bytes.size()),
                     input.ConsumeRandomLengthString(64));
        break;
      case 3:
        bytes.resize(input.ConsumeIntegralInRange<size_t>(0, bytes.size()));
        break;
      case 4:
        bytes += bytes;
        break;
      default:
        break;
    }
    const size_t cut = input.ConsumeIntegralInRange<size_t>(0, bytes.size());
    if (cut > 0) talk.deliver(std::string_view(bytes).substr(0, cut));
    if (cut < bytes.size()) talk.deliver(std::string_view(bytes).substr(cut));
    talk.turn();
    talk.carry_to_client();
  }
  talk.end();
  talk.turn();
}

}  // namespace
}  // namespace skep::net::tls

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static skep::net::tls::Setup setup;
  FuzzedDataProvider input(data, size);
  if (input.ConsumeBool()) {
    skep::net::tls::raw_client(setup, input);
  } else {
    skep::net::tls::broken_client(setup, input);
  }
  SKEP_ASSERT(setup.loop->turn(false));
  return 0;
}
