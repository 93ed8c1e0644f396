#include "api/sockets/socket.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "api/base/values.h"
#include "api/event/errors.h"
#include "base/limits_outbound.h"

namespace skep::api {
namespace {

constexpr const char* kCannotConnect =
    "proxy request failed, cannot connect to the specified address";
constexpr const char* kUseFetch =
    ". It looks like you might be trying to connect to a HTTP-based service — consider using fetch "
    "instead";
constexpr const char* kTlsFailed = "TLS Handshake Failed.";
// What a plain connection sends before the handshake is somebody's between us and the peer.
constexpr const char* kBytesBeforeTls = "The peer sent bytes before TLS began.";

void resolve(v8::Local<v8::Context> context, v8::Global<v8::Promise::Resolver>& resolver,
             v8::Local<v8::Value> value) {
  if (resolver.IsEmpty()) return;
  auto local = resolver.Get(v8::Isolate::GetCurrent());
  resolver.Reset();
  (void)local->Resolve(context, value);
}

void reject(v8::Local<v8::Context> context, v8::Global<v8::Promise::Resolver>& resolver,
            v8::Local<v8::Value> reason) {
  if (resolver.IsEmpty()) return;
  auto local = resolver.Get(v8::Isolate::GetCurrent());
  resolver.Reset();
  (void)local->Reject(context, reason);
}

}  // namespace

TcpSocket::TcpSocket(Event& event) : Resource(event, Kind::socket) {
  event.sockets++;
  event.add_pending();
}

TcpSocket::~TcpSocket() {
  event().sockets--;
  if (pending_) event().remove_pending();
}

void TcpSocket::start(net::Connector& connector, const net::ConnectTarget& target) {
  connector_ = &connector;
  target_ = target;
  attempt_ = connector.connect(
      target_, [this](Result<net::ConnectedStream> result) { connected(std::move(result)); });
}

void TcpSocket::connected(Result<net::ConnectedStream> result) {
  const auto attempt = std::move(attempt_);
  if (!result) {
    std::string message = kCannotConnect;
    if (target_.tls && !address_.empty()) message = kTlsFailed;
    if (target_.port == 80 || target_.port == 443) message += kUseFetch;
    fail(std::move(message), result.error().message);
    return event().wake_resource(*this);  // `this` may be gone
  }
  const std::string& peer = result->peer.address;
  if (!peer.empty()) {
    const bool six = peer.find(':') != std::string::npos;
    address_ = fmt::format("{}{}{}:{}", six ? "[" : "", peer, six ? "]" : "", result->peer.port);
  }
  stream_ = std::move(result->stream);
  stream_->set_events(this);
  if (std::exchange(tls_asked_, false)) return secure();
  state_ = State::open;
  paused_ = false;
  stream_->receive();
  event().wake_resource(*this);
}

void TcpSocket::secure() {
  state_ = State::connecting;
  attempt_ = connector_->start_tls(
      std::move(stream_), target_,
      [this](Result<net::ConnectedStream> result) { connected(std::move(result)); });
}

void TcpSocket::start_tls(v8::Local<v8::Context> context, std::string_view host) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  if (!host.empty()) target_.host = host;
  target_.tls = true;
  // The plain socket's promises are done with: it closed without an error.
  resolve(context, readable_, v8::False(isolate));
  resolve(context, sent_, v8::False(isolate));
  resolve(context, closed_, v8::Undefined(isolate));
  opened_.Reset();
  if (state_ == State::closing || state_ == State::over) return;
  if (!in_.empty() || ended_ || shut_) {
    fail(in_.empty() ? kConnectionLost : kBytesBeforeTls, "startTls");
    return in_.clear();
  }
  if (!stream_) {
    tls_asked_ = true;
    return;
  }
  stream_->pause();
  secure();
}

// ---- from the loop
// --------------------------------------------------------------------------------

void TcpSocket::on_data(std::span<const char> data) {
  in_.append(data.data(), data.size());
  if (in_.size() >= limits::kSocketReadAhead && !std::exchange(paused_, true)) stream_->pause();
  event().wake_resource(*this);
}

void TcpSocket::on_end() {
  ended_ = true;
  if (shut_ && stream_->queued() == 0) end();
  event().wake_resource(*this);
}

