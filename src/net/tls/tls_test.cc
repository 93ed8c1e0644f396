// TLS between a client and a server of ours in memory: names, versions, tickets, client
// certificates, and what breaks.
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <deque>

#include "net/testing.h"
#include "net/tls/private_key.h"
#include "net/tls/tickets.h"
#include "net/tls/tls_client.h"
#include "net/tls/tls_server.h"

namespace skep::net::tls {
namespace {

using testing::MemoryStream;
using testing::Wire;

struct Events final : loop::SocketEvents {
  void on_data(std::span<const char> bytes) override {
    data.append(bytes.data(), bytes.size());
    if (on_bytes) on_bytes();
  }
  void on_end() override { ended = true; }
  void on_error(int code) override { error = code; }
  void on_sent() override { sent++; }
  std::string data;
  bool ended = false;
  int error = 0;
  int sent = 0;
  std::function<void()> on_bytes;
};

// Signs in a later turn, as the broker does.
struct LocalSigner final : Signer {
  explicit LocalSigner(loop::Loop& the_loop) : loop(the_loop) {}
  void sign(uint32_t key, uint16_t algorithm, std::span<const uint8_t> input,
            std::function<void(Result<std::string>)> done) override {
    count++;
    auto result =
        refuse ? Result<std::string>(fail("refused")) : keys.at(key)->sign(algorithm, input);
    if (hold) {
      held = [done, result] { done(result); };
    } else {
      loop.post([done, result] { done(result); });
    }
  }
  loop::Loop& loop;
  std::vector<std::unique_ptr<PrivateKey>> keys;
  int count = 0;
  bool refuse = false;
  bool hold = false;
  std::function<void()> held;
};

struct Identity {
  SelfSigned pem;
  ServerCertificate certificate;
};

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() : loop_(*loop::Loop::create({})), signer_(*loop_) {
    config_.ticket_keys = {std::string(kTicketKeyBytes, 'k')};
  }

  // One more certificate of the server; the client trusts it.
  ServerCertificate& add(const std::vector<std::string>& names) {
    const SelfSigned made = make_self_signed(names);
    roots_ += made.certificate_pem;
    auto chain = read_certificate_chain(made.certificate_pem);
    ServerCertificate certificate;
    certificate.chain = chain->der;
    certificate.names = chain->names;
    certificate.key = static_cast<uint32_t>(signer_.keys.size());
    signer_.keys.push_back(*PrivateKey::from_pem(made.key_pem));
    config_.certificates.push_back(std::move(certificate));
    return config_.certificates.back();
  }

