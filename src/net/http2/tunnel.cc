#include "net/http2/tunnel.h"

#include "net/http2/session.h"

namespace skep::net::http2 {

Tunnel::~Tunnel() {
  if (state_ == nullptr) return;
  state_->tunnel_ = nullptr;
  // Not ended in order: the client learns that it was cut.
  if (state_->response_ != StreamState::Response::finished || !state_->in_ended_)
    state_->aborted_ = true;
  state_->session_->want_work(*state_);
}

void Tunnel::receive() {
  if (receiving_) return;
  receiving_ = true;
  if (state_ != nullptr) state_->session_->want_work(*state_);
}

void Tunnel::send(std::string_view data) {
  if (state_ == nullptr || state_->response_ == StreamState::Response::finished) return;
  state_->out_.append(data);
  sent_due_ = true;
  state_->session_->want_work(*state_);
}

void Tunnel::send_owned(std::span<const char> data, std::shared_ptr<void>) {
  send({data.data(), data.size()});
}

void Tunnel::shutdown_send() {
  if (state_ == nullptr) return;
  state_->response_ = StreamState::Response::finished;
  state_->session_->want_work(*state_);
}

}  // namespace skep::net::http2
