// One request to an origin and its response over HTTP/2. What its owner calls only queues; the
// connection sends later, and the owner hears from a deferred call of this object's own, so that
// neither nghttp2 nor the owner is ever re-entered. It outlives its connection where the owner has
// not read everything yet. Owned by whoever asked; runs in the shard.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/client/exchange.h"

namespace skep::net::http2 {

class ClientConnection;

class ClientStream final : public ClientExchange {
 public:
  ClientStream(ClientConnection& connection, loop::Loop& loop, const ClientRequest& request,
               ClientEvents& events);
  ~ClientStream() override;
  ClientStream(const ClientStream&) = delete;
  ClientStream& operator=(const ClientStream&) = delete;

  // ClientExchange
  void pull_body() override;
  bool write(std::string_view data) override;
  void finish() override;
  std::unique_ptr<Upgraded> upgrade() override { return nullptr; }

 private:
  friend class ClientConnection;
  friend struct ClientCallbacks;
  struct Field {
    uint32_t name, name_bytes, value, value_bytes;  // in text_
  };

  // By the connection.
  bool add_field(std::string_view name, std::string_view value);  // false: too much
  void head_complete(bool last);
  void add_body(std::string_view bytes);
  size_t take_out(char* to, size_t room);
  void closed(uint32_t code);
  void fail(ClientFailure kind, std::string_view why);

  void deliver();
  bool tell_head();

  ClientConnection* connection_;  // null: the stream is closed there
  loop::Loop& loop_;
  ClientEvents& events_;
  const std::string origin_;
  int32_t id_ = 0;
  size_t place_ = 0;  // in the connection's list
  std::string text_;  // of the head that arrives
  std::vector<Field> fields_;
  std::vector<Header> headers_;
  std::string in_;   // of the response's body, not asked for yet
  std::string out_;  // of the request's body, from out_begin_
  size_t out_begin_ = 0;
  uint64_t length_left_ = 0;
  int status_ = 0;
  unsigned interim_ = 0;
  ClientError error_;
  int64_t progress_ns_;
  bool has_length_ = false;
  bool request_done_ = false;
  bool out_deferred_ = false;  // nghttp2 waits for more of the request's body
  bool blocked_ = false;       // write() said false
  bool head_done_ = false;
  bool has_body_ = false;
  bool head_told_ = false;
  bool ended_ = false;  // the response is whole
  bool failed_ = false;
  bool pulled_ = false;
  bool over_ = false;  // the end, or the failure, was told
  bool* gone_ = nullptr;
  loop::Deferred deferred_;
};

}  // namespace skep::net::http2
