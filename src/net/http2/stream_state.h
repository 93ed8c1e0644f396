// One HTTP/2 stream on the server's side: a request and its response, or (RFC 8441) a tunnel.
// Everything that the application calls here only queues: the session does the work later in the
// turn, on the loop's stack, and calls back from there. Owned by its session, which lends it to the
// application until on_closed. Runs in the shard.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

namespace skep::net::http2 {

class Session;

// Bytes in, bytes out, in order: a string with a beginning that moves.
class ByteQueue {
 public:
  void append(std::string_view bytes) { bytes_.append(bytes); }
  std::string_view view() const { return std::string_view(bytes_).substr(begin_); }
  size_t size() const { return bytes_.size() - begin_; }
  bool empty() const { return size() == 0; }
  void consume(size_t count) {
    begin_ += count;
    if (begin_ == bytes_.size()) {
      bytes_.clear();
      begin_ = 0;
    } else if (begin_ > 64 * 1024 && begin_ > bytes_.size() / 2) {
      bytes_.erase(0, begin_);
      begin_ = 0;
    }
  }
  void clear() {
    bytes_.clear();
    begin_ = 0;
  }
  void release() {
    std::string().swap(bytes_);
    begin_ = 0;
  }

 private:
  std::string bytes_;
  size_t begin_ = 0;
};

// A request's head while it arrives, and after.
class RequestFields {
 public:
  // False: more than a head may have (the rest is dropped).
  bool add(std::string_view name, std::string_view value);
  // Builds head(). 0, or the status of what is wrong.
  int finish(bool end_stream);
  const RequestHead& head() const { return head_; }
  bool is_head_method() const { return method_is_head_; }
  bool expects_continue() const { return expects_continue_; }

 private:
  struct Field {
    uint32_t name, name_size, value, value_size;  // in text_
  };
  std::string_view name_of(const Field& field) const {
    return std::string_view(text_).substr(field.name, field.name_size);
  }
  std::string_view value_of(const Field& field) const {
    return std::string_view(text_).substr(field.value, field.value_size);
  }
  void take_pseudo_header(std::string_view name, std::string_view value);
  int take_fields();

  std::string text_;
  std::vector<Field> fields_;
  std::vector<Header> headers_;
  std::string cookies_;
  RequestHead head_;
  std::string_view authority_;
  bool too_large_ = false;
  bool method_is_head_ = false;
  bool expects_continue_ = false;
};

class StreamState final : public HttpExchange {
 public:
  StreamState(Session& session, int32_t id) : session_(&session), id(id) {}

  // HttpExchange
  const RequestHead& head() const override { return fields.head(); }
  const loop::PeerAddress& peer() const override;
  bool secure() const override;
  const TlsFacts* tls() const override;
  void set_events(ExchangeEvents* events) override { events_ = events; }
  void pull_body() override;
  void respond(const ResponseHead& head, std::string_view body, bool finish) override;
  bool write(std::string_view data) override;
  void finish() override;
  void abort() override;
  bool response_started() const override { return response_ != Response::none; }
  std::unique_ptr<Upgraded> upgrade() override;

 private:
  friend class Session;
  friend class Tunnel;
  enum class Response : uint8_t { none, open, finished };

  bool over() const { return aborted_ || upgraded_ || told_closed_; }
  void respond_500();
  void queue_body(std::string_view data);

  Session* const session_;
  const int32_t id;
  RequestFields fields;
  ExchangeEvents* events_ = nullptr;
  class Tunnel* tunnel_ = nullptr;  // who reads and writes after upgrade()
  ByteQueue in_, out_;
  uint64_t received_ = 0;  // of the request's body
  uint64_t length_left_ = 0;
  int64_t touched_ns_ = 0;  // last time that this stream got on
  Response response_ = Response::none;
  bool length_known_ = false;
  bool opened_ = false;     // the handler has heard of it
  bool head_done_ = false;  // its head is complete
  bool refused_ = false;    // never opened: answered by the session
  bool in_ended_ = false;   // END_STREAM arrived
  bool body_end_told_ = false;
  bool pull_pending_ = false;
  bool continue_wanted_ = false;
  bool body_dropped_ = false;
  bool waiting_writable_ = false;
  bool out_deferred_ = false;  // nghttp2 has no data of it to send
  bool end_sent_ = false;      // END_STREAM has left
  bool broken_ = false;        // the response's length was not what it said
  bool aborted_ = false;
  bool reset_ = false;  // RST_STREAM was submitted
  bool switching_ = false;
  bool upgraded_ = false;
  bool told_closed_ = false;
  bool gone_ = false;    // nghttp2 has closed it
  bool listed_ = false;  // among the session's work
};

}  // namespace skep::net::http2
