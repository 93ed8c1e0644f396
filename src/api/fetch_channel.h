// One HTTP request as a Worker's runtime sees it, free of what carries it: the shard implements it
// over a connection's exchange, `skep test` in memory, service bindings between isolates.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/http.h"

namespace skep::api {

// What a channel tells the event that uses it. Called on the loop's stack.
class FetchChannelEvents {
 public:
  virtual void on_body(std::span<const char> data) = 0;
  virtual void on_body_end() = 0;
  virtual void on_writable() = 0;

 protected:
  ~FetchChannelEvents() = default;
};

class FetchChannel {
 public:
  virtual void set_events(FetchChannelEvents* events) = 0;

  // The head is read only until the response is complete or the client is gone: within
  // Runtime::client_gone it is copied where the event goes on, and nothing of it is asked after.
  virtual std::string_view method() const = 0;
  virtual std::string_view url() const = 0;  // absolute, serialised as the URL standard does
  virtual std::span<const net::Header> headers() const = 0;
  virtual bool has_body() const = 0;
  virtual std::optional<uint64_t> body_length() const = 0;
  // The client's trace context (W3C) with a parent of our own, for requests that its event makes;
  // empty where the client sent none.
  struct Trace {
    std::string parent, state;
  };
  virtual Trace trace() { return {}; }
  // JSON text of request.cf; built only when a Worker reads it.
  virtual std::string cf_json() const = 0;

  // As net::HttpExchange: one on_body or on_body_end follows, possibly from within the call.
  virtual void pull_body() = 0;

  // These may be called from inside a job, on its fiber: they only queue, and never call back into
  // the runtime before the job is done.
  virtual void respond(const net::ResponseHead& head, std::string_view body, bool finish) = 0;
  virtual bool write(std::string_view data) = 0;  // false: wait for on_writable
  virtual void finish() = 0;
  virtual void abort() = 0;  // a streamed body failed in the middle

  // Whether the connection may become a WebSocket's, and whether that handshake has a key
  // (HTTP/1.1: RFC 6455) or none (HTTP/2: RFC 8441).
  enum class Upgrade : uint8_t { none, keyed, keyless };
  virtual Upgrade upgrade_kind() const { return Upgrade::none; }
  // After respond() with status 101 and finish false (loop). Null: the client is gone.
  virtual std::unique_ptr<net::Upgraded> upgrade() { return nullptr; }

 protected:
  ~FetchChannel() = default;
};

}  // namespace skep::api
