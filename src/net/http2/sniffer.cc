#include "net/http2/sniffer.h"

#include <algorithm>
#include <utility>

#include "net/http1/connection.h"
#include "net/http2/session.h"

namespace skep::net::http2 {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// A stream whose first bytes were read already: they come first.
class Replayed final : public Stream, private loop::SocketEvents {
 public:
  Replayed(loop::Loop& loop, std::unique_ptr<Stream> under, std::string first)
      : loop_(loop),
        under_(std::move(under)),
        first_(std::move(first)),
        deferred_([this] { replay(); }) {
    under_->set_events(this);
  }
  ~Replayed() override {
    if (gone_ != nullptr) *gone_ = true;
  }

  void set_events(loop::SocketEvents* events) override {
    events_ = events;
    if (first_.empty()) under_->set_events(events);
  }
  void receive() override {
    if (first_.empty()) return under_->receive();
    receiving_ = true;
    loop_.defer(deferred_);
  }
  void pause() override {
    receiving_ = false;
    under_->pause();
  }
  void send(std::string_view data) override { under_->send(data); }
  void send_owned(std::span<const char> data, std::shared_ptr<void> owner) override {
    under_->send_owned(data, std::move(owner));
  }
  size_t queued() const override { return under_->queued(); }
  void shutdown_send() override { under_->shutdown_send(); }
  int64_t last_progress_ns() const override { return under_->last_progress_ns(); }
  bool secure() const override { return under_->secure(); }

 private:
  void on_data(std::span<const char> data) override { first_.append(data.data(), data.size()); }
  void on_end() override { ended_ = true; }
  void on_error(int error) override { events_->on_error(error); }
  void on_sent() override { events_->on_sent(); }

  void replay() {
    if (!receiving_ || first_.empty()) return;
    const std::string first = std::exchange(first_, std::string());
    // From now on the stream below speaks to the owner itself.
    under_->set_events(events_);
    bool gone = false;
    gone_ = &gone;
    events_->on_data(first);
    if (gone) return;
    gone_ = nullptr;
    if (ended_) return events_->on_end();
    if (receiving_) under_->receive();
  }

  loop::Loop& loop_;
  const std::unique_ptr<Stream> under_;
  loop::SocketEvents* events_ = nullptr;
  std::string first_;
  bool receiving_ = false;
  bool ended_ = false;
  bool* gone_ = nullptr;
  loop::Deferred deferred_;
};

}  // namespace

Sniffer::Sniffer(std::shared_ptr<http1::ServerCore> core, std::unique_ptr<Stream> stream,
                 loop::PeerAddress peer)
    : core_(std::move(core)),
      stream_(std::move(stream)),
      peer_(std::move(peer)),
      deadline_(core_->loop, [this] { close(); }) {}

void Sniffer::start() {
  stream_->set_events(this);
  stream_->receive();
  deadline_.set_ms(core_->options.header_timeout_ms);
}

void Sniffer::start_refused() {
  over_limit = true;
  close();
}

void Sniffer::on_data(std::span<const char> data) {
  received_.append(data.data(), data.size());
  const std::string_view seen = std::string_view(received_).substr(0, kPreface.size());
  if (seen == kPreface || !kPreface.starts_with(seen)) decide();
}

void Sniffer::decide() {
  if (received_.empty()) return close();
  add_reference();
  stream_->pause();
  const bool http2 = received_.starts_with(kPreface);
  auto core = core_;
  auto replayed = std::make_unique<Replayed>(core->loop, std::move(stream_), std::move(received_));
  deadline_.cancel();
  core->remove(*this);
  if (http2) {
    core->add(*new Session(core, std::move(replayed), std::move(peer_)));
  } else {
    core->add(*new http1::Connection(core, std::move(replayed), std::move(peer_)));
  }
  drop_reference();
}

void Sniffer::close() {
  if (stream_ == nullptr) return;
  add_reference();
  deadline_.cancel();
  core_->remove(*this);
  stream_.reset();
  drop_reference();
}

}  // namespace skep::net::http2