  void open() {
    auto server = ServerContext::create(config_, signer_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = *server;
    if (!client_) client_ = *ClientContext::create(roots_);
  }

  void begin_server(bool http2 = false) {
    server_wire_ = std::make_shared<Wire>();
    server_handshake_ = server_->accept(*loop_, std::make_unique<MemoryStream>(server_wire_), http2,
                                        [this](Result<std::unique_ptr<Stream>> result) {
                                          if (result) {
                                            server_stream_ = std::move(*result);
                                            server_stream_->set_events(&server_events_);
                                            server_stream_->receive();
                                          } else {
                                            server_error_ = result.error().message;
                                          }
                                          server_handshake_.reset();
                                        });
    server_handshake_->start();
  }

  void begin_client(const std::string& host, std::vector<std::string> alpn = {}) {
    client_wire_ = std::make_shared<Wire>();
    client_handshake_ = client_->connect(*loop_, std::make_unique<MemoryStream>(client_wire_),
                                         {.host = host, .alpn = std::move(alpn)},
                                         [this](Result<std::unique_ptr<Stream>> result) {
                                           if (result) {
                                             client_stream_ = std::move(*result);
                                             client_stream_->set_events(&client_events_);
                                             client_stream_->receive();
                                           } else {
                                             client_error_ = result.error().message;
                                           }
                                           client_handshake_.reset();
                                         });
    client_handshake_->start();
  }

  static bool carry(Wire& from, Wire& to) {
    const bool moved = !from.sent.empty();
    if (moved) to.deliver(std::exchange(from.sent, {}));
    if (std::exchange(from.shut_down, false)) to.end();
    from.report_sent();
    return moved;
  }

  void run() {
    for (int quiet = 0; quiet < 4; quiet++) {
      ASSERT_TRUE(loop_->turn(false));
      if (client_wire_ && carry(*client_wire_, *server_wire_)) quiet = -1;
      if (client_wire_ && carry(*server_wire_, *client_wire_)) quiet = -1;
    }
  }

  void connect(const std::string& host, std::vector<std::string> alpn = {}, bool http2 = false) {
    begin_server(http2);
    begin_client(host, std::move(alpn));
    run();
  }

  std::unique_ptr<loop::Loop> loop_;
  LocalSigner signer_;
  ServerConfig config_;
  std::string roots_;
  std::shared_ptr<ServerContext> server_;
  std::shared_ptr<ClientContext> client_;
  std::shared_ptr<Wire> server_wire_, client_wire_;
  std::unique_ptr<Handshake> server_handshake_, client_handshake_;
  std::unique_ptr<Stream> server_stream_, client_stream_;
  std::string server_error_, client_error_;
  Events server_events_, client_events_;
};

TEST_F(TlsTest, bytes_go_both_ways) {
  add({"a.example"});
  open();
  connect("a.example");
  ASSERT_TRUE(client_stream_) << client_error_ << server_error_;
  ASSERT_TRUE(server_stream_) << server_error_;
  EXPECT_EQ(signer_.count, 1);
  const std::string large(200'000, 'x');
  client_stream_->send(large);
  server_stream_->send("hello");
  run();
  EXPECT_EQ(server_events_.data, large);
  EXPECT_EQ(client_events_.data, "hello");
  EXPECT_EQ(server_stream_->tls()->version, "TLSv1.3");
  EXPECT_EQ(server_stream_->tls()->sni, "a.example");
  EXPECT_TRUE(server_stream_->secure());
  client_stream_->shutdown_send();
  run();
  EXPECT_TRUE(server_events_.ended);
  EXPECT_EQ(server_events_.error, 0);
}

TEST_F(TlsTest, the_key_exchange_is_a_hybrid_one_where_both_can) {
  add({"a.example"});
  open();
  begin_server();
  begin_client("a.example");
  ASSERT_TRUE(loop_->turn(false));
  carry(*client_wire_, *server_wire_);
  // RFC 8446 4.2.8: key_share (51), its size, the group: X25519MLKEM768.
  while (server_wire_->sent.empty()) ASSERT_TRUE(loop_->turn(false));
  const size_t group = server_wire_->sent.find("\x11\xec");
  ASSERT_NE(group, std::string::npos);
  EXPECT_EQ(server_wire_->sent.substr(group - 4, 2), std::string("\x00\x33", 2));
  run();
  EXPECT_TRUE(client_stream_) << client_error_;
}

TEST_F(TlsTest, the_name_picks_the_certificate) {
  add({"default.example"});
  add({"a.example", "*.b.example"});
  open();
  connect("x.b.example");
  EXPECT_TRUE(client_stream_) << client_error_;
  client_stream_.reset();
  connect("A.EXAMPLE");
  EXPECT_TRUE(client_stream_) << client_error_;
  client_stream_.reset();
  connect("x.y.b.example");  // a wildcard stands for one label: the default, which is not for it
  EXPECT_FALSE(client_stream_);
  EXPECT_NE(client_error_.find("Hostname mismatch"), std::string::npos) << client_error_;
}

TEST_F(TlsTest, an_address_is_checked_as_one) {
  add({"127.0.0.1", "::1"});
  open();
  connect("127.0.0.1");
  EXPECT_TRUE(client_stream_) << client_error_;
  client_stream_.reset();
  connect("127.0.0.2");
  EXPECT_FALSE(client_stream_);
}

TEST_F(TlsTest, who_is_not_trusted_is_refused) {
  add({"a.example"});
  client_ = *ClientContext::create(make_self_signed({"other.example"}).certificate_pem);
  open();
  connect("a.example");
  EXPECT_FALSE(client_stream_);
  EXPECT_NE(client_error_.find("self signed"), std::string::npos) << client_error_;
  EXPECT_NE(server_error_, "");
}

TEST_F(TlsTest, alpn) {
  add({"a.example"});
  open();
  connect("a.example", {"h2", "http/1.1"}, true);
  ASSERT_TRUE(client_stream_);
  EXPECT_EQ(client_stream_->tls()->alpn, "h2");
  client_stream_.reset();
  connect("a.example", {"h2", "http/1.1"}, false);
  ASSERT_TRUE(client_stream_);
  EXPECT_EQ(client_stream_->tls()->alpn, "http/1.1");
  client_stream_.reset();
  connect("a.example", {"smtp"}, true);
  EXPECT_FALSE(client_stream_);
  EXPECT_NE(client_error_.find("no application protocol"), std::string::npos) << client_error_;
}

TEST_F(TlsTest, a_signature_that_is_refused_or_late) {
  add({"a.example"});
  open();
  signer_.refuse = true;
  connect("a.example");
  EXPECT_FALSE(client_stream_);
  EXPECT_NE(server_error_, "");
  signer_.refuse = false;
  signer_.hold = true;
  connect("a.example");
  EXPECT_FALSE(client_stream_);
  server_handshake_.reset();  // the client went away; then the signature arrives
  signer_.held();
  run();
}

TEST_F(TlsTest, a_connection_cut_short_is_an_error_to_the_client) {
  add({"a.example"});
  open();
  connect("a.example");
  ASSERT_TRUE(client_stream_);
  client_wire_->end();
  run();
  EXPECT_NE(client_events_.error, 0);
  EXPECT_FALSE(client_events_.ended);
}

TEST_F(TlsTest, a_pause_holds_what_was_decrypted) {
  add({"a.example"});
  open();
  connect("a.example");
  ASSERT_TRUE(server_stream_);
  server_events_.on_bytes = [this] { server_stream_->pause(); };
  for (int i = 0; i < 10; i++) client_stream_->send(std::string(1000, static_cast<char>('0' + i)));
  run();
  EXPECT_EQ(server_events_.data.size(), 1000u);
  for (int i = 0; i < 9; i++) {
    server_stream_->receive();
    run();
  }
  EXPECT_EQ(server_events_.data.size(), 10'000u);
  EXPECT_EQ(server_events_.data.back(), '9');
}

TEST_F(TlsTest, a_broken_record_is_answered_by_an_alert) {
  add({"a.example"});
  open();
  connect("a.example");
  ASSERT_TRUE(server_stream_);
  server_wire_->stalled = true;
  server_wire_->deliver(std::string("\x17\x03\x03\x00\x40", 5) + std::string(64, 'x'));
  EXPECT_TRUE(server_wire_->shut_down);
  EXPECT_EQ(server_events_.error, 0);  // not before the alert has left
  server_stream_->send("lost");
  server_wire_->unstall();
  EXPECT_NE(server_events_.error, 0);
  EXPECT_EQ(server_wire_->sent.substr(0, 3), "\x17\x03\x03");
}

TEST_F(TlsTest, plain_http_is_told_so) {
  add({"a.example"});
  open();
  begin_server();
  server_wire_->stalled = true;
  server_wire_->deliver("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
  EXPECT_TRUE(server_wire_->shut_down);
  EXPECT_EQ(server_error_, "");  // not before the answer has left
  server_wire_->unstall();
  EXPECT_NE(server_wire_->sent.find("400 Bad Request"), std::string::npos);
  EXPECT_NE(server_error_, "");
}

TEST_F(TlsTest, garbage_ends_the_handshake) {
  add({"a.example"});
  open();
  begin_server();
  server_wire_->deliver(std::string("\x16\x03\x01\x00\x05\xff\xff\xff\xff\xff garbage", 18));
  server_wire_->report_sent();
  EXPECT_NE(server_error_, "");
  EXPECT_EQ(server_wire_->sent.substr(0, 1), "\x15");  // an alert
}

TEST_F(TlsTest, host_groups) {
  add({"open.example"});
  ServerCertificate& closed = add({"closed.example"});
  closed.client_auth = ClientAuth::require;
  closed.client_ca = closed.chain;
  open();
  EXPECT_EQ(server_->client_auth_group("open.example"), 0u);
  EXPECT_EQ(server_->client_auth_group("elsewhere.example:443"), 0u);
  const uint64_t group = server_->client_auth_group("Closed.Example.:443");
  EXPECT_NE(group, 0u);
  ServerConfig turned = config_;
  std::swap(turned.certificates[0], turned.certificates[1]);
  EXPECT_EQ((*ServerContext::create(turned, signer_))->client_auth_group("closed.example"), group);
  turned.certificates[0].client_auth = ClientAuth::optional;
  EXPECT_NE((*ServerContext::create(turned, signer_))->client_auth_group("closed.example"), group);
  connect("closed.example");
  run();
  EXPECT_FALSE(server_stream_);  // the client has no certificate
  EXPECT_NE(server_error_, "");
}

TEST(Tickets, seal_open_rotate) {
  const std::string old_key(kTicketKeyBytes, 'a'), new_key(kTicketKeyBytes, 'b');
  const auto before = *TicketKeys::create(std::vector{old_key});
  const auto after = *TicketKeys::create(std::vector{new_key, old_key});
  const auto later = *TicketKeys::create(std::vector{new_key});
  const std::vector<uint8_t> plain(100, 7);
  uint8_t ticket[200], opened[200];
  size_t size = 0, opened_size = 0;
  ASSERT_TRUE(before->seal(plain, ticket, sizeof ticket, size));
  EXPECT_TRUE(after->open({ticket, size}, opened, sizeof opened, opened_size));
  EXPECT_EQ(opened_size, plain.size());
  EXPECT_FALSE(later->open({ticket, size}, opened, sizeof opened, opened_size));
  ticket[40] ^= 1;
  EXPECT_FALSE(after->open({ticket, size}, opened, sizeof opened, opened_size));
  EXPECT_FALSE(after->open({ticket, 10}, opened, sizeof opened, opened_size));
  EXPECT_FALSE(before->seal(plain, ticket, 120, size));
  EXPECT_FALSE(TicketKeys::create(std::vector<std::string>{}));
  EXPECT_FALSE(TicketKeys::create(std::vector<std::string>{"short"}));
}

TEST(PrivateKeys, sign_server_handshakes_only) {
  const auto judge = [](const std::string& text) {
    return is_server_handshake({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  };
  const std::string spaces(64, ' '), hash(32, 'h');
  const std::string tls13 = spaces + "TLS 1.3, server CertificateVerify" + '\0' + hash;
  EXPECT_TRUE(judge(tls13));
  EXPECT_TRUE(judge(tls13 + std::string(16, 'h')));
  EXPECT_FALSE(judge(tls13 + 'h'));
  EXPECT_FALSE(judge(spaces + "TLS 1.3, client CertificateVerify" + '\0' + hash));
  EXPECT_FALSE(judge(tls13.substr(1)));
  const std::string tls12 =
      std::string(64, 'r') + "\x03" + std::string("\x00\x1d\x20", 3) + std::string(32, 'p');
  EXPECT_TRUE(judge(tls12));
  EXPECT_FALSE(judge(tls12 + 'p'));
  EXPECT_FALSE(judge(std::string(64, 'r') + "\x03"));
  EXPECT_FALSE(judge(""));
  EXPECT_FALSE(judge("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJib2IifQ"));
}

TEST(PrivateKeys, files) {
  const SelfSigned one = make_self_signed({"a.example", "127.0.0.1", "*.b.example"});
  const SelfSigned two = make_self_signed({"b.example"});
  const auto key = PrivateKey::from_pem(one.key_pem);
  ASSERT_TRUE(key);
  const auto chain = read_certificate_chain(one.certificate_pem + two.certificate_pem);
  ASSERT_TRUE(chain);
  EXPECT_EQ(chain->names, (std::vector<std::string>{"a.example", "127.0.0.1", "*.b.example"}));
  EXPECT_EQ(chain->der.size(), 2u);
  EXPECT_GT(chain->not_after_s, chain->not_before_s);
  EXPECT_TRUE((*key)->matches(chain->der[0]));
  EXPECT_FALSE((*key)->matches(chain->der[1]));
  EXPECT_FALSE((*key)->matches("nonsense"));
  const uint8_t input[] = {1, 2, 3};
  EXPECT_TRUE((*key)->sign(SSL_SIGN_ECDSA_SECP256R1_SHA256, input));
  EXPECT_FALSE((*key)->sign(SSL_SIGN_RSA_PSS_RSAE_SHA256, input));
  EXPECT_FALSE((*key)->sign(0x1234, input));
  EXPECT_FALSE(PrivateKey::from_pem(one.certificate_pem));
  EXPECT_FALSE(read_certificate_chain(one.key_pem));
  EXPECT_FALSE(read_certificate_chain(one.certificate_pem.substr(0, 200)));
  std::string broken = one.certificate_pem;
  broken.replace(28, 8, "AAAAAAAA");
  EXPECT_FALSE(read_certificate_chain(broken));
}

}  // namespace
}  // namespace skep::net::tls
