// What holds for a response's head whatever the HTTP version on the wire: what an application may
// give, what it must leave to the server, and which statuses have no body. Pure; in the shard.
#pragma once

#include <string_view>

#include "net/http.h"

namespace skep::net {

// RFC 9110 15.3.5, 15.4.5: nothing follows the head.
bool has_no_body(int status);

// Names are tokens, values and the phrase have no control characters, the status is in range, and
// all of it fits limits::kResponseHeadBytes.
bool is_valid_response_head(const ResponseHead& head);

// RFC 9110 7.6.1 (the connection's own), and what the server says itself. Upgrade is the
// application's while a 101 is sent over HTTP/1.1.
bool is_servers_own(std::string_view name, bool upgrading);

}  // namespace skep::net