void TcpSocket::on_error(int error) {
  if (state_ == State::closing) {
    end();
  } else {
    fail(kConnectionLost, std::strerror(error));
  }
  event().wake_resource(*this);
}

void TcpSocket::on_sent() {
  if (state_ == State::closing || (shut_ && ended_)) end();
  event().wake_resource(*this);
}

void TcpSocket::fail(std::string message, std::string detail) {
  error_ = std::move(message);
  error_detail_ = std::move(detail);
  end();
}

void TcpSocket::end() {
  state_ = State::over;
  attempt_.reset();
  stream_.reset();
  if (std::exchange(pending_, false)) event().remove_pending();
}

// ---- from JavaScript
// --------------------------------------------------------------------------------

v8::Local<v8::Promise> TcpSocket::promise(v8::Local<v8::Context> context, Resolver& resolver) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  // Whoever asked before is not answered twice: JavaScript asks for one thing at a time.
  resolve(context, resolver, v8::False(isolate));
  auto fresh = v8::Promise::Resolver::New(context).ToLocalChecked();
  resolver.Reset(isolate, fresh);
  settle(isolate, context);
  return fresh->GetPromise();
}

v8::Local<v8::Promise> TcpSocket::when_opened(v8::Local<v8::Context> context) {
  return promise(context, opened_);
}
v8::Local<v8::Promise> TcpSocket::when_readable(v8::Local<v8::Context> context) {
  return promise(context, readable_);
}
v8::Local<v8::Promise> TcpSocket::when_sent(v8::Local<v8::Context> context) {
  return promise(context, sent_);
}
v8::Local<v8::Promise> TcpSocket::when_closed(v8::Local<v8::Context> context) {
  return promise(context, closed_);
}

std::string TcpSocket::take() {
  std::string bytes = std::exchange(in_, {});
  if (state_ == State::open && !ended_ && std::exchange(paused_, false)) stream_->receive();
  return bytes;
}

bool TcpSocket::write(std::string_view data) {
  if (state_ != State::open || shut_) return false;
  stream_->send(data);
  return true;
}

void TcpSocket::shutdown() {
  if (state_ != State::open || std::exchange(shut_, true)) return;
  stream_->shutdown_send();
  // Where the peer has ended already and nothing is queued there is nothing to wait for; otherwise
  // on_sent() or on_end() ends it.
  if (ended_ && stream_->queued() == 0) end();
  event().wake_resource(*this);
}

void TcpSocket::close() {
  if (state_ == State::over || state_ == State::closing) return;
  in_.clear();
  if (state_ == State::open) {
    if (!std::exchange(shut_, true)) stream_->shutdown_send();
    if (stream_->queued() > 0) {
      state_ = State::closing;
    } else {
      end();
    }
  } else {
    fail("The socket was closed before it was open.", "close");
    error_detail_.clear();
  }
  event().wake_resource(*this);
}

void TcpSocket::wake(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  settle(isolate, context);
}

v8::Local<v8::Value> TcpSocket::failure(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  v8::Local<v8::Value> error = v8::Exception::Error(js_text(isolate, error_));
  if (!error_detail_.empty()) {
    (void)error.As<v8::Object>()->DefineOwnProperty(context, js_name(isolate, "cause"),
                                                    js_text(isolate, error_detail_), v8::DontEnum);
  }
  return error;
}

void TcpSocket::settle(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  const bool failed = !error_.empty();
  const bool over = state_ == State::over || state_ == State::closing;
  if (failed) {
    v8::Local<v8::Value> error = failure(isolate, context);
    reject(context, opened_, error);
    // What arrived before is still read.
    if (in_.empty()) reject(context, readable_, error);
    reject(context, sent_, error);
    reject(context, closed_, error);
  }
  if (stream_ || over) resolve(context, opened_, js_text(isolate, address_));
  if (!in_.empty()) {
    resolve(context, readable_, v8::True(isolate));
  } else if (ended_ || over) {
    resolve(context, readable_, v8::False(isolate));
  }
  if (state_ == State::over) {
    resolve(context, sent_, v8::False(isolate));
    resolve(context, closed_, v8::Undefined(isolate));
  } else if (stream_ && stream_->queued() == 0) {
    resolve(context, sent_, v8::True(isolate));
  }
}

}  // namespace skep::api
