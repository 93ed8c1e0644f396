#include "net/tls/tls_client.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/assert.h"
#include "base/limits_tls.h"

namespace skep::net::tls {

struct ClientContext::Impl {
  bssl::UniquePtr<SSL_CTX> context;
};

namespace {

bool is_address(const std::string& host) {
  uint8_t bytes[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

// RFC 7301 3.1: each name with its length in front.
std::string alpn_list(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    SKEP_ASSERT(!name.empty() && name.size() < 256);
    list += static_cast<char>(name.size());
    list += name;
  }
  return list;
}

}  // namespace

Result<std::shared_ptr<ClientContext>> ClientContext::create(std::string_view roots_pem) {
  if (roots_pem.size() > limits::kRootStoreBytes) return fail("trusted roots: too many bytes");
  auto impl = std::make_shared<Impl>();
  impl->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = impl->context.get();
  SKEP_ASSERT(context != nullptr);
  SKEP_ASSERT(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION));
  set_groups(context);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  const bssl::UniquePtr<BIO> text(
      BIO_new_mem_buf(roots_pem.data(), static_cast<int>(roots_pem.size())));
  size_t count = 0;
  for (;;) {
    const bssl::UniquePtr<X509> root(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
    if (!root) break;
    if (X509_STORE_add_cert(store, root.get())) count++;
  }
  take_ssl_error();  // the end of the text
  if (count == 0) return fail("trusted roots: there is no certificate in them");
  return std::make_shared<ClientContext>(std::move(impl));
}

std::unique_ptr<Handshake> ClientContext::connect(loop::Loop& loop, std::unique_ptr<Stream> under,
                                                  const ClientOptions& options,
                                                  Handshake::Done done) const {
  bssl::UniquePtr<SSL> ssl(SSL_new(impl_->context.get()));
  SKEP_ASSERT(ssl != nullptr);
  X509_VERIFY_PARAM* check = SSL_get0_param(ssl.get());
  X509_VERIFY_PARAM_set_hostflags(check, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  // A failed set leaves a check that nothing passes (RFC 6066 3: no addresses in SNI).
  if (is_address(options.host)) {
    X509_VERIFY_PARAM_set1_ip_asc(check, options.host.c_str());
  } else {
    X509_VERIFY_PARAM_set1_host(check, options.host.data(), options.host.size());
    SSL_set_tlsext_host_name(ssl.get(), options.host.c_str());
  }
  const std::string alpn = alpn_list(options.alpn);
  SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const uint8_t*>(alpn.data()), alpn.size());
  return std::make_unique<Handshake>(
      std::make_unique<TlsStream>(loop, std::move(under), std::move(ssl), false, impl_),
      std::move(done));
}

}  // namespace skep::net::tls
