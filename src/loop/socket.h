// Stream sockets over the loop: accept, receive, send. Multishot accept and receive, provided
// buffers, registered files. A Socket belongs to one Loop and one owner; every callback may destroy
// the socket (and its owner).
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "loop/loop.h"

namespace skep::loop {

// Where a connection came from: numeric address and port; "unix" and 0 for UNIX sockets.
struct PeerAddress {
  std::string address;
  uint16_t port = 0;
};

class SocketEvents {
 public:
  // Bytes arrived; valid during the call only.
  virtual void on_data(std::span<const char> data) = 0;
  // The peer closed its sending side. Nothing more arrives.
  virtual void on_end() = 0;
  // The connection is gone (reset, or a failed send): errno. Comes at most once and last.
  virtual void on_error(int error) = 0;
  // All bytes given to send() have been taken by the kernel.
  virtual void on_sent() = 0;

 protected:
  ~SocketEvents() = default;
};

class Socket {
 public:
  // Takes a connected stream socket, on a loop with receive buffers. Where the loop has a
  // registered table, a connection moves into it once it has shown that it lasts
  // (limits::kSendsBeforeFixedFile).
  Socket(Loop& loop, UniqueFd fd, SocketEvents& events);
  // Closes at once: operations in flight are cancelled by the loop, which keeps what they need.
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Starts (or goes on) receiving: on_data until pause(), on_end or on_error.
  void receive();
  // No on_data and no on_end after this until receive(). Bytes that were already on their way are
  // kept and delivered first then (not within receive() itself): at most what one turn's buffers
  // hold. The kernel goes on receiving until the first of them arrives, so a short pause costs
  // nothing.
  void pause();
  bool receiving() const;

  // Queues bytes to be sent, in order. `data` is copied into the send buffer. Small writes of one
  // turn leave in one system call. on_sent follows when the queue has drained.
  void send(std::string_view data);
  // As send, but the bytes are not copied: `owner` keeps them alive until they are sent. The
  // owner's destructor may run in any later turn, but not after the loop's end.
  void send_owned(std::span<const char> data, std::shared_ptr<void> owner);
  // Bytes queued and not yet taken by the kernel.
  size_t queued() const;
  // After all queued bytes: FIN. Then nothing may be sent. (The system call shutdown, which a
  // sandbox must allow: the ring's own operation would start a kernel thread for it.)
  void shutdown_send();

  int64_t last_progress_ns() const;  // last time the kernel took bytes of ours; for send time-outs

 private:
  struct State;  // outlives the Socket while operations are in flight
  State* state_;
};

// Multishot accept on a listening socket. The owner hears of each connection as a plain descriptor
// with the peer's address, and makes a Socket of it.
class AcceptorEvents {
 public:
  virtual void on_connection(UniqueFd fd, PeerAddress peer) = 0;
  // Accept failed in a way that lasts (EBADF…). EMFILE and the like are retried after a pause.
  virtual void on_accept_error(int error) = 0;

 protected:
  ~AcceptorEvents() = default;
};

class Acceptor {
 public:
  Acceptor(Loop& loop, UniqueFd listening, AcceptorEvents& events);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  void start();
  // Stops accepting; connections wait in the backlog. Those accepted already are still delivered.
  void stop();

 private:
  struct State;
  State* state_;
};

}  // namespace skep::loop
