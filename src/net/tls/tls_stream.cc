#include "net/tls/tls_stream.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "base/ascii.h"
#include "base/assert.h"
#include "base/limits_tls.h"

namespace skep::net::tls {
namespace {

// What a TLS record may carry (RFC 8446 5.1).
constexpr size_t kRecordBytes = 16 * 1024;

constexpr std::string_view kPlainHttp =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    "Content-Length: 37\r\n\r\nThis port speaks HTTPS: use https://\n";

int stream_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// Sets `flag` for as long as it lives, so that a member function learns that its object is gone.
class GoneGuard {
 public:
  explicit GoneGuard(bool*& slot) : slot_(slot), previous_(slot) { slot_ = &gone; }
  ~GoneGuard() {
    if (!gone) {
      slot_ = previous_;
    } else if (previous_ != nullptr) {
      *previous_ = true;
    }
  }
  bool gone = false;

 private:
  bool*& slot_;
  bool* const previous_;
};

}  // namespace

void set_groups(SSL_CTX* context) {
  constexpr uint16_t kGroups[] = {SSL_GROUP_X25519_MLKEM768, SSL_GROUP_X25519, SSL_GROUP_SECP256R1,
                                  SSL_GROUP_SECP384R1};
  SKEP_ASSERT(SSL_CTX_set1_group_ids(context, kGroups, std::size(kGroups)));
}

std::string take_ssl_error() {
  const uint32_t code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "";
  const char* reason = ERR_reason_error_string(code);
  std::string text = reason != nullptr ? reason : "unknown error";
  for (char& c : text) c = c == '_' ? ' ' : ascii_lower(c);
  return text;
}

// ---- records in and out ----

struct TlsStream::Bio {
  static TlsStream& stream_of(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* out, int size) {
    TlsStream& stream = stream_of(bio);
    BIO_clear_retry_flags(bio);
    if (stream.input_.empty()) {
      if (stream.ended_) return 0;
      BIO_set_retry_read(bio);
      return -1;
    }
    const size_t count = std::min(static_cast<size_t>(size), stream.input_.size());
    std::copy_n(stream.input_.data(), count, out);
    stream.input_ = stream.input_.subspan(count);
    return static_cast<int>(count);
  }

  static int write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    stream_of(bio).under_->send({data, static_cast<size_t>(size)});
    return size;
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* method = BIO_meth_new(0, "stream");
      SKEP_ASSERT(method != nullptr);
      BIO_meth_set_read(method, read);
      BIO_meth_set_write(method, write);
      BIO_meth_set_ctrl(method, control);
      return method;
    }();
    return made;
  }
};

TlsStream::TlsStream(loop::Loop& loop, std::unique_ptr<Stream> under, bssl::UniquePtr<SSL> ssl,
                     bool server, std::shared_ptr<const void> keep)
    : loop_(loop),
      under_(std::move(under)),
      keep_(std::move(keep)),
      ssl_(std::move(ssl)),
      server_(server),
      deferred_([this] {
        if (error_ != 0) return break_off(error_);
        process();
      }) {
  BIO* bio = BIO_new(Bio::method());
  SKEP_ASSERT(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_ex_data(ssl_.get(), stream_index(), this);
  // What only the handshake needs goes once it is through: connections are many, and idle.
  SSL_set_shed_handshake_config(ssl_.get(), 1);
  if (server) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
  }
  under_->set_events(this);
}

TlsStream::~TlsStream() {
  if (gone_ != nullptr) *gone_ = true;
  if (signature) signature->stream = nullptr;
}

TlsStream* TlsStream::of(const SSL* ssl) {
  return static_cast<TlsStream*>(SSL_get_ex_data(ssl, stream_index()));
}

// ---- handshake ----

void TlsStream::start(OnReady on_ready) {
  on_ready_ = std::move(on_ready);
  deadline_ = std::make_unique<loop::Timer>(
      loop_, [this] { report(fail("the TLS handshake took too long")); });
  deadline_->set_ms(limits::kTlsHandshakeMs);
  under_->receive();
  if (!server_) loop_.defer(deferred_);  // the client speaks first
}

