// The PROXY protocol, versions 1 and 2 (HAProxy's specification of 2020): a proxy in front says
// before the first byte of TLS or HTTP who its client is. Believed only from a trusted peer, and
// asked of every connection of a listener that has it on. Runs in the shard.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "loop/loop.h"
#include "net/stream.h"

namespace skep::net {

struct ProxyHeader {
  enum class State { partial, complete, invalid };
  State state = State::partial;
  size_t used = 0;           // complete: bytes of the header
  bool has_client = false;   // else the proxy speaks for itself (LOCAL, UNKNOWN)
  loop::PeerAddress client;  // numeric
};

// What the first bytes of a connection say. Strict: TCP over IPv4 or IPv6 only, no header longer
// than limits::kProxyHeaderBytes.
ProxyHeader parse_proxy_header(std::string_view bytes);

// Waits for the header on a fresh connection. Destroying it gives the connection up. `done` is
// called once, on the loop's stack, and may destroy this object: with the stream, which gives what
// came after the header as its first bytes, and with the address of the client.
class ProxyWait final : private loop::SocketEvents {
 public:
  struct Arrived {
    std::unique_ptr<Stream> stream;
    loop::PeerAddress peer;
  };
  using Done = std::function<void(Result<Arrived>)>;

  ProxyWait(loop::Loop& loop, std::unique_ptr<Stream> stream, loop::PeerAddress peer, Done done);
  ~ProxyWait();
  ProxyWait(const ProxyWait&) = delete;
  ProxyWait& operator=(const ProxyWait&) = delete;

 private:
  void on_data(std::span<const char> data) override;
  void on_end() override { finish(fail("the connection ended before its PROXY header")); }
  void on_error(int error) override { finish(fail_errno("before the PROXY header", error)); }
  void on_sent() override {}
  void finish(Result<Arrived> result);

  loop::Loop& loop_;
  std::unique_ptr<Stream> stream_;
  loop::PeerAddress peer_;
  Done done_;
  loop::Timer timer_;
  std::string bytes_;
};

// A stream whose first bytes were read already.
std::unique_ptr<Stream> make_prefixed_stream(loop::Loop& loop, std::unique_ptr<Stream> stream,
                                             std::string first);

}  // namespace skep::net
