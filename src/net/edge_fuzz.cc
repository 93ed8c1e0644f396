// The PROXY header and the headers of proxies, of arbitrary bytes. A header's verdict must not
// depend on what follows it, nor a complete one have been complete before its last byte; a client
// that is found is a numeric address.
#include <cstdint>

#include "base/assert.h"
#include "base/limits_edge.h"
#include "base/network.h"
#include "net/forwarded.h"
#include "net/proxy_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skep;
  using State = net::ProxyHeader::State;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const net::ProxyHeader header = net::parse_proxy_header(bytes);
  if (header.state == State::complete) {
    SKEP_ASSERT(header.used > 0 && header.used <= size);
    SKEP_ASSERT(header.used <= limits::kProxyHeaderBytes);
    SKEP_ASSERT(!header.has_client || parse_ip(header.client.address));
    const auto shorter = net::parse_proxy_header(bytes.substr(0, header.used - 1));
    SKEP_ASSERT(shorter.state == State::partial);
    SKEP_ASSERT(net::parse_proxy_header(bytes.substr(0, header.used)).state == State::complete);
  }
  static const TrustedPeers trusted = [] {
    TrustedPeers peers;
    SKEP_ASSERT(peers.add("10.0.0.0/8"));
    return peers;
  }();
  const size_t half = bytes.find('\n');
  const std::string_view all = bytes;
  const net::Header headers[] = {{"X-Forwarded-For", all.substr(0, half)},
                                 {"X-Forwarded-Proto", half < size ? all.substr(half + 1) : ""},
                                 {"Forwarded", all}};
  for (const auto by : {net::ForwardedBy::x_forwarded, net::ForwardedBy::forwarded}) {
    const net::ForwardedClient client = net::read_forwarded(headers, by, trusted);
    SKEP_ASSERT(client.address.empty() || parse_ip(client.address));
  }
  return 0;
}
