// What the edge knows of a request beside its own bytes: who the client is (behind trusted
// proxies), the headers that Workers find added, request.cf, the trace it belongs to. Most of it is
// made only when somebody asks. Part of an HttpRequest, reset for each request; on the loop's
// thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/network.h"
#include "net/forwarded.h"
#include "net/http.h"

namespace skep::shard {

// The same for all requests of a shard.
struct EdgeSettings {
  TrustedPeers trusted;
  net::ForwardedBy forwarded_by = net::ForwardedBy::x_forwarded;
  std::string colo;
  bool access_log = false;
  uint64_t random_state = 0;  // of trace ids: unique, not secret

  uint64_t random();
};

class RequestFacts {
 public:
  // With the exchange's head there; everything else may be asked while it is.
  void begin(EdgeSettings& settings, const net::HttpExchange& exchange);

  // How the client came, which is not how a proxy came to us.
  bool secure() const { return secure_; }
  const std::string& client() const {
    return client_.empty() ? exchange_->peer().address : client_;
  }

  // The client's headers without those that only the edge may set, and the edge's own.
  std::span<const net::Header> headers(std::string_view request_id);
  std::string cf_json() const;
  // Whether the client sent a valid traceparent.
  bool has_trace() const { return !given_trace().empty(); }
  // Of the request where it is valid, else begun here. Kept when the exchange is gone.
  const std::string& traceparent();
  // Of the client; "" without a traceparent of its own.
  std::string_view tracestate() const;
  std::string ray(std::string_view request_id) const;

 private:
  std::string_view given_trace() const;
  bool keep(const net::Header& header) const;
  void add(std::string_view name, std::string value);

  EdgeSettings* settings_ = nullptr;
  const net::HttpExchange* exchange_ = nullptr;
  bool trusted_ = false, secure_ = false, made_ = false;
  std::string client_;  // empty: the peer
  std::string traceparent_;
  std::vector<net::Header> headers_;
  std::vector<std::string> texts_;  // what added headers point into
};

// "HTTP/1.1", "HTTP/2"
std::string_view protocol_name(const net::RequestHead& head);

}  // namespace skep::shard
