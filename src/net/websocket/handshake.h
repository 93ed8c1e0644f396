// The opening handshake of RFC 6455, section 4 (and of RFC 8441 over HTTP/2): what a server says to
// a request, what a client says and expects. Text only; the HTTP code sends it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"
#include "net/websocket/deflate.h"

namespace skep::net::websocket {

// Sec-WebSocket-Accept for a Sec-WebSocket-Key (4.2.2).
std::string accept_value(std::string_view key);
// A fresh Sec-WebSocket-Key (4.1).
std::string new_key();

// Puts the handshake's own headers among those of a client's request, in place of what was given.
// `key` becomes a fresh one, to which the headers point.
void add_client_headers(std::vector<Header>& headers, std::string& key);
// Whether a request with these headers asks for a WebSocket.
bool asks_for_websocket(std::span<const Header> headers);

// The headers of the answer, beside those that are given.
struct ServerHandshake {
  int status = 101;  // other: refused with it (400, 426)
  std::string accept;
  std::string extensions;  // "": none
  std::optional<DeflateParameters> deflate;
};
// compression: whether permessage-deflate may be agreed on. keyed: over HTTP/1.1, where the request
// has a key and the answer shows that it was read.
ServerHandshake answer_handshake(std::span<const Header> request_headers, bool compression,
                                 bool keyed);

// The headers that are the handshake's own, in either direction.
bool is_handshake_header(std::string_view name);

}  // namespace skep::net::websocket
