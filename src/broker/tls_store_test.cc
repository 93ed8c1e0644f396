// What a shard gets of the certificates and keys: signatures for handshakes, and nothing else.
#include "broker/tls_store.h"

#include <capnp/message.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "base/limits_tls.h"
#include "broker/signing_desk.h"
#include "net/tls/private_key.h"
#include "rpc/signing_wire.h"

namespace skep::broker {
namespace {

using rpc::SignRefusal;

std::string handshake() {
  return std::string(64, ' ') + "TLS 1.3, server CertificateVerify" + '\0' + std::string(32, 'h');
}

class TlsStoreTest : public testing::Test {
 protected:
  ~TlsStoreTest() noexcept override {}
  void SetUp() override {
    std::string pattern = "/tmp/tls_store_test.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    install(net::tls::make_self_signed({"a.example", "*.a.example"}));
    loop_ = std::move(*loop::Loop::create({.entries = 64, .recv_buffer_count = 8}));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void install(const net::tls::SelfSigned& made) {
    std::ofstream(folder_ + "/x.pem") << made.certificate_pem;
    std::ofstream(folder_ + "/x.key") << made.key_pem;
  }

  void load() {
    auto store = TlsStore::load({{.cert = folder_ + "/x.pem", .key = folder_ + "/x.key"}});
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
    open_desk();
  }

  void open_desk() {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    shard_.reset(ends[1]);
    desk_.emplace(*loop_, UniqueFd(ends[0]), *store_, RateLimit(0, 5));
  }

  // What a shard is told, as it is told it.
  rpc::TlsConfig::Builder told() {
    message_.emplace();
    auto config = message_->initRoot<rpc::TlsConfig>();
    store_->write(config);
    return config;
  }
  uint32_t key() { return told().getCertificates()[0].getKey(); }

  void ask(const std::string& bytes) {
    ASSERT_EQ(write(shard_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  static std::string request(uint32_t key, uint16_t algorithm, const std::string& input) {
    const rpc::SignRequest head{key, algorithm, static_cast<uint16_t>(input.size())};
    return std::string(rpc::bytes_of_head(head)) + input;
  }

  // The next answer; none where the broker closed.
  std::optional<rpc::SignReply> answer() {
    rpc::SignReply reply;
    if (!read_whole(&reply, sizeof reply)) return std::nullopt;
    std::string signature(reply.bytes, '\0');
    if (!read_whole(signature.data(), signature.size())) return std::nullopt;
    return reply;
  }
  bool read_whole(void* to, size_t bytes) {
    size_t have = 0;
    while (have < bytes) {
      const ssize_t got = read(shard_.get(), static_cast<char*>(to) + have, bytes - have);
      if (got == 0) return false;
      if (got > 0) have += static_cast<size_t>(got);
      if (got < 0) EXPECT_TRUE(loop_->turn(false));
    }
    return true;
  }

  // SignRefusal::none where it signs.
  rpc::SignRefusal sign(uint32_t key, uint16_t algorithm, const std::string& input) {
    ask(request(key, algorithm, input));
    const auto reply = answer();
    if (!reply) {
      ADD_FAILURE() << "no answer";
      return rpc::SignRefusal::unknown_key;
    }
    EXPECT_EQ(reply->bytes > 0, reply->refusal == rpc::SignRefusal::none);
    return reply->refusal;
  }

  std::string folder_;
  std::unique_ptr<loop::Loop> loop_;
  std::unique_ptr<TlsStore> store_;
  UniqueFd shard_;
  std::optional<SigningDesk> desk_;
  std::optional<capnp::MallocMessageBuilder> message_;
};

constexpr uint16_t kFits = SSL_SIGN_ECDSA_SECP256R1_SHA256;

TEST_F(TlsStoreTest, a_shard_is_told_certificates_and_may_have_handshakes_signed) {
  load();
  auto config = told();
  ASSERT_EQ(config.getCertificates().size(), 1u);
  auto certificate = config.getCertificates()[0];
  EXPECT_EQ(certificate.getChain().size(), 1u);
  ASSERT_EQ(certificate.getNames().size(), 2u);
  EXPECT_STREQ(certificate.getNames()[1].cStr(), "*.a.example");
  ASSERT_EQ(config.getTicketKeys().size(), 1u);
  EXPECT_EQ(sign(certificate.getKey(), kFits, handshake()), SignRefusal::none);
}

TEST_F(TlsStoreTest, nothing_else_is_signed) {
  load();
  std::string of_client = handshake();
  of_client.replace(64, 33, "TLS 1.3, client CertificateVerify");
  for (const std::string& input :
       {std::string(), std::string("0\x82\x01\x02 a certificate"), of_client, handshake() + "x"}) {
    EXPECT_EQ(sign(key(), kFits, input), SignRefusal::not_a_handshake);
  }
  EXPECT_EQ(sign(key(), SSL_SIGN_RSA_PSS_RSAE_SHA256, handshake()), SignRefusal::algorithm);
  EXPECT_EQ(sign(key(), 0xffff, handshake()), SignRefusal::algorithm);
  EXPECT_EQ(sign(key() + 1, kFits, handshake()), SignRefusal::unknown_key);
  EXPECT_EQ(sign(UINT32_MAX, kFits, handshake()), SignRefusal::unknown_key);
}

TEST_F(TlsStoreTest, who_asks_for_more_bytes_than_a_handshake_has_is_not_heard_any_more) {
  load();
  ask(request(key(), kFits, std::string(limits::kTlsSignInputBytes + 1, ' ')));
  ask(request(key(), kFits, handshake()));
  EXPECT_FALSE(answer());
}

TEST_F(TlsStoreTest, requests_in_pieces_and_many_at_once_are_answered_in_their_order) {
  load();
  const std::string good = request(key(), kFits, handshake());
  const std::string bad = request(key() + 1, kFits, handshake());
  const std::string both = good + bad + good;
  for (size_t i = 0; i < both.size(); i += 50) {
    ask(both.substr(i, 50));
    ASSERT_TRUE(loop_->turn(false));
  }
  EXPECT_EQ(answer()->refusal, SignRefusal::none);
  EXPECT_EQ(answer()->refusal, SignRefusal::unknown_key);
  EXPECT_EQ(answer()->refusal, SignRefusal::none);
}

TEST_F(TlsStoreTest, no_more_than_the_budget) {
  load();
  for (int i = 0; i < 5; i++) EXPECT_EQ(sign(key(), kFits, handshake()), SignRefusal::none);
  EXPECT_EQ(sign(key(), kFits, handshake()), SignRefusal::over_budget);
}

TEST_F(TlsStoreTest, who_does_not_read_the_answers_is_not_served) {
  load();
  const std::string one = request(key() + 1, kFits, handshake());
  size_t taken = 0;
  for (int turns = 0; turns < 20'000; turns++) {
    if (write(shard_.get(), one.data(), one.size()) == static_cast<ssize_t>(one.size())) {
      taken += one.size();
    } else {
      break;  // both sockets are full, and so is what the broker keeps
    }
    ASSERT_TRUE(loop_->turn(false));
  }
  EXPECT_LT(taken, size_t{20'000} * one.size());
}

TEST_F(TlsStoreTest, a_reload_takes_good_files_and_leaves_bad_ones) {
  load();
  int changes = 0;
  ASSERT_TRUE(store_->start(*loop_, [&changes] { changes++; }));
  const auto chain = [this] {
    auto config = told();
    const auto der = config.getCertificates()[0].getChain()[0];
    return std::string(der.begin(), der.end());
  };
  const std::string first = chain();
  const uint32_t first_key = key();
  install(net::tls::make_self_signed({"b.example"}));
  store_->reload();
  const std::string second = chain();
  EXPECT_NE(first, second);
  EXPECT_NE(first_key, key());
  EXPECT_EQ(changes, 1);
  std::ofstream(folder_ + "/x.key") << "nonsense";
  store_->reload();
  EXPECT_EQ(chain(), second);
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(sign(key(), kFits, handshake()), SignRefusal::none);
  // A handshake that began before the reload ends with the key of then; two reloads later it is
  // gone.
  EXPECT_EQ(sign(first_key, kFits, handshake()), SignRefusal::none);
  install(net::tls::make_self_signed({"c.example"}));
  store_->reload();
  EXPECT_EQ(sign(first_key, kFits, handshake()), SignRefusal::unknown_key);
}

TEST_F(TlsStoreTest, a_development_certificate_is_kept_while_it_is_good) {
  const std::string folder = folder_ + "/tls";
  const auto made = development_certificate(folder);
  ASSERT_TRUE(made) << made.error().message;
  const auto written = std::filesystem::last_write_time(made->cert);
  ASSERT_TRUE(development_certificate(folder));
  EXPECT_EQ(std::filesystem::last_write_time(made->cert), written);
  EXPECT_EQ(std::filesystem::status(made->key).permissions(), std::filesystem::perms(0600));
  std::ofstream(made->cert) << "nonsense";
  ASSERT_TRUE(development_certificate(folder));
  EXPECT_TRUE(TlsStore::load({*made}));
}

}  // namespace
}  // namespace skep::broker
