// From bytes to messages: frames put together, unmasked, inflated, checked for UTF-8, bounded in
// size (RFC 6455, sections 5, 6.2 and 8; RFC 7692, 6.2). Knows no connection: the session feeds
// it, and fuzz targets do. Input is hostile.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/websocket/deflate.h"
#include "net/websocket/frame.h"
#include "net/websocket/utf8.h"

namespace skep::net::websocket {

// What the reader finds, in order. None of these may destroy the reader.
class ReaderEvents {
 public:
  virtual void on_message(bool text, std::string data) = 0;
  virtual void on_ping(std::string_view data) = 0;
  virtual void on_pong() = 0;
  // code 1005: the frame had none. Nothing is read after it.
  virtual void on_close_frame(uint16_t code, std::string_view reason) = 0;

 protected:
  ~ReaderEvents() = default;
};

class Reader {
 public:
  Reader(Role own, bool compression, size_t most_bytes);
  ~Reader();

  // Reads all of `data`. After a failure, or a Close frame, it must not be called again.
  Failure take(std::string_view data, ReaderEvents& events);
  bool closed() const { return closed_; }
  // Bytes held of a message that is not complete.
  size_t held() const { return message_.capacity() > kSmall ? message_.capacity() : 0; }

 private:
  static constexpr size_t kSmall = 64;

  Failure begin_frame();
  Failure take_payload(std::string_view piece);
  Failure take_message_piece(std::string_view piece);
  Failure inflated(Inflater::Outcome outcome, size_t before);
  Failure end_frame(ReaderEvents& events);
  Failure end_message(ReaderEvents& events);
  Failure end_close(ReaderEvents& events);

  const Role own_;
  const bool compression_;
  const size_t most_bytes_;
  HeaderReader header_reader_;
  FrameHeader header_;
  bool in_frame_ = false;
  bool closed_ = false;
  uint64_t taken_ = 0;  // of the frame's payload
  char control_[kControlBytes];
  // The message under way.
  bool in_message_ = false;
  bool text_ = false;
  std::string message_;
  Utf8Check utf8_;
  std::unique_ptr<Inflater> inflater_;  // set: it is compressed
};

}  // namespace skep::net::websocket
