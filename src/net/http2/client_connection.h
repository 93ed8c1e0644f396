// A connection to an origin and the streams on it. See client_session.h, which is what others use.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/client/pool.h"
#include "net/http2/client_stream.h"
#include "net/stream.h"

struct nghttp2_session;

namespace skep::net::http2 {

class ClientConnection final : public ClientSession, private loop::SocketEvents {
 public:
  ClientConnection(loop::Loop& loop, std::unique_ptr<Stream> stream,
                   std::function<void(bool broken)> on_change);
  // Streams that are left fail.
  ~ClientConnection() override;
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  // ClientSession
  std::unique_ptr<ClientExchange> start(const ClientRequest& request,
                                        ClientEvents& events) override;
  bool has_room() const override;
  bool idle() const override { return streams_.empty(); }

  // By the streams.
  void want_send(ClientStream& stream);
  void consumed(ClientStream& stream, size_t bytes);
  // It is of no interest any more.
  void drop(ClientStream& stream);

 private:
  friend struct ClientCallbacks;

  // loop::SocketEvents
  void on_data(std::span<const char> data) override;
  void on_end() override { fail_all(ClientFailure::lost, "the connection was closed"); }
  void on_error(int error) override;
  void on_sent() override;

  void submit(ClientStream& stream, const ClientRequest& request);
  void remove(ClientStream& stream);
  void run();
  void send_frames();
  void fail_all(ClientFailure kind, std::string_view why);
  bool tolerate();
  void on_timer();

  loop::Loop& loop_;
  std::unique_ptr<Stream> stream_;  // null: broken
  std::function<void(bool broken)> on_change_;
  nghttp2_session* session_ = nullptr;
  std::vector<ClientStream*> streams_;
  std::string frames_;
  bool going_away_ = false;  // the origin takes no new streams
  bool changed_ = false;
  bool told_broken_ = false;
  double tolerance_;
  int64_t tolerance_ns_;
  int64_t idle_since_ns_;
  int64_t send_began_ns_ = 0;
  loop::Deferred deferred_;
  loop::Timer timer_;
};

}  // namespace skep::net::http2
