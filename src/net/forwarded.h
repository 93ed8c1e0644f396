// Who the client behind trusted proxies is: X-Forwarded-For and X-Forwarded-Proto, or Forwarded
// (RFC 7239). Only called for requests whose peer is trusted; of an address list the rightmost
// entry that is not a trusted proxy's is the client, since everything left of it is his own word.
// Pure; runs in the shard.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/network.h"
#include "net/http.h"

namespace skep::net {

struct ForwardedClient {
  std::string address;         // numeric; empty: the proxies say nothing that counts
  std::optional<bool> secure;  // how the client reached the proxies, where they say
};

enum class ForwardedBy : uint8_t { x_forwarded, forwarded };

// Reads the headers of the one kind and ignores the other, which a client may have forged.
ForwardedClient read_forwarded(std::span<const Header> headers, ForwardedBy by,
                               const TrustedPeers& trusted);

}  // namespace skep::net
