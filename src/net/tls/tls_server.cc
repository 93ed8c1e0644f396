#include "net/tls/tls_server.h"

#include <fmt/format.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "base/ascii.h"
#include "base/assert.h"
#include "base/limits_tls.h"
#include "net/tls/tickets.h"

namespace skep::net::tls {
namespace {

// Forward secrecy and AEAD only. TLS 1.3's own suites are not of this list.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";

constexpr uint8_t kHttp1[] = "\x08http/1.1";
constexpr uint8_t kHttp2[] = "\x02h2\x08http/1.1";

bssl::UniquePtr<CRYPTO_BUFFER> buffer_of(std::string_view bytes) {
  return bssl::UniquePtr<CRYPTO_BUFFER>(
      CRYPTO_BUFFER_new(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), nullptr));
}

int context_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

int key_index() {
  static const int index = SSL_CREDENTIAL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

struct ServerContext::Impl {
  struct Entry {
    bssl::UniquePtr<SSL_CREDENTIAL> credential;
    ClientAuth client_auth = ClientAuth::none;
    bssl::UniquePtr<X509_STORE> client_roots;
    bssl::UniquePtr<STACK_OF(X509_NAME)> client_names;  // told to the client
    uint8_t session_context[SHA256_DIGEST_LENGTH];
    uint64_t group = 0;
  };

  explicit Impl(Signer& the_signer) : signer(the_signer) {}

  Result<> add(const ServerCertificate& certificate);
  Result<> add_client_auth(const ServerCertificate& certificate, Entry& entry);
  // Places of the entries for a name, best first; the default's when there is none.
  const std::vector<uint32_t>& find(std::string_view name) const;
  bool configure(SSL* ssl, std::string_view name) const;

  static const Impl& of(const SSL* ssl) {
    return *static_cast<const Impl*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index()));
  }

  Signer& signer;
  std::unique_ptr<TicketKeys> tickets;
  std::vector<Entry> entries;
  std::map<std::string, std::vector<uint32_t>, std::less<>> names;
  const std::vector<uint32_t> fallback{0};
  bssl::UniquePtr<SSL_CTX> context;
};

