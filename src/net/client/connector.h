// Where outbound connections come from: whoever may open one answers with a connected stream. The
// shard's connector asks the broker, which resolves, checks the policy and connects; TLS is the
// shard's own. One for each worker, whose permissions it carries. On the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/stream.h"

namespace skep::net {

struct ConnectTarget {
  std::string host;  // a name, an IPv4 address, or an IPv6 address in brackets
  uint16_t port = 0;
  bool tls = false;
  std::vector<std::string> alpn;  // offered within TLS, in order of preference
};

struct ConnectedStream {
  // Its events must be set before this turn of the loop ends. What ALPN agreed on: tls()->alpn.
  std::unique_ptr<Stream> stream;
  loop::PeerAddress peer;  // the address that was connected to
};

// A connection being made. Destroying it cancels that.
class ConnectAttempt {
 public:
  virtual ~ConnectAttempt() = default;
};

class Connector {
 public:
  using Done = std::function<void(Result<ConnectedStream>)>;

  // `done` is called once, on the loop's stack and never from within connect(); it may destroy the
  // attempt. An error's code is an errno: EACCES where the policy forbids the address, ENOENT where
  // the name has none, EPROTO where TLS failed (a certificate that is not trusted); its message is
  // for the Worker's eyes too.
  virtual std::unique_ptr<ConnectAttempt> connect(const ConnectTarget& target, Done done) = 0;
  // TLS over a connection that is there already, and paused (STARTTLS); else as connect().
  virtual std::unique_ptr<ConnectAttempt> start_tls(std::unique_ptr<Stream> stream,
                                                    const ConnectTarget& target, Done done) = 0;

 protected:
  ~Connector() = default;
};

}  // namespace skep::net
