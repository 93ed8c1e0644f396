// HTTP as a server's owner sees it, whatever the version on the wire. http1/ parses and writes
// HTTP/1.1; HTTP/2 will fill the same shapes. Runs in the shard. One connection, its exchanges and
// their handler live on one loop; every callback comes on the loop's stack.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/stream.h"

namespace skep::net {

struct Header {
  std::string_view name;   // as on the wire; compare without regard to case
  std::string_view value;  // without surrounding white space
};

// The head of a request. The views point into the exchange and live as long as it does.
struct RequestHead {
  std::string_view method;
  std::string_view target;  // origin form ("/a?b"), "*" for OPTIONS, or absolute form as sent
  // Host header (or :authority), "" for HTTP/1.0 without. With a target in absolute form it is the
  // target's authority, and so is the value of the Host header in `headers` (RFC 9112 3.2.2).
  std::string_view host;
  std::span<const Header> headers;  // in order, repeated names kept apart
  int version_major = 1;            // 1 or 2
  int version_minor = 1;            // HTTP/1.x; 0 for HTTP/2
  // ":protocol" of an extended CONNECT (RFC 8441): to the handler a GET with `upgrade` and an
  // Upgrade header. A 101 goes out as 200, and upgrade() gives the stream's bytes.
  std::string_view protocol;
  std::optional<uint64_t> content_length;
  bool has_body = false;  // content-length > 0, or chunked
  bool upgrade = false;   // Connection: upgrade, with an Upgrade header
};

struct ResponseHead {
  int status = 200;                 // 200 to 599, or 101 for an upgrade
  std::string_view status_text;     // "" means the standard phrase
  std::span<const Header> headers;  // without Content-Length, Transfer-Encoding, Connection, Date
                                    // and other hop-by-hop ones: those are the server's; given ones
                                    // are dropped
  // Known length of the body; not set: chunked (HTTP/1.1) or until close (HTTP/1.0).
  std::optional<uint64_t> content_length;
  // The body is not yet of the Content-Encoding that `headers` name: whoever carries the response
  // to the client encodes it, before it reaches an exchange.
  bool encode_body = false;
};

class HttpExchange;

// What the owner of an exchange hears. Every call may call back into the exchange. None of them
// comes from within a call of the exchange (pull_body, respond, …): they come later in this turn of
// the loop or in another, so a caller that is on a fiber or inside JavaScript is never re-entered.
class ExchangeEvents {
 public:
  // Request body bytes, only after pull_body(); valid during the call.
  virtual void on_body(std::span<const char> data) = 0;
  // The request body is complete.
  virtual void on_body_end() = 0;
  // The response buffer has fallen under its high-water mark after write() said false.
  virtual void on_writable() = 0;
  // The exchange is over, the last call. complete is true when the whole response was handed to the
  // connection (a request body that was not read by then is not delivered any more), and false when
  // the client went away, a time-out or a protocol error came, or abort() was called, before that.
  // head() may still be read within this call (to copy what outlives the response); afterwards the
  // exchange must not be used: its memory serves another request.
  virtual void on_closed(bool complete) = 0;

 protected:
  ~ExchangeEvents() = default;
};

// A connection taken away from HTTP.
struct Upgraded {
  // Its events must be set (set_events) before this turn of the loop ends; it does not receive
  // until receive() is called.
  std::unique_ptr<Stream> stream;
  std::string remaining;  // bytes that came after the request's head: they are the new protocol's
  loop::PeerAddress peer;
};

// One request and its response. Owned by its connection; valid until on_closed.
class HttpExchange {
 public:
  virtual const RequestHead& head() const = 0;
  virtual const loop::PeerAddress& peer() const = 0;
  virtual bool secure() const = 0;
  // Of the connection; null where it is plain.
  virtual const TlsFacts* tls() const { return nullptr; }
  // Must be set within HttpHandler::on_request.
  virtual void set_events(ExchangeEvents* events) = 0;

  // Asks for body bytes: exactly one on_body or on_body_end follows (or on_closed). The first pull
  // sends "100 Continue" where the client waits for it. Without pulls the connection stops reading
  // after limits::kBodyReadAhead.
  virtual void pull_body() = 0;

  // Sends the head; once. `body` is the whole body when `finish`, else its first bytes.
  // For HEAD requests and 204/304 the body is not sent. A head that would break the protocol (a
  // name that is no token, a value with a control character, a status out of range) is answered
  // with a plain 500 in its place, what is written after it is dropped, and on_refused hears of it.
  virtual void respond(const ResponseHead& head, std::string_view body, bool finish) = 0;
  // Sends more of the body. False: the buffer is above high water; on_writable follows.
  virtual bool write(std::string_view data) = 0;
  // The body is complete. With a content_length that was not met, the connection is closed.
  virtual void finish() = 0;
  // Ends the exchange: without a response so far, nothing is sent; the connection is closed (so
  // that a client can tell a cut body from a whole one).
  virtual void abort() = 0;
  virtual bool response_started() const = 0;
  // After respond() with status 101 and finish false: takes the connection away from HTTP and ends
  // the exchange (on_closed(true) follows). Null when not possible (no 101 sent, a request with a
  // body, client gone).
  virtual std::unique_ptr<Upgraded> upgrade() = 0;

 protected:
  ~HttpExchange() = default;
};

// Answers with a short plain body that says the status ("404 Not Found"), and `detail` where given.
// Nothing when a response was started already.
void write_plain_error(HttpExchange& exchange, int status, std::string_view detail = {});

class HttpHandler {
 public:
  // A request's head is complete. Must call exchange.set_events.
  virtual void on_request(HttpExchange& exchange) = 0;
  // A request was refused by the server itself (400, 408, 413, 414, 431…): for the log.
  virtual void on_refused(const loop::PeerAddress& peer, int status) {}

 protected:
  ~HttpHandler() = default;
};

}  // namespace skep::net