namespace {

// ---- callbacks of BoringSSL ----

ssl_private_key_result_t begin_signature(SSL* ssl, uint8_t*, size_t*, size_t, uint16_t algorithm,
                                         const uint8_t* in, size_t in_size) {
  const SSL_CREDENTIAL* credential = SSL_get0_selected_credential(ssl);
  if (credential == nullptr) return ssl_private_key_failure;
  const auto key = reinterpret_cast<uintptr_t>(SSL_CREDENTIAL_get_ex_data(credential, key_index()));
  TlsStream* stream = TlsStream::of(ssl);
  auto pending = std::make_shared<PendingSignature>();
  pending->stream = stream;
  stream->signature = pending;
  ServerContext::Impl::of(ssl).signer.sign(static_cast<uint32_t>(key), algorithm, {in, in_size},
                                           [pending](Result<std::string> result) {
                                             pending->result = std::move(result);
                                             if (pending->stream != nullptr)
                                               pending->stream->signature_arrived();
                                           });
  return ssl_private_key_retry;
}

ssl_private_key_result_t complete_signature(SSL* ssl, uint8_t* out, size_t* size, size_t room) {
  TlsStream* stream = TlsStream::of(ssl);
  if (!stream->signature || !stream->signature->result) return ssl_private_key_retry;
  const auto pending = std::move(stream->signature);
  stream->signature.reset();
  const Result<std::string>& result = *pending->result;
  if (!result || result->size() > room) return ssl_private_key_failure;
  std::copy(result->begin(), result->end(), out);
  *size = result->size();
  return ssl_private_key_success;
}

// Only the RSA key exchange would ask for it, which kCiphers does not have.
ssl_private_key_result_t refuse_decryption(SSL*, uint8_t*, size_t*, size_t, const uint8_t*,
                                           size_t) {
  return ssl_private_key_failure;
}

constexpr SSL_PRIVATE_KEY_METHOD kKeyMethod = {begin_signature, refuse_decryption,
                                               complete_signature};

ssl_select_cert_result_t select_certificate(const SSL_CLIENT_HELLO* hello) {
  const char* name = SSL_get_servername(hello->ssl, TLSEXT_NAMETYPE_host_name);
  return ServerContext::Impl::of(hello->ssl).configure(hello->ssl, name != nullptr ? name : "")
             ? ssl_select_cert_success
             : ssl_select_cert_error;
}

int select_protocol(SSL* ssl, const uint8_t** out, uint8_t* out_size, const uint8_t* in,
                    unsigned in_size, void*) {
  const bool http2 = SSL_get_app_data(ssl) != nullptr;
  const uint8_t* offered = http2 ? kHttp2 : kHttp1;
  const unsigned size = (http2 ? sizeof kHttp2 : sizeof kHttp1) - 1;
  uint8_t* selected = nullptr;
  // Nothing in common: refused, as RFC 7301 3.2 asks.
  if (SSL_select_next_proto(&selected, out_size, offered, size, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

// An optional client certificate that does not verify is told to the Worker, not refused.
int accept_any(int, X509_STORE_CTX*) {
  return 1;
}

}  // namespace

// ---- the configuration ----

Result<> ServerContext::Impl::add(const ServerCertificate& certificate) {
  Entry entry;
  entry.credential.reset(SSL_CREDENTIAL_new_x509());
  std::vector<bssl::UniquePtr<CRYPTO_BUFFER>> chain;
  std::vector<CRYPTO_BUFFER*> raw;
  for (const std::string& der : certificate.chain) {
    chain.push_back(buffer_of(der));
    raw.push_back(chain.back().get());
  }
  if (raw.empty() ||
      !SSL_CREDENTIAL_set1_cert_chain(entry.credential.get(), raw.data(), raw.size())) {
    return fail("the certificate chain is not usable: " + take_ssl_error());
  }
  if (!certificate.ocsp.empty()) {
    const auto ocsp = buffer_of(certificate.ocsp);
    SSL_CREDENTIAL_set1_ocsp_response(entry.credential.get(), ocsp.get());
  }
  SSL_CREDENTIAL_set_ex_data(entry.credential.get(), key_index(),
                             reinterpret_cast<void*>(static_cast<uintptr_t>(certificate.key)));
  if (!SSL_CREDENTIAL_set_private_key_method(entry.credential.get(), &kKeyMethod)) {
    return fail("the certificate's key is of no use for TLS");
  }
  SKEP_TRY(add_client_auth(certificate, entry));
  const auto place = static_cast<uint32_t>(entries.size());
  for (const std::string& name : certificate.names) {
    std::vector<uint32_t>& places = names[ascii_lower(name)];
    if (places.size() < limits::kCertificatesPerName) places.push_back(place);
  }
  entries.push_back(std::move(entry));
  return {};
}

Result<> ServerContext::Impl::add_client_auth(const ServerCertificate& certificate, Entry& entry) {
  entry.client_auth = certificate.client_auth;
  SHA256_CTX digest;
  SHA256_Init(&digest);
  SHA256_Update(&digest, &certificate.client_auth, sizeof certificate.client_auth);
  if (certificate.client_auth != ClientAuth::none) {
    entry.client_roots.reset(X509_STORE_new());
    entry.client_names.reset(sk_X509_NAME_new_null());
    for (const std::string& der : certificate.client_ca) {
      SHA256_Update(&digest, der.data(), der.size());
      const auto* at = reinterpret_cast<const uint8_t*>(der.data());
      const bssl::UniquePtr<X509> authority(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
      if (!authority || !X509_STORE_add_cert(entry.client_roots.get(), authority.get())) {
        return fail("a certificate of client_ca is not usable: " + take_ssl_error());
      }
      bssl::UniquePtr<X509_NAME> name(X509_NAME_dup(X509_get_subject_name(authority.get())));
      bssl::PushToStack(entry.client_names.get(), std::move(name));
    }
  }
  // A session is resumed only where the same question was asked of the client.
  SHA256_Final(entry.session_context, &digest);
  if (certificate.client_auth != ClientAuth::none) {
    std::memcpy(&entry.group, entry.session_context, sizeof entry.group);
  }
  return {};
}

const std::vector<uint32_t>& ServerContext::Impl::find(std::string_view name) const {
  if (const auto exact = names.find(name); exact != names.end()) return exact->second;
  // RFC 6125 6.4.3: the wildcard stands for the leftmost label, whole.
  const size_t dot = name.find('.');
  if (dot != std::string_view::npos && dot > 0) {
    const auto wildcard = names.find("*" + std::string(name.substr(dot)));
    if (wildcard != names.end()) return wildcard->second;
  }
  return fallback;
}

bool ServerContext::Impl::configure(SSL* ssl, std::string_view name) const {
  const std::vector<uint32_t>& found = find(ascii_lower(name));
  for (const uint32_t place : found) {
    if (!SSL_add1_credential(ssl, entries[place].credential.get())) return false;
  }
  const Entry& first = entries[found.front()];
  TlsStream::of(ssl)->client_auth_group = first.group;
  if (!SSL_set_session_id_context(ssl, first.session_context, sizeof first.session_context)) {
    return false;
  }
  if (first.client_auth == ClientAuth::none) return true;
  const bool optional = first.client_auth == ClientAuth::optional;
  SSL_set_verify(ssl,
                 optional ? SSL_VERIFY_PEER : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                 optional ? accept_any : nullptr);
  SSL_set1_verify_cert_store(ssl, first.client_roots.get());
  SSL_set_client_CA_list(
      ssl, sk_X509_NAME_deep_copy(first.client_names.get(), X509_NAME_dup, X509_NAME_free));
  return true;
}

Result<std::shared_ptr<ServerContext>> ServerContext::create(const ServerConfig& config,
                                                             Signer& signer) {
  auto impl = std::make_shared<Impl>(signer);
  if (config.certificates.empty()) return fail("TLS needs a certificate");
  if (config.certificates.size() > limits::kCertificates) return fail("too many certificates");
  for (size_t i = 0; i < config.certificates.size(); i++) {
    auto added = impl->add(config.certificates[i]);
    if (!added) return wrap(fmt::format("certificate {}", i + 1), std::move(added).error());
  }
  SKEP_TRY_ASSIGN(impl->tickets, TicketKeys::create(config.ticket_keys));
  impl->context.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = impl->context.get();
  SKEP_ASSERT(context != nullptr);
  SKEP_ASSERT(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION));
  SKEP_ASSERT(SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION));
  SKEP_ASSERT(SSL_CTX_set_strict_cipher_list(context, kCiphers));
  set_groups(context);
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_ex_data(context, context_index(), impl.get());
  SSL_CTX_set_select_certificate_cb(context, select_certificate);
  SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
  // Sessions live in tickets alone: they cost the server no memory and work on every shard.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_timeout(context, limits::kSessionSeconds);
  SSL_CTX_set_session_psk_dhe_timeout(context, limits::kSessionSeconds);
  impl->tickets->install(context);
  return std::make_shared<ServerContext>(std::move(impl));
}

std::unique_ptr<Handshake> ServerContext::accept(loop::Loop& loop, std::unique_ptr<Stream> under,
                                                 bool http2, Handshake::Done done) const {
  bssl::UniquePtr<SSL> ssl(SSL_new(impl_->context.get()));
  SKEP_ASSERT(ssl != nullptr);
  if (http2) SSL_set_app_data(ssl.get(), const_cast<uint8_t*>(kHttp2));
  return std::make_unique<Handshake>(
      std::make_unique<TlsStream>(loop, std::move(under), std::move(ssl), true, impl_),
      std::move(done));
}

uint64_t ServerContext::client_auth_group(std::string_view host) const {
  // "[::1]:443" is no name; "a.example:443" is one with a port.
  if (!host.empty() && host.front() != '[') host = host.substr(0, host.find(':'));
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  return impl_->entries[impl_->find(ascii_lower(host)).front()].group;
}

}  // namespace skep::net::tls