void TlsStream::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    state_ = State::open;
    under_->pause();  // until the new owner asks
    deadline_.reset();
    return report({});
  }
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_PRIVATE_KEY_OPERATION) return;
  if (error == SSL_ERROR_WANT_READ && !ended_) return;
  if (ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_SSL &&
      ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST) {
    under_->send(kPlainHttp);
  }
  const bool judged = ERR_GET_REASON(ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  std::string reason = take_ssl_error();
  if (judged) reason = X509_verify_cert_error_string(SSL_get_verify_result(ssl_.get()));
  if (reason.empty()) reason = "the peer closed the connection";
  handshake_failed(Error{"TLS handshake: " + reason, EPROTO});
}

// The alert (or the plain answer) leaves before the connection goes.
void TlsStream::handshake_failed(Error error) {
  if (under_->queued() == 0 || ended_) return report(std::unexpected(std::move(error)));
  state_ = State::failing;
  failure_ = std::move(error);
  under_->shutdown_send();
}

void TlsStream::report(Result<> result) {
  // Where the deadline itself calls, it must not be destroyed.
  if (deadline_) deadline_->cancel();
  if (!result) state_ = State::broken;
  const OnReady call = std::exchange(on_ready_, nullptr);
  if (call) call(std::move(result));
}

void TlsStream::signature_arrived() {
  if (state_ != State::handshake) return;
  loop_.defer(deferred_);
}

const TlsFacts* TlsStream::tls() const {
  if (facts_ || state_ != State::open) return facts_.get();
  auto facts = std::make_unique<TlsFacts>();
  facts->version = SSL_get_version(ssl_.get());
  if (const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl_.get())) {
    facts->cipher = SSL_CIPHER_standard_name(cipher);
  }
  const uint8_t* alpn = nullptr;
  unsigned alpn_size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &alpn, &alpn_size);
  facts->alpn.assign(reinterpret_cast<const char*>(alpn), alpn_size);
  if (const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name)) {
    facts->sni = ascii_lower(std::string_view(name));
  }
  facts->resumed = SSL_session_reused(ssl_.get()) != 0;
  facts->client_auth_group = client_auth_group;
  const STACK_OF(CRYPTO_BUFFER)* chain = SSL_get0_peer_certificates(ssl_.get());
  if (server_ && chain != nullptr && sk_CRYPTO_BUFFER_num(chain) > 0) {
    const CRYPTO_BUFFER* leaf = sk_CRYPTO_BUFFER_value(chain, 0);
    const long verified = SSL_get_verify_result(ssl_.get());
    facts->client.emplace();
    facts->client->der.assign(reinterpret_cast<const char*>(CRYPTO_BUFFER_data(leaf)),
                              CRYPTO_BUFFER_len(leaf));
    facts->client->verified =
        verified == X509_V_OK ? "SUCCESS"
                              : std::string("FAILED:") + X509_verify_cert_error_string(verified);
  }
  facts_ = std::move(facts);
  return facts_.get();
}

// ---- plain bytes ----

void TlsStream::receive() {
  SKEP_ASSERT(events_ != nullptr);
  if (state_ != State::open || receiving_) return;
  receiving_ = true;
  under_->receive();
  if (!backlog_.empty() || SSL_has_pending(ssl_.get()) || ended_) loop_.defer(deferred_);
}

void TlsStream::pause() {
  receiving_ = false;
  if (state_ == State::open) under_->pause();
}

void TlsStream::on_data(std::span<const char> data) {
  if (state_ == State::broken || state_ == State::failing) return;
  if (!backlog_.empty() || (state_ == State::open && !receiving_)) {
    if (backlog_.size() + data.size() > limits::kTlsBacklogBytes) return break_off(ENOBUFS);
    backlog_.append(data.data(), data.size());
    return receiving_ || state_ == State::handshake ? process() : void();
  }
  input_ = data;
  process();
}

