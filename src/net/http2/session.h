// One HTTP/2 connection on the server's side (RFC 9113, RFC 7541, RFC 8441), on nghttp2: frames,
// header compression, flow control and the state machine are its; bounds, time-outs and the
// application's view are here. nghttp2 is entered on the loop's stack only; its callbacks note what
// happened, and the application hears of it afterwards. Owned by the ServerCore. In the shard.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/http2/stream_state.h"
#include "net/server_connection.h"
#include "net/server_core.h"

struct nghttp2_session;

namespace skep::net::http2 {

class Session final : public ServerConnection, private loop::SocketEvents {
 public:
  Session(std::shared_ptr<ServerCore> core, std::unique_ptr<Stream> stream, loop::PeerAddress peer);

  // `received`: bytes that were read already to see that this is HTTP/2.
  void start_with(std::string_view received);
  void start() override { start_with({}); }
  void start_refused() override;
  void drain() override;
  void close() override;

  struct Callbacks;  // nghttp2's

 private:
  friend class StreamState;
  friend class Tunnel;
  ~Session() override;

  // loop::SocketEvents
  void on_data(std::span<const char> data) override;
  void on_end() override { close(); }
  void on_error(int) override { close(); }
  void on_sent() override;

  // For the streams: something of it is to be done, later in this turn.
  void want_work(StreamState& stream);
  size_t high_water_bytes() const;

  void make_session();
  void run();
  void send_frames();
  void work_on_streams();
  void work_on(StreamState& stream);
  void open(StreamState& stream);
  void reset(StreamState& stream, uint32_t code);
  void refuse(StreamState& stream, int status);
  // `last`: no body follows.
  void begin_response(StreamState& stream, const ResponseHead& head, bool last);
  void give_body(StreamState& stream);
  void give_tunnel(StreamState& stream);
  void tell_closed(StreamState& stream, bool complete);
  void remove(StreamState& stream);
  void account();
  void close_when_done();

  // False: this connection makes more work than it brings; it is ended.
  bool tolerate(double frames);
  void go_away(uint32_t code);
  void end_notice();
  void on_tick();
  void check_stream(StreamState& stream, int64_t now_ns);
  void arm_tick();

  std::shared_ptr<ServerCore> core_;
  std::unique_ptr<Stream> stream_;
  loop::PeerAddress peer_;
  nghttp2_session* session_ = nullptr;
  std::vector<std::unique_ptr<StreamState>> streams_;
  std::vector<StreamState*> work_;
  std::string frames_;  // put together before they are sent
  loop::Deferred deferred_;
  loop::Timer tick_;
  double tolerance_;
  int64_t tolerance_ns_;
  int64_t began_idle_ns_ = 0;  // since when no stream is open
  int64_t head_began_ns_ = 0;  // of a header block that is not complete; 0: none
  int64_t send_began_ns_ = 0;  // since when bytes wait to be taken
  size_t continuations_ = 0;
  size_t accounted_bytes_ = 0;
  bool running_ = false;
  bool closed_ = false;
  int64_t notice_ns_ = 0;  // when the client was told that this connection will end; 0: not
  bool ending_ = false;    // the last GOAWAY was sent: no new streams
};

}  // namespace skep::net::http2
