// TLS over any stream, either role: BoringSSL between a net::Stream that carries records and the
// owner who sees a net::Stream of plain bytes. Made by tls_server.h and tls_client.h, which prepare
// the SSL object. One loop; every event may destroy the stream.
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "loop/loop.h"
#include "net/stream.h"
#include "net/tls/tls_facts.h"

namespace skep::net::tls {

// One signature that a handshake waits for. It outlives the stream where the stream goes first.
struct PendingSignature {
  class TlsStream* stream = nullptr;  // null: nobody waits any more
  std::optional<Result<std::string>> result;
};

class TlsStream final : public Stream, private loop::SocketEvents {
 public:
  // Called once, when the handshake is through or has failed, on the loop's stack and not from
  // within start(). It may destroy the stream.
  using OnReady = std::function<void(Result<>)>;

  // `keep` lives as long as the stream: what the callbacks of `ssl` refer to.
  TlsStream(loop::Loop& loop, std::unique_ptr<Stream> under, bssl::UniquePtr<SSL> ssl, bool server,
            std::shared_ptr<const void> keep);
  ~TlsStream() override;

  void start(OnReady on_ready);
  static TlsStream* of(const SSL* ssl);

  void set_events(loop::SocketEvents* events) override { events_ = events; }
  void receive() override;
  void pause() override;
  void send(std::string_view data) override;
  void send_owned(std::span<const char> data, std::shared_ptr<void> owner) override;
  size_t queued() const override { return under_->queued(); }
  void shutdown_send() override;
  int64_t last_progress_ns() const override { return under_->last_progress_ns(); }
  bool secure() const override { return true; }
  const TlsFacts* tls() const override;

  // For the callbacks of the server's SSL objects.
  std::shared_ptr<PendingSignature> signature;
  uint64_t client_auth_group = 0;
  void signature_arrived();

 private:
  enum class State { handshake, failing, open, broken };
  struct Bio;  // the functions through which BoringSSL reads and writes records

  void on_data(std::span<const char> data) override;
  void on_end() override;
  void on_error(int error) override;
  void on_sent() override;

  void handshake();
  void handshake_failed(Error error);
  void report(Result<> result);
  void process();
  void read_plain(const bool& gone);
  void keep_rest();
  void refuse_record();
  void alert_left();
  void break_off(int error);

  loop::Loop& loop_;
  const std::unique_ptr<Stream> under_;
  const std::shared_ptr<const void> keep_;  // before ssl_, whose callbacks look into it
  const bssl::UniquePtr<SSL> ssl_;
  const bool server_;
  State state_ = State::handshake;
  loop::SocketEvents* events_ = nullptr;
  OnReady on_ready_;
  std::optional<Error> failure_;  // of the handshake; told once the alert has left
  std::span<const char> input_;   // records that are at hand, within a call
  std::string backlog_;           // those that nobody has asked for yet
  bool receiving_ = false;
  bool ended_ = false;  // the peer closed below
  bool end_told_ = false;
  int error_ = 0;  // to be told from deferred_
  bool* gone_ = nullptr;
  loop::Deferred deferred_;
  std::unique_ptr<loop::Timer> deadline_;  // of the handshake
  mutable std::unique_ptr<TlsFacts> facts_;
};

// A handshake under way, in either role. Destroying it closes the connection.
class Handshake {
 public:
  // Called once; the handshake may be destroyed from within.
  using Done = std::function<void(Result<std::unique_ptr<Stream>>)>;

  Handshake(std::unique_ptr<TlsStream> stream, Done done);
  void start();

 private:
  std::unique_ptr<TlsStream> stream_;
  Done done_;
};

// The groups for the key exchange, in either role: a hybrid one first, which keeps what is recorded
// today from a quantum computer of tomorrow.
void set_groups(SSL_CTX* context);

// BoringSSL's oldest error of this thread in words, and the queue emptied; "" when there is none.
std::string take_ssl_error();

}  // namespace skep::net::tls