void TlsStream::process() {
  GoneGuard guard(gone_);
  std::string taken;
  if (input_.empty() && !backlog_.empty()) {
    taken = std::exchange(backlog_, std::string());
    input_ = taken;
  }
  if (state_ == State::handshake) {
    handshake();
    if (guard.gone) return;
  }
  if (state_ == State::open && receiving_) {
    read_plain(guard.gone);
    if (guard.gone) return;
  }
  keep_rest();
}

// What was not read stays for later: the owner paused, or has not asked yet.
void TlsStream::keep_rest() {
  if (state_ == State::open || state_ == State::handshake) {
    backlog_.assign(input_.data(), input_.size());
  }
  input_ = {};
}

void TlsStream::read_plain(const bool& gone) {
  [[clang::uninitialized]] char plain[kRecordBytes];
  while (receiving_ && state_ == State::open) {
    ERR_clear_error();
    const int count = SSL_read(ssl_.get(), plain, sizeof plain);
    if (count > 0) {
      events_->on_data({plain, static_cast<size_t>(count)});
      if (gone) return;
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), count);
    if (error == SSL_ERROR_WANT_READ) return;
    if (error == SSL_ERROR_ZERO_RETURN) {
      receiving_ = false;
      if (!std::exchange(end_told_, true)) events_->on_end();
      return;
    }
    if (error != SSL_ERROR_SYSCALL || !ended_) return refuse_record();
    // The connection ended without a close_notify. A client must not take what it got for the
    // whole (RFC 8446 6.1); to a server it says only that the client went away.
    if (!server_) return break_off(ECONNRESET);
    receiving_ = false;
    if (!std::exchange(end_told_, true)) events_->on_end();
    return;
  }
}

void TlsStream::send(std::string_view data) {
  if (state_ != State::open) return;
  while (!data.empty()) {
    const std::string_view piece = data.substr(0, kRecordBytes);
    ERR_clear_error();
    const int count = SSL_write(ssl_.get(), piece.data(), static_cast<int>(piece.size()));
    if (count <= 0) {
      // Only a broken connection refuses: our side of it always takes records. Told later, since
      // send() calls nobody back.
      error_ = EPIPE;
      return loop_.defer(deferred_);
    }
    data.remove_prefix(static_cast<size_t>(count));
  }
}

void TlsStream::send_owned(std::span<const char> data, std::shared_ptr<void>) {
  send({data.data(), data.size()});
}

void TlsStream::shutdown_send() {
  if (state_ == State::open) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  under_->shutdown_send();
}

// ---- what happens below ----

void TlsStream::on_end() {
  ended_ = true;
  if (state_ == State::failing) return alert_left();
  process();
}

void TlsStream::on_error(int error) {
  if (state_ == State::failing) return alert_left();
  break_off(error);
}

void TlsStream::on_sent() {
  if (state_ == State::failing) return alert_left();
  if (state_ == State::open && events_ != nullptr) events_->on_sent();
}

// A record that broke the protocol: the alert leaves before the owner hears of it, who will close.
void TlsStream::refuse_record() {
  if (under_->queued() == 0 || ended_) return break_off(EPROTO);
  state_ = State::failing;
  receiving_ = false;
  under_->shutdown_send();
}

void TlsStream::alert_left() {
  if (failure_) return report(std::unexpected(*std::exchange(failure_, {})));
  state_ = State::open;
  break_off(EPROTO);
}

void TlsStream::break_off(int error) {
  const bool open = state_ == State::open;
  if (state_ == State::handshake) {
    return report(fail_errno("TLS handshake: the connection was lost", error));
  }
  state_ = State::broken;
  receiving_ = false;
  if (open && events_ != nullptr) events_->on_error(error);
}

// ---- Handshake ----

Handshake::Handshake(std::unique_ptr<TlsStream> stream, Done done)
    : stream_(std::move(stream)), done_(std::move(done)) {}

void Handshake::start() {
  stream_->start([this](Result<> result) {
    // The stream's own function is still on the stack, so it must live on where it failed: the
    // owner destroys the handshake, which holds it.
    const Done call = std::move(done_);
    if (!result) return call(std::unexpected(std::move(result).error()));
    call(std::unique_ptr<Stream>(std::move(stream_)));
  });
}

}  // namespace skep::net::tls
