// What a shard gets of the certificates and keys: signatures for handshakes, and nothing else.
#include "broker/tls_store.h"

#include <capnp/capability.h>
#include <capnp/message.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/limits_tls.h"
#include "net/tls/private_key.h"
#include "rpc/kj_loop.h"
#include "rpc/outcome.h"

namespace skep::broker {
namespace {

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
    loop_ = std::move(*loop::Loop::create({.entries = 64, .recv_buffer_count = 0}));
    kj_.emplace(*loop_);
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
  }

  // What a shard is told, as it is told it.
  rpc::TlsConfig::Builder told() {
    message_.emplace();
    table_.emplace();
    auto config = table_->imbue(message_->initRoot<rpc::TlsConfig>());
    store_->write(config, *loop_, budget_);
    return config;
  }

  // "" where it signs.
  std::string sign(rpc::SigningKey::Client key, uint16_t algorithm, const std::string& input) {
    auto request = key.signRequest();
    request.setAlgorithm(algorithm);
    request.setInput({reinterpret_cast<const kj::byte*>(input.data()), input.size()});
    return kj_->wait(request.send().then(
        [](auto&& response) { return std::string(response.getSignature().size() == 0 ? "?" : ""); },
        [](kj::Exception&& exception) { return rpc::error_of(exception).message; }));
  }

  std::string folder_;
  std::unique_ptr<loop::Loop> loop_;
  std::optional<rpc::KjLoop> kj_;
  std::unique_ptr<TlsStore> store_;
  std::optional<capnp::MallocMessageBuilder> message_;
  std::optional<capnp::BuilderCapabilityTable> table_;
  std::shared_ptr<RateLimit> budget_ = std::make_shared<RateLimit>(0, 5);
};

TEST_F(TlsStoreTest, a_shard_is_told_certificates_and_may_have_handshakes_signed) {
  load();
  auto config = told();
  ASSERT_EQ(config.getCertificates().size(), 1u);
  auto certificate = config.getCertificates()[0];
  EXPECT_EQ(certificate.getChain().size(), 1u);
  ASSERT_EQ(certificate.getNames().size(), 2u);
  EXPECT_STREQ(certificate.getNames()[1].cStr(), "*.a.example");
  ASSERT_EQ(config.getTicketKeys().size(), 1u);
  EXPECT_EQ(sign(certificate.getKey(), SSL_SIGN_ECDSA_SECP256R1_SHA256, handshake()), "");
}

TEST_F(TlsStoreTest, nothing_else_is_signed) {
  load();
  auto config = told();
  rpc::SigningKey::Client key = config.getCertificates()[0].getKey();
  constexpr uint16_t kFits = SSL_SIGN_ECDSA_SECP256R1_SHA256;
  std::string of_client = handshake();
  of_client.replace(64, 33, "TLS 1.3, client CertificateVerify");
  for (const std::string& input :
       {std::string(), std::string("0\x82\x01\x02 a certificate"), of_client, handshake() + "x"}) {
    EXPECT_NE(sign(key, kFits, input).find("not of a server's handshake"), std::string::npos);
  }
  const std::string large(limits::kTlsSignInputBytes + 1, ' ');
  EXPECT_NE(sign(key, kFits, large).find("shorter"), std::string::npos);
  EXPECT_NE(sign(key, SSL_SIGN_RSA_PSS_RSAE_SHA256, handshake()).find("does not fit"),
            std::string::npos);
  EXPECT_NE(sign(key, 0xffff, handshake()).find("does not fit"), std::string::npos);
}

TEST_F(TlsStoreTest, no_more_than_the_budget) {
  load();
  auto config = told();
  rpc::SigningKey::Client key = config.getCertificates()[0].getKey();
  for (int i = 0; i < 5; i++) {
    EXPECT_EQ(sign(key, SSL_SIGN_ECDSA_SECP256R1_SHA256, handshake()), "");
  }
  EXPECT_NE(sign(key, SSL_SIGN_ECDSA_SECP256R1_SHA256, handshake()).find("too many signatures"),
            std::string::npos);
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
  install(net::tls::make_self_signed({"b.example"}));
  store_->reload();
  const std::string second = chain();
  EXPECT_NE(first, second);
  EXPECT_EQ(changes, 1);
  std::ofstream(folder_ + "/x.key") << "nonsense";
  store_->reload();
  EXPECT_EQ(chain(), second);
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(
      sign(told().getCertificates()[0].getKey(), SSL_SIGN_ECDSA_SECP256R1_SHA256, handshake()), "");
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
