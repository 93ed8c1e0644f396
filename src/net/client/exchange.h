// One request to an origin and its response, whatever the version on the wire: http1_client.h
// speaks HTTP/1.1, another session may fill the same shapes. Whoever asks holds a ClientExchange
// and hears ClientEvents. Runs in the shard, on the loop's thread. Bytes of an origin are hostile.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"

namespace skep::net {

// What is to be sent. The views need to live only during HttpClient::start.
struct ClientRequest {
  bool secure = false;         // https
  std::string_view host;       // of the URL: name, IPv4, or IPv6 in brackets
  uint16_t port = 0;           // of the URL, or its scheme's
  std::string_view authority;  // value of Host: as the URL has it
  std::string_view method;
  std::string_view target;  // path and query, at least "/"
  // In order. Hop-by-hop ones, Host, Content-Length and Transfer-Encoding are dropped: they are the
  // client's own.
  std::span<const Header> headers;
  bool has_body = false;
  std::optional<uint64_t> content_length;  // with has_body; not set: chunked
  std::string_view body;  // the whole body where `body_complete`, else its first bytes
  bool body_complete = true;
  std::string_view upgrade;  // a protocol to upgrade to ("websocket"), "" for none
};

// The head of a response. The views are valid as long as the exchange lives.
struct ClientResponseHead {
  int status = 0;  // 101 (where an upgrade was asked for), 200 to 599
  std::string_view status_text;
  std::span<const Header> headers;         // as they came, in order; hop-by-hop ones are left out
  std::optional<uint64_t> content_length;  // of the body that follows
  bool has_body = false;                   // false: on_body_end comes at the first pull
  int version_major = 1;
  int version_minor = 1;
};

enum class ClientFailure : uint8_t {
  refused,       // not allowed, not resolvable, no such address: trying again is of no use
  lost,          // could not connect, or the connection broke or was silent for too long
  bad_response,  // the origin does not speak HTTP as it should
  remote,        // another worker's exception: the message is its "Name: text"
};

struct ClientError {
  ClientFailure kind = ClientFailure::lost;
  std::string message;  // for the log; says the origin's name
  // The origin has not looked at the request (RFC 9113 8.7): it may be sent again, whatever it is.
  bool unprocessed = false;
};

// What the owner of an exchange hears, on the loop's stack and never from within a call of the
// exchange or of HttpClient. Each call may destroy the exchange.
class ClientEvents {
 public:
  // Once, unless on_failed comes before it. 1xx heads are not told, but 101 is.
  virtual void on_head(const ClientResponseHead& head) = 0;
  // Only after pull_body(), one for each; valid during the call.
  virtual void on_body(std::span<const char> data) = 0;
  // The body is complete: nothing follows.
  virtual void on_body_end() = 0;
  // After write() said false.
  virtual void on_writable() = 0;
  // The exchange is over without a whole response. The last call.
  virtual void on_failed(const ClientError& error) = 0;

 protected:
  ~ClientEvents() = default;
};

// Destroying it cancels what is under way.
class ClientExchange {
 public:
  virtual ~ClientExchange() = default;

  // Asks for body bytes, after on_head: one on_body or on_body_end follows (or on_failed). Without
  // pulls the connection stops reading after limits::kClientReadAhead.
  virtual void pull_body() = 0;
  // More of the request's body. False: wait for on_writable. May be called from the start on: what
  // is written before the connection is there waits, and counts.
  virtual bool write(std::string_view data) = 0;
  // The request's body is complete. Other than its content_length: the connection is closed.
  virtual void finish() = 0;
  // After on_head with status 101: takes the connection away. Null when not possible.
  virtual std::unique_ptr<Upgraded> upgrade() = 0;
};

// Where exchanges come from: one for each worker on a shard (Pool in pool.h), or a test's own.
class HttpClient {
 public:
  // May be called on a fiber: nothing but memory is touched before the loop comes round.
  virtual std::unique_ptr<ClientExchange> start(const ClientRequest& request,
                                                ClientEvents& events) = 0;

 protected:
  ~HttpClient() = default;
};

}  // namespace skep::net
