#include "net/stream.h"

#include "base/assert.h"

namespace skep::net {
namespace {

class SocketStream final : public Stream, private loop::SocketEvents {
 public:
  SocketStream(loop::Loop& loop, UniqueFd fd) : socket_(loop, std::move(fd), *this) {}

  void set_events(loop::SocketEvents* events) override { events_ = events; }
  void receive() override {
    SKEP_ASSERT(events_ != nullptr);
    socket_.receive();
  }
  void pause() override { socket_.pause(); }
  void send(std::string_view data) override { socket_.send(data); }
  void send_owned(std::span<const char> data, std::shared_ptr<void> owner) override {
    socket_.send_owned(data, std::move(owner));
  }
  size_t queued() const override { return socket_.queued(); }
  void shutdown_send() override { socket_.shutdown_send(); }
  int64_t last_progress_ns() const override { return socket_.last_progress_ns(); }
  bool secure() const override { return false; }

 private:
  // Each of these may destroy this stream: nothing may follow the call.
  void on_data(std::span<const char> data) override { events_->on_data(data); }
  void on_end() override { events_->on_end(); }
  void on_error(int error) override { events_->on_error(error); }
  void on_sent() override {
    // Between two owners (an upgrade) nobody waits for it.
    if (events_ != nullptr) events_->on_sent();
  }

  loop::SocketEvents* events_ = nullptr;
  loop::Socket socket_;
};

}  // namespace

std::unique_ptr<Stream> make_socket_stream(loop::Loop& loop, UniqueFd fd) {
  return std::make_unique<SocketStream>(loop, std::move(fd));
}

}  // namespace skep::net
