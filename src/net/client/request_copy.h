// A request that waits for its connection: what ClientRequest only points to, kept, and written as
// HTTP/1.1 once there is a connection. Owned by an exchange of the pool; runs in the shard.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/client/exchange.h"

namespace skep::net {

class RequestCopy {
 public:
  explicit RequestCopy(const ClientRequest& request);
  RequestCopy(const RequestCopy&) = delete;
  RequestCopy& operator=(const RequestCopy&) = delete;

  // What is wrong with the request ("" if nothing): a part that would break the protocol.
  std::string_view complaint() const { return complaint_; }
  // The request without its body, as given; the views point into this object.
  ClientRequest view() const;
  // "METHOD target HTTP/1.1" to the empty line.
  void append_http1(std::string& out) const;
  // RFC 9110 9.2.2: may be sent again where nobody knows whether it arrived.
  bool idempotent() const;

 private:
  std::string_view check() const;
  std::string_view keep(std::string_view part);

  std::string text_;
  std::vector<Header> headers_;
  ClientRequest request_;
  std::string_view complaint_;
};

}  // namespace skep::net
